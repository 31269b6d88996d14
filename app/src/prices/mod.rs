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

pub use basis::CostBasisPage;
pub use contract::{ContractPage, NewTermPage};
pub use discounts::{DiscountsPage, NewDiscountPage};
pub use enter::{EnterPricePage, MapNamePage};
pub use imports::{ImportPage, ImportsPage};
pub use list::PricesPage;
pub use model::ModelPage;
pub use own::OwnBookPage;
pub use runs::{NewRunPage, RunPage, RunsPage};
