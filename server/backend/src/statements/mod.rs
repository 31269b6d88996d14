//! The room `statements`.
