//! The room `rating`.
