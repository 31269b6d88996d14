//! API keys: pages.

pub mod api;
mod page;

pub(crate) use page::keys;
