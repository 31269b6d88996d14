//! Where the month will end.

pub mod api;
pub(crate) mod chart;
pub(crate) mod labels;
pub mod page;

pub use page::ForecastPage;
