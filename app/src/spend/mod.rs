//! Overview and Explore: the same question at different depths.

pub mod api;
mod chart;
pub mod explore;
pub mod filters;
mod links;
pub mod overview;
pub mod words;

pub(crate) use explore::{CHOOSE, filter_items};
pub use explore::{ExplorePage, FilterValues};
pub use filters::Filters;
pub use overview::{OverviewPage, OverviewPanel};
pub use words::SpendCell;
