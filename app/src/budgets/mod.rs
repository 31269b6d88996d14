//! Budgets and the alert ledger.

pub mod alerts;
pub mod api;
pub mod budget;
mod chart;
pub mod form;
pub mod list;
mod words;

pub use alerts::AlertsPage;
pub use budget::BudgetPage;
pub use form::{EditBudgetPage, NewBudgetPage};
pub use list::BudgetsPage;
pub(crate) use words::scope;
