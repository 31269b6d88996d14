//! The room `meter`.
