//! The room `problem`.
