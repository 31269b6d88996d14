//! Budgets and the alert history.

pub mod alerts;
pub mod api;
pub mod budget;
mod chart;
pub mod form;
mod labels;
pub mod list;
pub mod recipient;

pub(crate) use alerts::alerts;
pub(crate) use budget::budget;
pub(crate) use form::{edit_budget, new_budget};
pub(crate) use labels::{bar, scope};
pub(crate) use list::budgets;
pub(crate) use recipient::recipient;
