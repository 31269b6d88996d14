//! The room `ids`.
