//! Where the month will end.

pub mod api;
pub(crate) mod chart;
pub mod page;
pub(crate) mod words;

pub use page::ForecastPage;
