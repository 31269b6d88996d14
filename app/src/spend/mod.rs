//! Overview and Explore: the same question at different depths.

pub mod api;
mod chart;
pub mod explore;
pub mod filters;
mod links;
pub mod overview;
pub mod words;

pub use explore::ExplorePage;
pub(crate) use filters::CHOOSE;
pub use filters::{FilterBar, FilterMenu};
pub use overview::{OverviewPage, OverviewPanel};
pub use words::SpendCell;
