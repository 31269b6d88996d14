//! Prices: what the organization uses and what it costs, the whole book, the organization's own prices, repricing.

pub mod api;
mod basis;
mod chart;
mod contract;
mod discounts;
mod enter;
mod fields;
pub(crate) mod history;
mod imports;
pub(crate) mod labels;
mod list;
mod model;
mod own;
mod runs;

pub(crate) use basis::cost_basis;
pub(crate) use contract::{contract, new_term};
pub(crate) use discounts::{discounts, new_discount};
pub(crate) use enter::{enter_price, map_name};
pub(crate) use imports::{import, imports};
pub(crate) use list::prices;
pub(crate) use model::model;
pub(crate) use own::own_book;
pub(crate) use runs::{new_run, run, runs};
