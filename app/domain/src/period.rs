//! The room `period`.
