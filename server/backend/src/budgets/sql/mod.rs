//! Queries of `budgets`, `budget_amounts`, `budget_periods`, `alerts`, `budget_tests`, `recipients` and `dirty_marks`.
//! Names of teams, projects and people are joined where a row is shown.

mod alerts;
mod amounts;
mod budgets;
mod mails;
mod marks;
mod months;
mod recipients;

pub(super) use alerts::{
    Crossing, RecordedAlert, Wanted, acknowledge, acknowledge_before, alert_exists, alerts, join_entry, mailed,
    open_alerts, record, recorded, version,
};
pub(super) use amounts::{amounts, insert_amount};
pub(super) use budgets::{active_for_evaluation, blind_recipients, count, get, insert, list, lock, resolve, update};
pub(super) use mails::{insert_test, own_address, tests, tests_since};
#[cfg(test)]
pub(super) use marks::TAKE_MARKS;
pub(super) use marks::{Mark, is_marked_before, marked, take_marks, with_budgets};
pub(super) use months::{InForce, Month, evaluated, lock_month, months, over, set_month_amount};
pub(super) use recipients::{Question, ask_recipient, confirm_recipient, forget_recipient, recipient_offer};
