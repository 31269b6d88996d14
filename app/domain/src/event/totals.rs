//! Running totals: what counts of an event that repeats what earlier ones said.

use super::{EventInput, ReportedCost};
use crate::meter::numbers_only;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// Running totals as a series reported them: later ones count from here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// The usage object.
    pub usage: Value,
    /// Requests, where they were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// The provider's own figure, in its currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_cost: Option<Decimal>,
}

impl Totals {
    /// Those of an event.
    #[must_use]
    pub fn of(sent: &EventInput) -> Self {
        let reported_cost = sent.reported_cost.as_ref().map(|cost| cost.amount);
        // Before it is checked, a usage object may hold anything.
        Self { usage: numbers_only(&sent.usage), requests: sent.requests, reported_cost }
    }

    /// Whether none of an event's own counters is smaller; its usage is compared once it is read.
    #[must_use]
    pub fn are_reached_by(&self, sent: &EventInput) -> bool {
        let now = Self::of(sent);
        now.requests.unwrap_or_default() >= self.requests.unwrap_or_default()
            && now.reported_cost.unwrap_or_default() >= self.reported_cost.unwrap_or_default()
    }
}

impl EventInput {
    /// What of it counts, its usage aside: what was sent, or what running totals grew by since others.
    #[must_use]
    pub fn counted_from(&self, before: Option<&Totals>) -> Cow<'_, Self> {
        before.map_or(Cow::Borrowed(self), |before| Cow::Owned(self.grown_since(before)))
    }

    /// The same event with what requests and reported cost grew by in place of their totals.
    fn grown_since(&self, before: &Totals) -> Self {
        let requests = self.requests.map(|requests| requests.saturating_sub(before.requests.unwrap_or_default()));
        let reported_cost = self.reported_cost.as_ref().map(|cost| ReportedCost {
            amount: (cost.amount - before.reported_cost.unwrap_or_default()).max(Decimal::ZERO),
            currency: cost.currency.clone(),
        });
        Self { requests, reported_cost, ..self.clone() }
    }
}
