//! Where the month will end.

pub mod api;
mod chart;
pub mod page;
mod words;

pub use page::ForecastPage;
