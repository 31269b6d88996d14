//! Budgets and the alert ledger.

pub mod alerts;
pub mod api;
pub mod budget;
mod chart;
pub mod form;
mod labels;
pub mod list;
pub mod recipient;

pub(crate) use alerts::alerts;
pub use budget::BudgetPage;
pub use form::{EditBudgetPage, NewBudgetPage};
pub(crate) use labels::scope;
pub(crate) use list::budgets;
pub use recipient::RecipientPage;
