//! Calls that belong together, those of a session or of an interaction: added up, in time order, and listed by what they cost.

use super::{EventRow, Page};
use crate::meter::{Meter, Meters};
use crate::problem::{FieldProblem, Problem};
use crate::span::Edge;
use crate::spend::{Filter, Sums};
use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Calls that one page of a session or interaction lists.
pub const CALLS_PER_PAGE: u16 = 500;
/// Most repeated steps that are named.
pub const MAX_REPEATS: i64 = 20;
/// Most calls of a span that a list of sessions or interactions adds up, the newest of them.
pub const MAX_READ_CALLS: i64 = 200_000;
/// How far into a list its pages lead.
const MAX_OFFSET: u32 = 100_000;

/// By which of their ids calls are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallGroup {
    /// All of one conversation: `session_id`.
    Session,
    /// All of one user action: `interaction_id`.
    Interaction,
}

impl CallGroup {
    /// The word for one: `session`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Interaction => "interaction",
        }
    }

    /// The word for several, in addresses and on screens: `sessions`.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Session => "sessions",
            Self::Interaction => "interactions",
        }
    }

    /// The field of events: `session_id`.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Session => "session_id",
            Self::Interaction => "interaction_id",
        }
    }
}

/// One call of a session or interaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// As in the list of events.
    pub row: EventRow,
    /// The step that it names.
    pub step: Option<String>,
    /// The request that it is an attempt of.
    pub request_id: Option<String>,
    /// Input tokens, cached ones too.
    pub input_tokens: u64,
    /// Those of them that were read from the provider's cache.
    pub cached_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
}

impl Call {
    /// A call with the tokens of its meters.
    #[must_use]
    pub fn of(row: EventRow, step: Option<String>, request_id: Option<String>, used: &Meters) -> Self {
        let is_cached = |meter: Meter| meter != meter.uncached() && meter.as_str().ends_with("cache_read");
        let cached: Meters = used.iter().filter(|(meter, _)| is_cached(*meter)).collect();
        let input_tokens = used.input_tokens();
        let output_tokens = used.tokens().saturating_sub(input_tokens);
        Self { row, step, request_id, input_tokens, cached_tokens: cached.tokens(), output_tokens }
    }

    /// Whether it repeats a request whose first attempt is listed above it.
    #[must_use]
    pub fn is_retry_of(&self, before: &Self) -> bool {
        self.request_id.is_some() && self.request_id == before.request_id
    }
}

/// Puts the attempts of a request behind its first one; calls come in the order of time.
pub fn with_retries_below(calls: Vec<Call>) -> Vec<Call> {
    let mut requests: Vec<Vec<Call>> = Vec::new();
    for call in calls {
        let same = requests.iter_mut().find(|request| request.first().is_some_and(|first| call.is_retry_of(first)));
        match same {
            Some(request) => request.push(call),
            None => requests.push(vec![call]),
        }
    }
    requests.into_iter().flatten().collect()
}

/// Where calls stand on a line from 0 to 1, as beginning and length, from when they began and how long they took in milliseconds. Time in which no call ran is drawn short: a tenth of the line at most.
#[must_use]
pub fn waterfall(calls: &[(i64, u64)]) -> Vec<(f64, f64)> {
    let spans: Vec<(i64, i64)> = calls
        .iter()
        .map(|(began, took)| (*began, began.saturating_add(i64::try_from(*took).unwrap_or(i64::MAX).max(1))))
        .collect();
    let mut sorted = spans.clone();
    sorted.sort_unstable();
    let (mut busy, mut gaps, mut reached) = (0_i64, Vec::new(), None::<i64>);
    for (began, ended) in sorted {
        let from = reached.map_or(began, |reached| reached.max(began));
        if let Some(reached) = reached.filter(|reached| *reached < began) {
            gaps.push((reached, began));
        }
        busy += (ended - from).max(0);
        reached = Some(reached.map_or(ended, |reached| reached.max(ended)));
    }
    let gap_limit = (busy / 10).max(1) / i64::try_from(gaps.len().max(1)).unwrap_or(i64::MAX);
    let short = |(from, to): (i64, i64)| (to - from).min(gap_limit);
    let first = spans.iter().map(|(began, _)| *began).min().unwrap_or_default();
    // What lies before an instant, with the idle time that is left out taken off.
    let place = |at: i64| {
        let idle = |(from, to): &(i64, i64)| if *to <= at { (to - from) - short((*from, *to)) } else { 0 };
        at - first - gaps.iter().map(idle).sum::<i64>()
    };
    let whole = busy + gaps.iter().map(|gap| short(*gap)).sum::<i64>();
    let share = |length: i64| Decimal::from(length).checked_div(whole.into()).map_or(0.0, crate::format::to_plot_value);
    spans.iter().map(|(began, ended)| (share(place(*began)), share(ended - began))).collect()
}

/// What the calls of one step with one model come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSums {
    /// The step; none where calls name none.
    pub step: Option<String>,
    /// The model as sent.
    pub model: String,
    /// Its sums.
    pub sums: Sums,
}

/// Requests of one step to one model that came more than once; where they have an input hash, with the same input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// The step, where it names one.
    pub step: Option<String>,
    /// The model as sent.
    pub model: String,
    /// The hash of the input that came again.
    pub input_hash: Option<String>,
    /// How many requests; retries of one are none of their own.
    pub requests: u64,
    /// What all of them cost: those with a price.
    pub cost: Decimal,
    /// What those after the first cost.
    pub after_first: Decimal,
    /// Calls without a price among them.
    pub unpriced: u64,
}

/// Costs of sessions or interactions, of which so many per cent cost no more: each is the cost of one that was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostPercentiles {
    /// The median.
    pub p50: Option<Decimal>,
    /// 95 %.
    pub p95: Option<Decimal>,
    /// 99 %.
    pub p99: Option<Decimal>,
    /// How many they are of: those of which every call has a price.
    pub of: u64,
}

/// A session or interaction with everything that adds up to its cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallGroupDetail {
    /// Which of them.
    pub kind: CallGroup,
    /// Its id as sent.
    pub id: String,
    /// When its first call was made, in the organization's zone.
    pub first_at: DateTime<FixedOffset>,
    /// When its last call was made.
    pub last_at: DateTime<FixedOffset>,
    /// Sums of all its calls, on this page or not.
    pub sums: Sums,
    /// The same by step and model, the dearest first.
    pub steps: Vec<StepSums>,
    /// What came more than once, the dearest first, at most [`MAX_REPEATS`].
    pub repeats: Vec<Repeat>,
    /// Slugs of its projects, the dearest first.
    pub projects: Vec<String>,
    /// Its features, the dearest first.
    pub features: Vec<String>,
    /// Its customers.
    pub customers: Vec<String>,
    /// Its users.
    pub users: Vec<String>,
    /// The sessions that an interaction is part of.
    pub sessions: Vec<String>,
    /// How many interactions a session has.
    pub interactions: u64,
    /// What others of its first feature cost in the 30 days until its last call.
    pub usual: CostPercentiles,
    /// Its calls, first to last, [`CALLS_PER_PAGE`] a page.
    pub calls: Page<Call>,
}

/// A session or interaction in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallGroupRow {
    /// Its id as sent.
    pub id: String,
    /// When the first of the calls was made, in the organization's zone.
    pub first_at: DateTime<FixedOffset>,
    /// When the last was.
    pub last_at: DateTime<FixedOffset>,
    /// Sums of the calls.
    pub sums: Sums,
    /// Models that were called.
    pub models: Vec<String>,
    /// Slugs of the projects.
    pub projects: Vec<String>,
    /// Customers.
    pub customers: Vec<String>,
}

impl CallGroupRow {
    /// Milliseconds from its first call to its last.
    #[must_use]
    pub fn duration_ms(&self) -> i64 {
        (self.last_at - self.first_at).num_milliseconds()
    }
}

/// A page of a list of sessions or interactions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallGroups {
    /// As asked for.
    pub rows: Vec<CallGroupRow>,
    /// Where the next page begins; none on the last one.
    pub next_cursor: Option<String>,
    /// How many there are, on all pages.
    pub groups: u64,
    /// Sums of all of them.
    pub sums: Sums,
    /// What one costs.
    pub percentiles: CostPercentiles,
    /// The first call that is counted, where more were made in the span than are read.
    pub counted_from: Option<DateTime<FixedOffset>>,
}

/// The order of a list of sessions or interactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallGroupOrder {
    /// The dearest first.
    #[default]
    Cost,
    /// The most calls first.
    Calls,
    /// The longest first.
    Duration,
    /// The newest first.
    Newest,
}

impl CallGroupOrder {
    /// All orders.
    pub const ALL: [Self; 4] = [Self::Cost, Self::Calls, Self::Duration, Self::Newest];

    /// The word in URL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Calls => "calls",
            Self::Duration => "duration",
            Self::Newest => "newest",
        }
    }
}

impl FromStr for CallGroupOrder {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let order = Self::ALL.into_iter().find(|order| order.as_str() == text);
        order.ok_or_else(|| FieldProblem::new("sort", "unknown", "Use cost, calls, duration or newest."))
    }
}

/// Which sessions or interactions a list shows: those with calls in the span for which all filters hold. Only these calls are added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallGroupQuery {
    /// From here on; none means from the first event.
    pub from: Option<Edge>,
    /// Up to but without here; none means to the last event.
    pub to: Option<Edge>,
    /// By the dimensions of the spend query.
    pub filters: Vec<Filter>,
    /// In which order.
    pub order: CallGroupOrder,
    /// How many come before the page.
    pub offset: u32,
    /// Rows of the page.
    pub limit: u16,
}

impl CallGroupQuery {
    /// Reads the parameters of `GET /v1/sessions`, decoded.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut query = Self { limit: super::DEFAULT_PAGE, ..Self::default() };
        let mut wrong = Vec::new();
        for (name, value) in pairs {
            let taken = match name.as_str() {
                "from" => Edge::read(name, value).map(|edge| query.from = Some(edge)),
                "to" => Edge::read(name, value).map(|edge| query.to = Some(edge)),
                "sort" => value.parse().map(|order| query.order = order),
                "cursor" => read_offset(value).map(|offset| query.offset = offset),
                "limit" => super::query::read_limit(value).map(|limit| query.limit = limit),
                _ => Filter::read_of_events(&mut query.filters, name, value),
            };
            wrong.extend(taken.err());
        }
        if wrong.is_empty() { Ok(query) } else { Err(Problem::invalid(wrong)) }
    }

    /// Where the page after this one begins.
    #[must_use]
    pub fn next_cursor(&self, groups: u64) -> Option<String> {
        let next = self.offset.saturating_add(self.limit.into());
        (u64::from(next) < groups && next <= MAX_OFFSET).then(|| next.to_string())
    }
}

/// A place in a list that is in no order of time is how many rows come before it.
fn read_offset(text: &str) -> Result<u32, FieldProblem> {
    let offset = text.parse().ok().filter(|offset| *offset <= MAX_OFFSET);
    offset.ok_or_else(|| FieldProblem::new("cursor", "invalid", "Use `next_cursor` of the page before."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every bar lies on the line, in the order in which the calls began, and shares of the time in which calls ran are kept.
        #[test]
        fn a_waterfall_keeps_order_and_lengths(calls in prop::collection::vec((0_i64..10_000_000, 0_u64..60_000), 1..40)) {
            let bars = waterfall(&calls);
            prop_assert_eq!(bars.len(), calls.len());
            let longest = calls.iter().map(|(_, took)| took.max(&1)).max().copied().unwrap_or(1);
            let scale = bars.iter().map(|(_, length)| *length).fold(0.0, f64::max) / f64::from(u32::try_from(longest).unwrap());
            for (bar, call) in bars.iter().zip(&calls) {
                prop_assert!(bar.0 >= -1e-9 && bar.0 + bar.1 <= 1.0 + 1e-9, "{bar:?}");
                let length = f64::from(u32::try_from(call.1.max(1)).unwrap());
                prop_assert!((bar.1 - length * scale).abs() < 1e-6, "{bar:?} {call:?}");
                for (other, after) in bars.iter().zip(&calls) {
                    prop_assert!(after.0 < call.0 || other.0 >= bar.0 - 1e-9, "{call:?} {after:?}");
                }
            }
        }
    }

    #[test]
    fn idle_time_is_short() {
        // Two calls of a second with an hour between them.
        let bars = waterfall(&[(0, 1_000), (3_601_000, 1_000)]);
        assert!(bars[1].0 < 0.6 && bars[0].1 > 0.4, "{bars:?}");
        assert!(waterfall(&[]).is_empty());
    }

    #[test]
    fn parameters_are_read_or_named() {
        let pairs = |text: &str| -> Vec<(String, String)> {
            text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
        };
        let query =
            CallGroupQuery::from_pairs(&pairs("from=2026-11-01&sort=duration&cursor=50&limit=50&model=x")).unwrap();
        assert_eq!((query.order, query.offset, query.filters.len()), (CallGroupOrder::Duration, 50, 1));
        assert_eq!((query.next_cursor(100), query.next_cursor(101).as_deref()), (None, Some("100")));
        let wrong = CallGroupQuery::from_pairs(&pairs("sort=x&cursor=-1&limit=0&to=y&nothing=1")).unwrap_err();
        assert_eq!(wrong.fields().len(), 5, "{wrong:?}");
    }
}
