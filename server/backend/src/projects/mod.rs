//! The room `projects`.
