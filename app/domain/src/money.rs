//! The room `money`.
