//! Overview and Explore: the same question at different depths.

mod attention;
mod chart;
mod coding_agents;
pub mod explore;
pub mod filters;
mod glance;
pub mod labels;
mod links;
pub mod overview;

pub(crate) use coding_agents::coding_agents;
pub(crate) use explore::explore;
pub use filters::FilterMenu;
pub(crate) use filters::{CHOOSE, filter_bar};
pub(crate) use glance::glance;
pub use labels::SpendCell;
pub(crate) use links::events_of;
pub(crate) use overview::{included, live, overview, panel};
