//! Prices: what the organization uses and what it costs, the whole book, one model with its history.

pub mod api;
mod chart;
pub mod list;
pub mod model;
pub(crate) mod words;

pub use list::PricesPage;
pub use model::ModelPage;
