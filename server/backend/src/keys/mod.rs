//! The room `keys`.
