//! The room `budget`.
