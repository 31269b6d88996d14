//! The room `prices`.
