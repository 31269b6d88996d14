//! Allocation: for whom usage counts, by dated rules that apply in order.
//!
//! A rule takes usage that its conditions fit, and re-labels or splits it; nothing in the ledger is rewritten.
//! [`Plan`] finds the way of every kind of usage, which amounts have no part in; [`Plan::settle`] shares out sums by day and way.

mod apportion;
mod checks;
mod form;
mod metric;
mod plan;
mod rule;
mod settle;
mod shared;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use apportion::apportion;
pub use checks::check;
pub use form::{AllocationForm, ConditionForm, MAX_CONDITIONS, MAX_TARGETS, TargetForm, row_field};
pub use metric::MetricValues;
pub use plan::{Holder, Lane, Owners, Place, Plan, Route, RouteId, SeriesWords};
pub use rule::{AllocationRule, Condition, Method, Share, Target, Test};
pub use settle::{Allocation, Amounts, Cell, Move, Portion, month_of};
pub use shared::{SharedLine, shared};
pub use view::{Account, Allocated, AllocationPreview, Cause, Flow, Origin, Party, RuleExplained, flows};
