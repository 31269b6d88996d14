//! Prices: what the organization uses and what it costs, the whole book, the organization's own prices, repricing.

pub mod api;
pub mod basis;
mod chart;
pub mod contract;
pub mod discounts;
pub mod enter;
pub mod fields;
mod history;
pub mod imports;
pub(crate) mod labels;
pub mod list;
pub mod model;
pub mod own;
pub mod runs;

pub(crate) use basis::cost_basis;
pub use contract::{ContractPage, NewTermPage};
pub use discounts::{DiscountsPage, NewDiscountPage};
pub(crate) use enter::{enter_price, map_name};
pub use imports::{ImportPage, ImportsPage};
pub(crate) use list::prices;
pub(crate) use model::model;
pub(crate) use own::own_book;
pub use runs::{NewRunPage, RunPage, RunsPage};
