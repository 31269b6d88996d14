//! Overview and Explore: the same question at different depths.

pub mod api;
mod chart;
pub mod explore;
pub mod filters;
pub mod labels;
mod links;
pub mod overview;

pub use explore::ExplorePage;
pub(crate) use filters::CHOOSE;
pub(crate) use filters::filter_bar;
pub use filters::{FilterBar, FilterMenu};
pub use labels::SpendCell;
pub use overview::{OverviewPage, OverviewPanel};

/// A stub until the Overview is a function too.
pub(crate) async fn overview(_: crate::page::Visit) -> crate::page::Drawn {
    Ok(crate::page::Page::new("Overview", ()))
}
