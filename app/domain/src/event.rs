//! The event: one attempt to use a model.

mod coding;
mod groups;
mod query;
mod rejection;
mod totals;
mod trace;
mod views;

pub use coding::{CODING_AGENTS, CODING_TAGS, branch_name, coding_agent, repository_name};
pub use groups::{
    CALLS_PER_PAGE, Call, CallGroup, CallGroupDetail, CallGroupOrder, CallGroupQuery, CallGroupRow, CallGroups,
    CostPercentiles, MAX_READ_CALLS, MAX_REPEATS, Repeat, StepSums, waterfall, with_retries_below,
};
pub use query::{DEFAULT_PAGE, EventQuery, MAX_PAGE};
pub use rejection::{ParsedEvent, Rejection, Sender};
pub use totals::Totals;
pub use trace::TraceSpan;
pub use views::{
    Attention, EventDetail, EventRow, ExportRow, MAX_RELATED, Page, PossibleDuplicate, PossibleDuplicateTotals,
    RejectedFilter, RejectedReason, RejectedRow, SmallerCopies, UnpricedRow, UnreadUsage, csv,
};

use crate::model::canonical_provider;
use crate::problem::FieldProblem;
use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Most events in one request.
pub const MAX_BATCH: usize = 5_000;
/// Largest body in bytes, after decompression.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Longest sender's `id`, request, session and similar identifiers, in characters.
pub const MAX_ID_LEN: usize = 128;
/// Longest label, model or provider name, in characters.
pub const MAX_LABEL_LEN: usize = 200;
/// Longest label, model or provider name in bytes of UTF-8: the five that make a rollup's key have to fit into one entry of PostgreSQL's index.
pub const MAX_LABEL_BYTES: usize = 400;
/// Most tags of one event.
pub const MAX_TAGS: usize = 32;
/// Longest name of a tag, in bytes.
pub const MAX_TAG_KEY_BYTES: usize = 64;
/// Highest number of an attempt.
pub const MAX_ATTEMPT: u32 = 10_000;
/// Most requests that a sum stands for.
pub const MAX_REQUESTS: u64 = 1_000_000_000;
/// Input tokens of the largest request that any model with a price for long ones takes: an event with more is a sum of several.
pub const MAX_REQUEST_TOKENS: u64 = 2_097_152;
/// Longest duration of a call, in milliseconds: 31 days.
pub const MAX_LATENCY_MS: u64 = 31 * 24 * 60 * 60 * 1_000;
/// Largest quantity of one meter and most tokens of one event: sums over any number of events stay exact.
pub const MAX_QUANTITY: u64 = 10_000_000_000;
/// Largest cost that a provider may report for one event, in US dollars.
pub const MAX_REPORTED_COST: u64 = 1_000_000_000;
/// Most bytes of a reported cost that are read.
const MAX_WRITTEN_COST_LEN: usize = 64;
/// The operation of an event that names none.
pub const DEFAULT_OPERATION: &str = "chat";
/// How far ahead of the server's clock a timestamp may lie, in minutes.
pub const MAX_AHEAD_MINUTES: i64 = 10;
/// How far back a timestamp may lie, in years.
pub const MAX_BACK_YEARS: i32 = 10;
/// Shortest time for which an organization can keep its events, in days: a whole month and some days to close it.
pub const MIN_RETENTION_DAYS: u32 = 34;

/// What an attempt ended with. A failed attempt can still cost money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It answered.
    #[default]
    Success,
    /// The provider or network failed.
    Error,
    /// It took too long.
    Timeout,
    /// The caller went away.
    Cancelled,
    /// The provider refused for its limits.
    RateLimited,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 5] = [Self::Success, Self::Error, Self::Timeout, Self::Cancelled, Self::RateLimited];

    /// The word in SQL, JSON and URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::RateLimited => "rate_limited",
        }
    }
}

impl FromStr for Status {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            FieldProblem::new("/status", "unknown", "Use success, error, timeout, cancelled or rate_limited.")
        })
    }
}

/// What an event stands for, where it is not one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Several requests together: the usage of a batch object, of a session, of a day.
    Sum,
    /// Running totals of a series: only what they grew by since the series last reported counts.
    Cumulative,
}

impl Aggregate {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Cumulative => "cumulative",
        }
    }
}

impl FromStr for Aggregate {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Sum, Self::Cumulative].into_iter().find(|aggregate| aggregate.as_str() == text).ok_or_else(|| {
            FieldProblem::new("/aggregate", "unknown", "Use sum or cumulative, or leave it out for a single request.")
        })
    }
}

/// A seller that writes what a call cost into its usage object.
pub struct UsageCost {
    /// The seller's one name.
    pub provider: &'static str,
    /// Where the cost stands, as a JSON pointer.
    pub pointer: &'static str,
    /// How many of its units are a US dollar.
    pub per_dollar: u64,
}

/// Units of xAI's costs that are a US dollar: ticks (xAI, cost tracking).
pub const TICKS_PER_DOLLAR: u64 = 10_000_000_000;

/// All of them.
pub const USAGE_COSTS: [UsageCost; 3] = [
    UsageCost { provider: "openrouter", pointer: "/cost", per_dollar: 1 },
    UsageCost { provider: "perplexity", pointer: "/cost/total_cost", per_dollar: 1 },
    UsageCost { provider: "x-ai", pointer: "/cost_in_usd_ticks", per_dollar: TICKS_PER_DOLLAR },
];

/// What the provider itself says the attempt cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedCost {
    /// Decimal string or number.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub amount: Decimal,
    /// ISO 4217 code; only USD in version 1.
    pub currency: String,
}

impl ReportedCost {
    /// The amount in US dollars; none in any other currency, which is not converted and does not count.
    #[must_use]
    pub fn usd(&self) -> Option<Decimal> {
        (self.currency == "USD").then_some(self.amount)
    }

    /// What a provider, gateway or export says, in US dollars, from the number as it was written; none for what is no amount. Zero is an amount: free calls exist.
    #[must_use]
    pub fn read(written: &str) -> Option<Self> {
        let written = written.trim().trim_matches('"');
        if written.len() > MAX_WRITTEN_COST_LEN {
            return None;
        }
        let amount =
            written.parse().or_else(|_| Decimal::from_scientific(written)).ok().map(crate::money::round_line)?;
        let fits = amount >= Decimal::ZERO && amount <= Decimal::from(MAX_REPORTED_COST);
        fits.then(|| Self { amount, currency: "USD".to_owned() })
    }

    /// What a usage object itself says, for the sellers that write it there: [`USAGE_COSTS`].
    ///
    /// With the caller's own key (`is_byok`) OpenRouter's is the router's fee, and `cost_details.upstream_inference_cost` is what the provider charges beside it (OpenRouter, usage accounting).
    #[must_use]
    pub fn of_usage(provider: &str, usage: &Value) -> Option<Self> {
        let provider = canonical_provider(provider);
        let seller = USAGE_COSTS.iter().find(|seller| seller.provider == provider)?;
        let mut cost = Self::counted(usage.pointer(seller.pointer)?, seller.per_dollar)?;
        if provider == "openrouter" && usage.get("is_byok").and_then(Value::as_bool) == Some(true) {
            cost.amount += Self::counted(usage.pointer("/cost_details/upstream_inference_cost")?, 1)?.amount;
        }
        Some(cost)
    }

    /// A number of units of which so many are a US dollar; none for what is no number or no amount.
    #[must_use]
    pub fn counted(units: &Value, per_dollar: u64) -> Option<Self> {
        let written = units.as_number()?.to_string();
        let units: Decimal = written.parse().or_else(|_| Decimal::from_scientific(&written)).ok()?;
        Self::read(&units.checked_div(per_dollar.into())?.to_string())
    }

    /// The same from the cell of a file: with the word or sign of US dollars, and with a comma for the point where that is certain.
    #[must_use]
    pub fn read_cell(text: &str) -> Option<Self> {
        let text = text.trim();
        let bare = ["US$", "USD", "$"].iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text);
        let bare = ["USD", "$"].iter().find_map(|word| bare.strip_suffix(word)).unwrap_or(bare);
        Self::read(&without_groups(bare.trim())?)
    }
}

/// A number with a point and without marks between thousands; none where a comma may be either, as in `1,234`.
fn without_groups(text: &str) -> Option<String> {
    let Some((whole, fraction)) = text.rsplit_once(',') else { return Some(text.to_owned()) };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((last_group, _)) = fraction.split_once('.') {
        // 1,234.56
        return (is_digits(last_group) && last_group.len() == 3).then(|| text.replace(',', ""));
    }
    if whole.contains(',') || !is_digits(fraction) {
        return None;
    }
    // 1.234,56 and 0,314; a group of thousands never begins with a zero.
    let is_certain = fraction.len() != 3 || whole.contains('.') || whole.trim_start_matches('-') == "0";
    is_certain.then(|| format!("{}.{fraction}", whole.replace('.', "")))
}

/// An event as it is sent to `POST /v1/events`.
///
/// Only these fields are read: whatever else a sender puts into an event, prompts above all, is dropped before anything is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventInput {
    /// Makes it idempotent within the organization; generated when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When the call was made, RFC 3339; the time of receipt when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<DateTime<FixedOffset>>,
    /// Slug of the project; the key's when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Who sells the model, such as `anthropic`.
    pub provider: String,
    /// The model as the provider names it.
    pub model: String,
    /// `chat`, `embeddings`, `image`, `transcription` …; `chat` when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The provider's own usage object, untouched, or meters.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub usage: Value,
    /// Whose shape `usage` has; follows from provider and operation when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::meter::UsageFormat>))]
    pub usage_format: Option<String>,
    /// The tier that served it, such as `standard`, `flex`, `priority`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Whether it ran in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<bool>,
    /// Where it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// `sum` where the usage is that of several requests together, such as a batch object: no price by the size of one request applies. `cumulative` where usage, requests and reported cost are running totals of a series: only what they grew by counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// How many requests a sum stands for, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Whose running totals they are, such as a session: totals of one project, provider, model and operation are compared under it. Only with `cumulative`, and required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// What it ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Number of the attempt, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Groups the attempts of one call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Groups the calls of one user action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction_id: Option<String>,
    /// Names the call within its interaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Groups the interactions of one conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The decision that chose the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    /// Whole duration in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Time to the first token in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_first_token_ms: Option<u64>,
    /// Whether the answer was streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Why the model stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// What kind of error it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<String>,
    /// No provider call was made: cost 0, and the cost avoided is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_cache_hit: Option<bool>,
    /// Hash of the input, made by the sender with a key of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_hash: Option<String>,
    /// What the product does with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// `production`, `staging` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The sender's customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The sender's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A group of users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort: Option<String>,
    /// Free labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The provider's id of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_response_id: Option<String>,
    /// What the provider says it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_cost: Option<ReportedCost>,
    /// Where it stands in a trace; only OpenTelemetry tells.
    #[serde(skip)]
    pub span: Option<Box<TraceSpan>>,
}

impl EventInput {
    /// How many requests it stands for, where it is a sum: declared as one, or a batch with more input than any model takes at once. None for a single request.
    #[must_use]
    pub fn sum_of(&self, input_tokens: u64) -> Option<u64> {
        let is_sum = self.aggregate.is_some() || (self.batch == Some(true) && input_tokens > MAX_REQUEST_TOKENS);
        is_sum.then(|| self.requests.unwrap_or(1))
    }

    /// Whether the sender answered from a cache of its own, so that no provider was called.
    #[must_use]
    pub fn is_cache_hit(&self) -> bool {
        self.response_cache_hit == Some(true)
    }
}

/// What became of one event of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum IngestStatus {
    /// Recorded now.
    Accepted,
    /// A later copy of a streamed usage, with larger counters than the one that was recorded: it counts in its place.
    Updated,
    /// The same id with the same content is recorded already, or with larger counters: a success.
    Duplicate,
    /// The same id with other content is recorded already: the first stays.
    Conflict,
    /// Not recorded; kept in the rejected list with its reason.
    Rejected,
}

/// What became of one event, in the order of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventResult {
    /// Position in the request, from 0.
    pub index: u32,
    /// The event's id, given or generated; null where it could not be read.
    pub id: Option<String>,
    /// What became of it.
    pub status: IngestStatus,
    /// Its cost; null when unpriced or not recorded.
    #[serde(with = "crate::money::amount_opt")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub cost: Option<Decimal>,
    /// Currency of the cost.
    pub currency: Option<String>,
    /// Why it was rejected or conflicts.
    pub error: Option<FieldProblem>,
}

/// The answer to `POST /v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IngestAnswer {
    /// Events recorded now, in the place of smaller copies too.
    pub accepted: u32,
    /// Events that were recorded before with the same content, or with larger counters.
    pub duplicates: u32,
    /// Events whose id is recorded with other content.
    pub conflicts: u32,
    /// Events that could not be taken.
    pub rejected: u32,
    /// One result per event, in input order.
    pub results: Vec<EventResult>,
}

#[cfg(test)]
mod tests {
    use super::ReportedCost;

    #[test]
    fn amounts_are_decimal_from_the_first_byte() {
        let amount = |written| ReportedCost::read(written).map(|cost| cost.amount.normalize().to_string());
        assert_eq!(amount("0.00022500000000000002").as_deref(), Some("0.000225"));
        assert_eq!(amount("2e-07").as_deref(), Some("0.0000002"));
        assert_eq!(amount("0.0").as_deref(), Some("0"));
        let said =
            |provider, usage| ReportedCost::of_usage(provider, &usage).map(|cost| cost.amount.normalize().to_string());
        let routed = |byok| serde_json::json!({"cost": 0.0012, "is_byok": byok, "cost_details": {"upstream_inference_cost": 0.02}});
        assert_eq!(said("openrouter", routed(false)).as_deref(), Some("0.0012"), "the upstream's is in it");
        assert_eq!(said("openrouter", routed(true)).as_deref(), Some("0.0212"), "the fee comes on top");
        assert_eq!(said("openai", routed(false)), None);
        // 10,120 input, 1,499 output and 2,809 reasoning tokens: a bill of xAI's.
        let ticks = |ticks: serde_json::Value| said("xai", serde_json::json!({"cost_in_usd_ticks": ticks}));
        assert_eq!(ticks(232_856_000.into()).as_deref(), Some("0.0232856"));
        assert_eq!(ticks(25_000_000_000_u64.into()).as_deref(), Some("2.5"), "more ticks than dollars may be reported");
        assert_eq!((ticks(0.into()).as_deref(), ticks("1".into()), ticks((-1).into())), (Some("0"), None, None));
        let cell = |text| ReportedCost::read_cell(text).map(|cost| cost.amount.normalize().to_string());
        for (text, expected) in [
            ("0.31 USD", Some("0.31")),
            ("$0.31", Some("0.31")),
            ("0,31", Some("0.31")),
            ("0,314", Some("0.314")),
            ("1.234,56 $", Some("1234.56")),
            ("US$1,234.56", Some("1234.56")),
            ("0", Some("0")),
            ("1,234", None),
            ("1,2,3", None),
            ("0.31 EUR", None),
            ("free", None),
        ] {
            assert_eq!(cell(text).as_deref(), expected, "{text}");
        }
        for none in ["-1", "NaN", "true", "null", "1e30", ""] {
            assert_eq!(amount(none), None, "{none}");
        }
    }
}
