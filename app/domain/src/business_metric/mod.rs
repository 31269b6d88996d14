//! Business metrics: what the money was for, such as tickets, active users or revenue, and what one of them cost.

mod form;
mod question;
mod unit_cost;

pub use form::{MAX_VALUES, MetricForm, NewValue, parse_period};
pub use question::{question, steps};
pub use unit_cost::{Selection, UnitCost, selected, unit_costs};

use crate::period::Period;
use crate::project::Slug;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The unit of revenue: a metric in dollars has a margin.
pub const USD: &str = "USD";
/// Most metrics of an organization.
pub const MAX_METRICS: usize = 200;
/// Labels of values that narrow spend too.
pub const DIMENSIONS: [&str; 5] = ["project", "team", "customer", "feature", "environment"];

/// A metric of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessMetric {
    /// Its name in addresses and requests.
    pub name: Slug,
    /// What its values count.
    pub unit: String,
}

impl BusinessMetric {
    /// Whether its values are dollars, so that they have a margin in place of a cost each.
    #[must_use]
    pub fn is_revenue(&self) -> bool {
        self.unit == USD
    }
}

/// A metric in the list of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricEntry {
    /// The metric.
    pub metric: BusinessMetric,
    /// How many values count.
    pub values: u64,
    /// First day of its values.
    pub from: NaiveDate,
    /// Day after the last one.
    pub to: NaiveDate,
    /// When the newest value came, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// The names of its labels.
    pub labels: Vec<String>,
}

/// A value for some days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricValue {
    /// The days that it counts.
    pub period: Period,
    /// What it is of, such as a project, a customer or a feature.
    pub labels: BTreeMap<String, String>,
    /// How many.
    pub value: Decimal,
}

/// A value with where it stands in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedValue {
    /// The value.
    pub value: MetricValue,
    /// When it came, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// Who sent it: an e-mail address or the name of a key.
    pub recorded_by: String,
    /// Since when another value counts for its days and labels.
    pub superseded_at: Option<DateTime<FixedOffset>>,
}
