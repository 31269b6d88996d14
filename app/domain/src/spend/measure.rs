//! What is measured: every measure is a pure function of exact sums, so a ratio of a total is made of summed parts and never of ratios.
//!
//! To add a measure, add one line to the table below.

use super::Sums;
use crate::money;
use crate::problem::FieldProblem;
use crate::project::Slug;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// In what a measure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureUnit {
    /// Dollars.
    Money,
    /// Whole numbers.
    Count,
    /// A part of a whole, from 0 to 1.
    Share,
    /// Numbers per minute.
    Rate,
    /// Milliseconds.
    Millis,
}

/// Which sums a measure needs beyond those that every answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Needs {
    /// Retries with their cost, and hits of the sender's response cache ([`super::CallCounts`]).
    pub calls: bool,
    /// Tokens by kind, and what plans include ([`super::ByMeter`]).
    pub meters: bool,
    /// The highest quarter of an hour ([`super::Peak`]).
    pub peak: bool,
    /// How long calls took ([`super::Latencies`]).
    pub latencies: bool,
    /// How many customers there were ([`Sums::customers`]).
    pub customers: bool,
    /// Units of a business metric ([`Sums::units`]).
    pub units: bool,
}

impl Needs {
    const NOTHING: Self =
        Self { calls: false, meters: false, peak: false, latencies: false, customers: false, units: false };
    const CALLS: Self = Self { calls: true, ..Self::NOTHING };
    const METERS: Self = Self { meters: true, ..Self::NOTHING };
    const PEAK: Self = Self { peak: true, ..Self::NOTHING };
    const LATENCIES: Self = Self { latencies: true, ..Self::NOTHING };
    const CUSTOMERS: Self = Self { customers: true, ..Self::NOTHING };
    const UNITS: Self = Self { units: true, ..Self::NOTHING };

    /// Whether sums of parts have no part in what the whole has: the highest of parts, and what is in several of them, is told by no sum.
    #[must_use]
    pub const fn is_of_the_whole(self) -> bool {
        self.peak || self.customers || self.units
    }

    /// Whether it is kept by day alone.
    #[must_use]
    pub const fn is_by_day(self) -> bool {
        self.meters || self.latencies || self.customers || self.units
    }

    /// What any of them needs.
    #[must_use]
    pub fn of(measures: &[Measure]) -> Self {
        measures.iter().map(|measure| measure.needs()).fold(Self::default(), |all, one| Self {
            calls: all.calls || one.calls,
            meters: all.meters || one.meters,
            peak: all.peak || one.peak,
            latencies: all.latencies || one.latencies,
            customers: all.customers || one.customers,
            units: all.units || one.units,
        })
    }
}

/// A measure as a function of sums and of the minutes that they were counted in.
type Value = fn(&Sums, Decimal) -> Option<Decimal>;

macro_rules! measures {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $label:literal, $unit:ident, $kind:ident, $needs:ident, $value:expr;)+) => {
        /// What is summed, or follows from sums.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Measure {
            $($(#[$doc])* $name,)+
        }

        impl Measure {
            /// All measures.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word in URL and JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The word on the screen.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// In what it is written.
            #[must_use]
            pub const fn unit(self) -> MeasureUnit {
                match self { $(Self::$name => MeasureUnit::$unit,)+ }
            }

            /// Which sums it needs.
            #[must_use]
            pub const fn needs(self) -> Needs {
                match self { $(Self::$name => Needs::$needs,)+ }
            }

            /// Whether values of parts add up to the value of the whole: only these are stacked and have shares.
            #[must_use]
            pub const fn adds_up(self) -> bool {
                match self { $(Self::$name => Kind::$kind.adds_up(),)+ }
            }

            const fn value(self) -> Value {
                match self { $(Self::$name => $value,)+ }
            }
        }
    };
}

/// How values of parts make the value of a whole.
#[derive(Clone, Copy)]
enum Kind {
    Sum,
    Ratio,
}

impl Kind {
    const fn adds_up(self) -> bool {
        matches!(self, Self::Sum)
    }
}

measures! {
    /// Money, as restated by adjustments.
    #[default]
    Spend = "spend", "Spend", Money, Sum, NOTHING, |sums, _| Some(sums.spend);
    /// Attempts.
    Requests = "requests", "Requests", Count, Sum, NOTHING, |sums, _| Some(sums.requests.into());
    /// All tokens.
    Tokens = "tokens", "Tokens", Count, Sum, NOTHING, |sums, _| Some(sums.tokens.into());
    /// Money as it was booked, without later adjustments.
    Booked = "booked", "Originally recorded cost", Money, Sum, NOTHING, |sums, _| Some(sums.booked);
    /// What a priced request cost.
    CostPerRequest = "cost_per_request", "Cost per request", Money, Ratio, NOTHING, |sums, _| sums.per_request();
    /// What a million tokens cost; unknown where a request has no price, because its tokens are among them.
    CostPerMillionTokens = "cost_per_million_tokens", "Cost per 1M tokens", Money, Ratio, NOTHING, |sums, _| sums.per_million_tokens();
    /// What a customer cost who used anything: all spend, also what names no customer, over the customers; unknown where the limit of customers was passed, beyond which they are one.
    CostPerCustomer = "cost_per_customer", "Cost per customer", Money, Ratio, CUSTOMERS, |sums, _| divide(sums.spend, sums.customers?.into());
    /// What one unit of a business metric cost, on the days that have values; written with the metric's name behind it ([`Measured`]).
    CostPerUnit = "cost_per_unit", "Cost per unit", Money, Ratio, UNITS, |sums, _| divide(sums.units?.spend, sums.units?.value);
    /// Attempts that did not succeed, of all.
    ErrorRate = "error_rate", "Error rate", Share, Ratio, NOTHING, |sums, _| ratio(sums.errors, sums.requests);
    /// Input tokens of any kind that providers counted.
    InputTokens = "input_tokens", "Input tokens", Count, Sum, METERS, |sums, _| Some(sums.by_meter?.input.into());
    /// Input tokens read from the provider's prompt cache.
    CacheReadTokens = "cache_read_tokens", "Cache-read tokens", Count, Sum, METERS, |sums, _| Some(sums.by_meter?.cache_read.into());
    /// Output tokens of any kind.
    OutputTokens = "output_tokens", "Output tokens", Count, Sum, METERS, |sums, _| Some(sums.by_meter?.output.into());
    /// Input tokens read from the provider's prompt cache, of all input tokens.
    CacheReadShare = "cache_read_share", "Cache-read share of input", Share, Ratio, METERS, |sums, _| ratio(sums.by_meter?.cache_read, sums.by_meter?.input);
    /// What usage would have cost that plans include: it is not billed, and no part of spend.
    IncludedValue = "included_value", "List value of included usage", Money, Sum, METERS, |sums, _| Some(sums.by_meter?.included);
    /// Requests that the sender's own response cache answered.
    CacheHits = "response_cache_hits", "Response-cache hits", Count, Sum, CALLS, |sums, _| Some(sums.calls?.cache_hits.into());
    /// What those would have cost at the provider.
    AvoidedCost = "avoided_cost", "Avoided cost", Money, Sum, NOTHING, |sums, _| Some(sums.avoided_cost);
    /// Attempts after the first of their request.
    Retries = "retries", "Retries", Count, Sum, CALLS, |sums, _| Some(sums.calls?.retries.into());
    /// What those cost.
    RetryCost = "retry_cost", "Cost of retries", Money, Sum, CALLS, |sums, _| Some(sums.calls?.retry_cost);
    /// Half of the calls were answered in so long.
    LatencyP50 = "latency_p50_ms", "Latency, p50", Millis, Ratio, LATENCIES, |sums, _| responses(sums, 50);
    /// 95 of 100 were.
    LatencyP95 = "latency_p95_ms", "Latency, p95", Millis, Ratio, LATENCIES, |sums, _| responses(sums, 95);
    /// 99 of 100 were.
    LatencyP99 = "latency_p99_ms", "Latency, p99", Millis, Ratio, LATENCIES, |sums, _| responses(sums, 99);
    /// Half of the calls had their first token in so long.
    FirstTokenP50 = "time_to_first_token_p50_ms", "Time to first token, p50", Millis, Ratio, LATENCIES, |sums, _| first_tokens(sums, 50);
    /// 95 of 100 had.
    FirstTokenP95 = "time_to_first_token_p95_ms", "Time to first token, p95", Millis, Ratio, LATENCIES, |sums, _| first_tokens(sums, 95);
    /// 99 of 100 had.
    FirstTokenP99 = "time_to_first_token_p99_ms", "Time to first token, p99", Millis, Ratio, LATENCIES, |sums, _| first_tokens(sums, 99);
    /// Requests in a minute on average, of the minutes that have passed.
    RequestsPerMinute = "requests_per_minute", "Requests per minute, mean", Rate, Ratio, NOTHING, |sums, minutes| divide(sums.requests, minutes);
    /// Tokens in a minute on average, of the minutes that have passed.
    TokensPerMinute = "tokens_per_minute", "Tokens per minute, mean", Rate, Ratio, NOTHING, |sums, minutes| divide(sums.tokens, minutes);
    /// Requests in a minute of the quarter of an hour that had most.
    PeakRequestsPerMinute = "peak_requests_per_minute", "Requests per minute, peak quarter hour", Rate, Ratio, PEAK, |sums, _| divide(sums.peak?.requests, QUARTER);
    /// Tokens in a minute of the quarter of an hour that had most.
    PeakTokensPerMinute = "peak_tokens_per_minute", "Tokens per minute, peak quarter hour", Rate, Ratio, PEAK, |sums, _| divide(sums.peak?.tokens, QUARTER);
}

fn responses(sums: &Sums, percent: i64) -> Option<Decimal> {
    sums.latencies.as_ref()?.responses.percentile(percent)
}

fn first_tokens(sums: &Sums, percent: i64) -> Option<Decimal> {
    sums.latencies.as_ref()?.first_tokens.percentile(percent)
}

/// Minutes of a quarter of an hour.
const QUARTER: Decimal = Decimal::from_parts(15, 0, 0, false, 0);

/// Decimal places of what is divided.
const PLACES: u32 = 12;

/// A part of a whole; nothing of nothing.
fn ratio(part: i64, whole: i64) -> Option<Decimal> {
    divide(part, whole.into())
}

fn divide(part: impl Into<Decimal>, whole: Decimal) -> Option<Decimal> {
    part.into().checked_div(whole).map(|quotient| quotient.round_dp(PLACES))
}

impl Measure {
    /// What is answered where nothing else is asked for.
    pub const DEFAULT: [Self; 3] = [Self::Spend, Self::Requests, Self::Tokens];

    /// Whether it needs the minutes in which the sums were counted.
    #[must_use]
    pub const fn is_per_minute(self) -> bool {
        matches!(self, Self::RequestsPerMinute | Self::TokensPerMinute)
    }

    /// Whether it follows from the sums that allocation rules share out.
    #[must_use]
    pub const fn is_shared_out(self) -> bool {
        matches!(
            self,
            Self::Spend
                | Self::Requests
                | Self::Tokens
                | Self::CostPerRequest
                | Self::CostPerMillionTokens
                | Self::RequestsPerMinute
                | Self::TokensPerMinute
        )
    }

    /// What the API and files write: money with all places, counts as they are, ratios with up to twelve places, nothing for what cannot be said.
    #[must_use]
    pub fn text(self, sums: &Sums, minutes: Decimal) -> Option<String> {
        let value = sums.of(self, minutes)?;
        Some(if self.unit() == MeasureUnit::Money { money::exact(value) } else { value.normalize().to_string() })
    }
}

impl FromStr for Measure {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.iter().map(|measure| measure.as_str()).collect::<Vec<_>>().join(", ");
        Self::ALL
            .iter()
            .copied()
            .find(|measure| measure.as_str() == text)
            .ok_or_else(|| FieldProblem::new("measure", "unknown", format!("Use any of {}.", known())))
    }
}

/// A measure as it is written, of units with the business metric that they are of: `cost_per_unit:tickets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The measure.
    pub measure: Measure,
    /// The name of the business metric, for exactly those measures that need units.
    pub metric: Option<Slug>,
}

impl Measured {
    /// The word in URL and JSON.
    #[must_use]
    pub fn word(measure: Measure, metric: Option<&Slug>) -> String {
        let metric = metric.filter(|_| measure.needs().units);
        metric.map_or_else(|| measure.as_str().to_owned(), |metric| format!("{}:{metric}", measure.as_str()))
    }

    /// The words on the screen: "Cost per unit of tickets".
    #[must_use]
    pub fn label(measure: Measure, metric: Option<&Slug>) -> String {
        let metric = metric.filter(|_| measure.needs().units);
        metric.map_or_else(|| measure.label().to_owned(), |metric| format!("{} of {metric}", measure.label()))
    }
}

impl FromStr for Measured {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, metric) = text.split_once(':').map_or((text, None), |(word, metric)| (word, Some(metric)));
        let measure: Measure = word.parse()?;
        let metric = metric.map(Slug::parse).transpose();
        let wrong = || {
            let detail =
                "Only cost_per_unit takes the name of a business metric, and needs it: `cost_per_unit:tickets`.";
            FieldProblem::new("measure", "invalid", detail)
        };
        let metric = metric.map_err(|_| wrong())?;
        if metric.is_some() == measure.needs().units { Ok(Self { measure, metric }) } else { Err(wrong()) }
    }
}

impl Sums {
    /// One measure as a number, of sums that were counted in so many minutes; none where it cannot be said, such as a ratio of nothing.
    #[must_use]
    pub fn of(&self, measure: Measure, minutes: Decimal) -> Option<Decimal> {
        (measure.value())(self, minutes)
    }

    /// What one priced request cost; none where there is none.
    #[must_use]
    pub fn per_request(&self) -> Option<Decimal> {
        divide(self.spend, Decimal::from(self.requests - self.unpriced_requests))
    }

    /// What a million tokens cost; none where a request has no price, whose tokens are among them, or no token was used.
    #[must_use]
    pub fn per_million_tokens(&self) -> Option<Decimal> {
        let spend = self.spend.checked_mul(Decimal::from(1_000_000)).filter(|_| self.unpriced_requests == 0)?;
        divide(spend, self.tokens.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ByMeter, CallCounts, Peak, Units};
    use super::*;
    use proptest::prelude::*;

    fn any_sums() -> impl Strategy<Value = Sums> {
        let small = || 0i64..1_000;
        ((small(), small(), small(), small()), (small(), small(), small()), (small(), small(), small())).prop_map(
            |((spend, requests, tokens, errors), (hits, retries, avoided), (input, cache_read, output))| Sums {
                spend: Decimal::new(spend, 3),
                booked: Decimal::new(spend * 2, 3),
                requests,
                tokens,
                errors,
                avoided_cost: Decimal::new(avoided, 2),
                calls: Some(CallCounts { retries, retry_cost: Decimal::new(retries, 4), cache_hits: hits }),
                by_meter: Some(ByMeter { input, cache_read, output, included: Decimal::new(input, 3) }),
                ..Sums::default()
            },
        )
    }

    proptest! {
        #[test]
        fn only_sums_add_up_and_ratios_of_a_whole_come_from_its_sums(parts in prop::collection::vec(any_sums(), 1..6)) {
            let mut whole = Sums::default();
            parts.iter().for_each(|part| whole.add(part));
            let minutes = Decimal::from(60);
            for measure in Measure::ALL.iter().filter(|measure| measure.adds_up()) {
                let added: Option<Decimal> = parts.iter().map(|part| part.of(*measure, minutes)).sum();
                prop_assert_eq!(added, whole.of(*measure, minutes), "{:?}", measure);
            }
            let errors: i64 = parts.iter().map(|part| part.errors).sum();
            let requests: i64 = parts.iter().map(|part| part.requests).sum();
            prop_assert_eq!(whole.of(Measure::ErrorRate, minutes), ratio(errors, requests));
            // What is left of the whole is what the other parts add up to.
            let mut rest = Sums::default();
            parts.iter().skip(1).for_each(|part| rest.add(part));
            let left = whole.less(&parts[0]);
            for measure in Measure::ALL.iter().filter(|measure| !measure.needs().is_of_the_whole() && parts.len() > 1) {
                prop_assert_eq!(left.of(*measure, minutes), rest.of(*measure, minutes), "{:?}", measure);
            }
        }
    }

    #[test]
    fn a_ratio_of_nothing_is_unknown_and_never_zero() {
        let nothing =
            Sums { calls: Some(CallCounts::default()), by_meter: Some(ByMeter::default()), ..Sums::default() };
        for measure in Measure::ALL.iter().filter(|measure| !measure.adds_up()) {
            assert_eq!(nothing.of(*measure, Decimal::ZERO), None, "{measure:?}");
        }
        let unpriced = Sums { requests: 3, unpriced_requests: 3, tokens: 900, ..Sums::default() };
        assert_eq!(unpriced.of(Measure::CostPerRequest, Decimal::ONE), None);
        assert_eq!(unpriced.of(Measure::CostPerMillionTokens, Decimal::ONE), None);
        assert_eq!(unpriced.of(Measure::ErrorRate, Decimal::ONE), Some(Decimal::ZERO), "none of three failed");
    }

    #[test]
    fn what_was_not_asked_for_is_unknown() {
        let sums = Sums { requests: 4, tokens: 900, ..Sums::default() };
        for measure in Measure::ALL.iter().filter(|measure| measure.needs() != Needs::default()) {
            assert_eq!(sums.of(*measure, Decimal::ONE), None, "{measure:?}");
        }
        let needs = Needs::of(&[Measure::Retries, Measure::InputTokens]);
        assert_eq!(needs, Needs { calls: true, meters: true, ..Needs::default() });
    }

    #[test]
    fn a_measure_of_units_names_its_metric_and_no_other_does() {
        let read = |text: &str| text.parse::<Measured>().map(|read| Measured::word(read.measure, read.metric.as_ref()));
        for word in ["spend", "cost_per_unit:tickets"] {
            assert_eq!(read(word).unwrap(), word);
        }
        for word in ["cost_per_unit", "cost_per_unit:", "cost_per_unit:A b", "spend:tickets", "profit"] {
            assert_eq!(read(word).unwrap_err().pointer, "measure", "{word}");
        }
        let tickets = Slug::parse("tickets").unwrap();
        assert_eq!(Measured::label(Measure::CostPerUnit, Some(&tickets)), "Cost per unit of tickets");
        assert_eq!(Measured::label(Measure::Spend, Some(&tickets)), "Spend");
    }

    #[test]
    fn measures_are_written_exactly() {
        let sums = Sums {
            spend: Decimal::new(35, 4),
            requests: 7,
            errors: 1,
            tokens: 1_100,
            peak: Some(Peak { requests: 5, tokens: 1_100 }),
            customers: Some(2),
            units: Some(Units { spend: Decimal::new(3, 3), value: Decimal::from(6) }),
            ..Sums::default()
        };
        let text = |measure: Measure| measure.text(&sums, Decimal::from(60)).unwrap();
        assert_eq!(text(Measure::Spend), "0.003500000000");
        assert_eq!(text(Measure::CostPerRequest), "0.000500000000");
        assert_eq!(text(Measure::CostPerMillionTokens), "3.181818181818");
        assert_eq!(text(Measure::CostPerCustomer), "0.001750000000");
        assert_eq!(text(Measure::CostPerUnit), "0.000500000000");
        assert_eq!(text(Measure::ErrorRate), "0.142857142857");
        assert_eq!(text(Measure::RequestsPerMinute), "0.116666666667");
        assert_eq!(text(Measure::PeakRequestsPerMinute), "0.333333333333");
        assert_eq!(text(Measure::Tokens), "1100");
        for measure in Measure::ALL {
            assert_eq!(measure.as_str().parse(), Ok(*measure));
        }
    }
}
