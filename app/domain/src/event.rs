//! The event: one attempt to use a model.

use crate::ids::{EventKey, KeyId, ProjectId, RejectedId};
use crate::problem::{FieldProblem, Problem};
use crate::rating::alternatives::Alternative;
use crate::receipt::{AdjustmentRow, ReceiptRow};
use crate::span::Edge;
use crate::spend::Filter;
use chrono::{DateTime, FixedOffset, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::str::FromStr;

mod rejection;

pub use rejection::{ParsedEvent, Rejection, Sender};

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

    /// What a provider, gateway or export says, in US dollars, from the number as it was written; none for what is no amount.
    #[must_use]
    pub fn read(written: &str) -> Option<Self> {
        let written = written.trim().trim_matches('"');
        if written.len() > MAX_WRITTEN_COST_LEN {
            return None;
        }
        let amount =
            written.parse().or_else(|_| Decimal::from_scientific(written)).ok().map(crate::money::round_line)?;
        let fits = amount > Decimal::ZERO && amount <= Decimal::from(MAX_REPORTED_COST);
        fits.then(|| Self { amount, currency: "USD".to_owned() })
    }
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
    pub usage: serde_json::Value,
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
}

/// What became of one event of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum IngestStatus {
    /// Recorded now.
    Accepted,
    /// The same id with the same content is recorded already: a success.
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
    /// Events recorded now.
    pub accepted: u32,
    /// Events that were recorded before with the same content.
    pub duplicates: u32,
    /// Events whose id is recorded with other content.
    pub conflicts: u32,
    /// Events that could not be taken.
    pub rejected: u32,
    /// One result per event, in input order.
    pub results: Vec<EventResult>,
}

/// Most rows of one page of a list.
pub const MAX_PAGE: u16 = 200;
/// Rows of one page when nothing is said.
pub const DEFAULT_PAGE: u16 = 50;
/// Most values of all filters of a list together.
const MAX_FILTER_VALUES: usize = 100;

/// What a list of events shows, newest first. All filters must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQuery {
    /// From here on; none means from the first event.
    pub from: Option<Edge>,
    /// Up to but without here; none means to the last event.
    pub to: Option<Edge>,
    /// By the dimensions of the spend query.
    pub filters: Vec<Filter>,
    /// Only events without a known cost.
    pub unpriced: bool,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// Rows of the page, 1 to [`MAX_PAGE`].
    pub limit: u16,
}

impl Default for EventQuery {
    fn default() -> Self {
        Self { from: None, to: None, filters: Vec::new(), unpriced: false, cursor: None, limit: DEFAULT_PAGE }
    }
}

impl EventQuery {
    /// Reads the parameters of `GET /v1/events`, decoded. Every dimension of the spend query is a filter, written as there.
    ///
    /// # Errors
    /// [`Problem::Invalid`] that names every wrong parameter.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut query = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in pairs {
            let taken = match name.as_str() {
                "from" => Edge::read(name, value).map(|edge| query.from = Some(edge)),
                "to" => Edge::read(name, value).map(|edge| query.to = Some(edge)),
                "cursor" => {
                    query.cursor = Some(value.clone());
                    Ok(())
                }
                "limit" => read_limit(value).map(|limit| query.limit = limit),
                "unpriced" => read_flag(name, value).map(|flag| query.unpriced = flag),
                _ => Filter::read(&mut query.filters, name, value),
            };
            wrong.extend(taken.err());
        }
        if query.filters.iter().map(|filter| filter.values.len()).sum::<usize>() > MAX_FILTER_VALUES {
            wrong.push(FieldProblem::new("filters", "too_many", format!("Use at most {MAX_FILTER_VALUES} values.")));
        }
        if wrong.is_empty() { Ok(query) } else { Err(Problem::invalid(wrong)) }
    }

    /// The parameters that say which events are meant, without place and size of the page.
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, edge) in [("from", self.from), ("to", self.to)] {
            pairs.extend(edge.map(|edge| (name.to_owned(), edge.text())));
        }
        pairs.extend(self.unpriced.then(|| ("unpriced".to_owned(), "true".to_owned())));
        pairs.extend(self.filters.iter().flat_map(Filter::to_pairs));
        pairs
    }
}

fn read_limit(text: &str) -> Result<u16, FieldProblem> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_PAGE).contains(limit))
        .ok_or_else(|| FieldProblem::new("limit", "out_of_range", format!("Use a whole number from 1 to {MAX_PAGE}.")))
}

fn read_flag(name: &str, text: &str) -> Result<bool, FieldProblem> {
    text.parse().map_err(|_| FieldProblem::new(name, "invalid", "Use true or false."))
}

/// An event in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Tallystick's id.
    pub event_key: EventKey,
    /// The sender's id.
    pub id: String,
    /// Local time in the organization's zone.
    pub at: DateTime<FixedOffset>,
    /// Slug of the project.
    pub project: String,
    /// Who sells the model.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// What it ended with.
    pub status: Status,
    /// Feature label.
    pub feature: Option<String>,
    /// All tokens.
    pub tokens: u64,
    /// Cost; none when unpriced.
    pub cost: Option<Decimal>,
    /// What the provider says it cost, in US dollars.
    pub reported_cost: Option<Decimal>,
    /// Whether the provider's id of its answer came with an event that was recorded before.
    pub suspected_double: bool,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Whole duration in milliseconds.
    pub latency_ms: Option<u64>,
}

/// Everything about one event: the event page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventDetail {
    /// As in the list.
    pub row: EventRow,
    /// The project's id.
    pub project_id: ProjectId,
    /// The key that sent it.
    pub key_id: KeyId,
    /// Name of that key.
    pub key_name: String,
    /// Received when, in the organization's zone.
    pub received_at: DateTime<FixedOffset>,
    /// The model name in the price book that priced it.
    pub priced_as: Option<String>,
    /// Cost as it was booked; the row has what it costs now.
    pub booked_cost: Option<Decimal>,
    /// What moved it since, first to last; the last one's receipt is the present one.
    pub adjustments: Vec<AdjustmentRow>,
    /// The receipt as booked; empty when unpriced or answered from the sender's cache.
    pub receipt: Vec<ReceiptRow>,
    /// Why there is no price.
    pub unpriced_reason: Option<String>,
    /// Upper-bound estimate while unpriced.
    pub upper_bound: Option<Decimal>,
    /// Cost that a cached response avoided.
    pub avoided_cost: Option<Decimal>,
    /// What the price book makes of it, whichever cost counts; none where it has no price.
    pub computed_cost: Option<Decimal>,
    /// Attributes that were sent: label and value, in the order of the documentation.
    pub attributes: Vec<(String, String)>,
    /// Meters and quantities.
    pub meters: Vec<(String, Decimal)>,
    /// The usage object, numbers only, pretty-printed.
    pub usage_json: String,
    /// Whose shape the usage has.
    pub usage_format: String,
    /// Whether the stored meters are still what the stored usage object comes apart into.
    pub adds_up: bool,
    /// Time to the first token in milliseconds.
    pub time_to_first_token_ms: Option<u64>,
    /// The tier that served it, `batch`, or `standard`.
    pub tier: String,
    /// What the same request would have cost in the model's other tiers, cheapest first.
    pub other_tiers: Vec<Alternative>,
    /// The provider's models that the organization uses and that would have cost less, cheapest first.
    pub cheaper_models: Vec<Alternative>,
    /// Other attempts of the same request, first to last, at most [`MAX_RELATED`].
    pub attempts: Vec<EventRow>,
    /// Other events of the same session, newest first, at most [`MAX_RELATED`].
    pub session: Vec<EventRow>,
    /// Other events with the same answer of the provider, the first one first.
    pub possible_duplicates: Vec<EventRow>,
}

impl EventDetail {
    /// The receipt that counts now: the last adjustment's, else the booked one.
    #[must_use]
    pub fn current_receipt(&self) -> &[ReceiptRow] {
        self.adjustments.last().map_or(&self.receipt, |adjustment| &adjustment.receipt)
    }

    /// Reported over computed cost; none where either is not known.
    #[must_use]
    pub fn reported_over_computed(&self) -> Option<Decimal> {
        Some(self.row.reported_cost? - self.computed_cost?)
    }
}

/// Most related events that an event page lists.
pub const MAX_RELATED: i64 = 20;

/// An entry of the rejected list: events that were rejected for the same reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// Its id.
    pub rejected_id: RejectedId,
    /// How often it came.
    pub times: u64,
    /// When it came last, in the organization's zone.
    pub received_at: DateTime<FixedOffset>,
    /// When it came first.
    pub first_received_at: DateTime<FixedOffset>,
    /// The sender's id of the last one, if it could be read.
    pub id: Option<String>,
    /// Project as sent.
    pub project: Option<String>,
    /// Provider as sent.
    pub provider: Option<String>,
    /// Model as sent.
    pub model: Option<String>,
    /// The field that was wrong.
    pub pointer: String,
    /// A stable word.
    pub code: String,
    /// Why, in one sentence.
    pub detail: String,
    /// Name of the key that sent it.
    pub key_name: String,
}

/// A group of the unpriced list: all waiting events of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnpricedRow {
    /// Who sells the model.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// How many events wait.
    pub events: u64,
    /// Tokens in them.
    pub tokens: u64,
    /// Upper-bound estimate of what they cost.
    pub upper_bound: Decimal,
    /// First event, in the organization's zone.
    pub first_at: DateTime<FixedOffset>,
    /// Last event.
    pub last_at: DateTime<FixedOffset>,
    /// Why there is no price.
    pub reason: String,
}

/// A possible duplicate and the event that was recorded before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PossibleDuplicate {
    /// The event that came second: its cost is what may be counted twice.
    pub row: EventRow,
    /// The one that came first; none where the reader may not see it or it is not kept any more.
    pub first: Option<EventRow>,
}

/// How much may be counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PossibleDuplicateTotals {
    /// Possible duplicates that are kept.
    pub events: u64,
    /// What they cost together, in US dollars.
    pub cost: Decimal,
    /// How many of them have no price.
    pub unpriced: u64,
    /// Whether the organization leaves them out from now on.
    pub drops: bool,
}

/// The page of possible duplicates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PossibleDuplicatesView {
    /// The rows, newest first.
    pub listed: Listed<PossibleDuplicate>,
    /// All of them together.
    pub totals: PossibleDuplicateTotals,
}

/// What wants attention in this room; nobody counts further than a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// Entries of the rejected list that came in the last seven days.
    pub rejected: u64,
    /// Events without a price.
    pub unpriced: u64,
}

impl Attention {
    /// Where counting ends: this number means "at least".
    pub const MOST: u64 = 1_000;
}

/// A list as its page shows it, with what wants attention in the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed<T> {
    /// The rows.
    pub page: Page<T>,
    /// What wants attention.
    pub attention: Attention,
}

/// The page of the rejected list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedView {
    /// The entries, what came last first.
    pub listed: Listed<RejectedRow>,
    /// When they were read: what comes later has not been seen.
    pub as_of: DateTime<Utc>,
    /// Whether the reader may dismiss them.
    pub may_dismiss: bool,
}

/// A page of a list with an opaque cursor to the next one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none on the last one.
    pub next_cursor: Option<String>,
}

/// Events as CSV, in their order: cells that a spreadsheet would run as a formula are neutralised.
#[must_use]
pub fn csv(rows: &[EventRow]) -> String {
    let mut table = crate::csv::Table::new([
        "timestamp",
        "id",
        "project",
        "provider",
        "model",
        "feature",
        "status",
        "attempt",
        "latency_ms",
        "tokens",
        "cost",
        "currency",
        "reported_cost",
    ]);
    for row in rows {
        let cells = [
            row.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            row.id.clone(),
            row.project.clone(),
            row.provider.clone(),
            row.model.clone(),
            row.feature.clone().unwrap_or_default(),
            row.status.as_str().to_owned(),
            row.attempt.to_string(),
            row.latency_ms.map(|latency| latency.to_string()).unwrap_or_default(),
            row.tokens.to_string(),
            row.cost.map(crate::money::exact).unwrap_or_default(),
            row.cost.map(|_| "USD".to_owned()).unwrap_or_default(),
            row.reported_cost.map(crate::money::exact).unwrap_or_default(),
        ];
        table.row(cells.iter().map(String::as_str));
    }
    table.into_text()
}

#[cfg(test)]
mod tests {
    use super::ReportedCost;

    #[test]
    fn amounts_are_decimal_from_the_first_byte() {
        let amount = |written| ReportedCost::read(written).map(|cost| cost.amount.normalize().to_string());
        assert_eq!(amount("0.00022500000000000002").as_deref(), Some("0.000225"));
        assert_eq!(amount("2e-07").as_deref(), Some("0.0000002"));
        for none in ["0", "-1", "NaN", "true", "null", "1e30", ""] {
            assert_eq!(amount(none), None, "{none}");
        }
    }
}
