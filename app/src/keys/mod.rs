//! API keys: pages.

pub mod api;
pub mod page;

pub use page::KeysPage;
