//! Exact sums, which every row and total of an answer carries, and those that only some measures need.

use super::{Latencies, Needs};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Counts of calls that sums by customer, user and tag do not carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCounts {
    /// Attempts after the first of their request.
    pub retries: i64,
    /// What those cost, adjustments included.
    pub retry_cost: Decimal,
    /// Requests that the sender's own response cache answered.
    pub cache_hits: i64,
}

/// What sums by meter tell: tokens that providers counted, by kind, and what plans include; what the sender's own cache answered has nothing of both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByMeter {
    /// All input tokens, read from a cache, written to one, or neither.
    pub input: i64,
    /// Those of them that were read from the provider's prompt cache.
    pub cache_read: i64,
    /// All output tokens.
    pub output: i64,
    /// What usage would have cost that a plan includes: beside spend, never in it.
    pub included: Decimal,
}

/// The quarter of an hour with the most requests, and the one with the most tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// Requests of the one.
    pub requests: i64,
    /// Tokens of the other.
    pub tokens: i64,
}

/// Values of a business metric, and the spend of their days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Of the days that have values, in US dollars.
    pub spend: Decimal,
    /// The values.
    pub value: Decimal,
}

/// Exact sums: what every row and total carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Booked plus adjustments.
    pub spend: Decimal,
    /// As it was booked at ingestion, without later adjustments.
    pub booked: Decimal,
    /// Attempts.
    pub requests: i64,
    /// All tokens.
    pub tokens: i64,
    /// Attempts without a known cost.
    pub unpriced_requests: i64,
    /// Upper-bound estimate of those.
    pub unpriced_upper_bound: Decimal,
    /// Attempts that did not succeed.
    pub errors: i64,
    /// Cost avoided by the sender's own response cache.
    pub avoided_cost: Decimal,
    /// Where a measure needs them.
    pub calls: Option<CallCounts>,
    /// Where a measure needs them.
    pub by_meter: Option<ByMeter>,
    /// Where a measure needs it; parts do not add up to it, so a sum of parts has none.
    pub peak: Option<Peak>,
    /// Where a measure needs them.
    pub latencies: Option<Latencies>,
    /// Where a measure needs it: how many customers there were; none where nobody can tell. Parts may share customers, so a sum of parts has none.
    pub customers: Option<i64>,
    /// Where a measure needs them; parts may share units, so a sum of parts has none.
    pub units: Option<Units>,
}

impl Sums {
    /// No usage, of which everything is known that is needed.
    #[must_use]
    pub fn nothing(needs: Needs) -> Self {
        Self {
            calls: needs.calls.then(CallCounts::default),
            by_meter: needs.meters.then(ByMeter::default),
            peak: needs.peak.then(Peak::default),
            latencies: needs.latencies.then(Latencies::default),
            customers: needs.customers.then_some(0),
            units: None,
            ..Self::default()
        }
    }

    /// Whether nothing happened at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let own = Self { calls: None, by_meter: None, peak: None, latencies: None, customers: None, ..self.clone() };
        Self { units: None, ..own } == Self::default()
    }

    /// The most that it can have cost: what is known plus the upper bound of what is not.
    #[must_use]
    pub fn with_upper_bound(&self) -> Decimal {
        self.spend + self.unpriced_upper_bound
    }

    /// Adds another row's sums.
    pub fn add(&mut self, other: &Self) {
        self.spend += other.spend;
        self.booked += other.booked;
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.unpriced_requests += other.unpriced_requests;
        self.unpriced_upper_bound += other.unpriced_upper_bound;
        self.errors += other.errors;
        self.avoided_cost += other.avoided_cost;
        if let Some(other) = other.calls {
            let calls = self.calls.get_or_insert_default();
            calls.retries += other.retries;
            calls.retry_cost += other.retry_cost;
            calls.cache_hits += other.cache_hits;
        }
        if let Some(other) = other.by_meter {
            let by_meter = self.by_meter.get_or_insert_default();
            by_meter.input += other.input;
            by_meter.cache_read += other.cache_read;
            by_meter.output += other.output;
            by_meter.included += other.included;
        }
        if let Some(other) = &other.latencies {
            self.latencies.get_or_insert_default().add(other);
        }
        (self.peak, self.customers, self.units) = (None, None, None);
    }

    /// What is left without another row's sums.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        let calls = other.calls.map(|calls| CallCounts {
            retries: -calls.retries,
            retry_cost: -calls.retry_cost,
            cache_hits: -calls.cache_hits,
        });
        let by_meter = other.by_meter.map(|by_meter| ByMeter {
            input: -by_meter.input,
            cache_read: -by_meter.cache_read,
            output: -by_meter.output,
            included: -by_meter.included,
        });
        let mut left = self.clone();
        left.add(&Self {
            spend: -other.spend,
            booked: -other.booked,
            requests: -other.requests,
            tokens: -other.tokens,
            unpriced_requests: -other.unpriced_requests,
            unpriced_upper_bound: -other.unpriced_upper_bound,
            errors: -other.errors,
            avoided_cost: -other.avoided_cost,
            calls,
            by_meter,
            peak: None,
            latencies: None,
            customers: None,
            units: None,
        });
        if let Some(other) = &other.latencies {
            left.latencies.get_or_insert_default().subtract(other);
        }
        left
    }
}
