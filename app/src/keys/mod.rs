//! API keys: pages.

pub mod api;
mod key;
mod page;

pub(crate) use key::key;
pub(crate) use page::keys;
