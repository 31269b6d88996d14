//! Labels: which of them events should carry, how many do, and which of their values are one.

pub mod api;
mod page;

pub(crate) use page::labels;
