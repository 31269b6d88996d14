//! Budgets and the alert ledger.

pub mod alerts;
pub mod api;
pub mod budget;
mod chart;
pub mod form;
mod labels;
pub mod list;
pub mod recipient;

pub use alerts::AlertsPage;
pub use budget::BudgetPage;
pub use form::{EditBudgetPage, NewBudgetPage};
pub(crate) use labels::scope;
pub use list::BudgetsPage;
pub use recipient::RecipientPage;
