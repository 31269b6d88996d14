//! The room `spend`.
