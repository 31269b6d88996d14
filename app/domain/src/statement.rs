//! The room `statement`.
