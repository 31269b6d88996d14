//! Events and what is said of them, as pages and the API show them.

use super::Status;
use crate::ids::{EventKey, KeyId, ProjectId, RejectedId};
use crate::meter::{Meter, Meters};
use crate::rating::alternatives::Alternative;
use crate::receipt::{AdjustmentRow, ReceiptRow};
use chrono::{DateTime, FixedOffset, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// The session that it is part of.
    pub session_id: Option<String>,
    /// What kind of call, such as `chat`.
    pub operation: String,
    /// Whether it was answered from the sender's own cache: no provider was called.
    pub is_cache_hit: bool,
    /// All tokens.
    pub tokens: u64,
    /// Cost; none when unpriced.
    pub cost: Option<Decimal>,
    /// What the provider says it cost, in US dollars.
    pub reported_cost: Option<Decimal>,
    /// Whether the provider's id of its answer came with an event that was recorded before.
    pub possible_duplicate: bool,
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
    /// Original receipt; empty when unpriced or answered from the sender's cache.
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
    /// Numbers of the usage object that no rule reads: field and number.
    pub unread_usage: Vec<(String, Decimal)>,
    /// The usage object, numbers only, pretty-printed.
    pub usage_json: String,
    /// Whose shape the usage has.
    pub usage_format: String,
    /// Whether nothing but the names in the usage told that shape.
    #[serde(default)]
    pub format_by_shape: bool,
    /// Whether the stored meters are still what the stored usage object comes apart into.
    pub adds_up: bool,
    /// Whether it has more input than any model takes at once, and is not declared as a sum.
    #[serde(default)]
    pub possible_sum: bool,
    /// What it took the place of, where smaller copies of the same answer came before.
    #[serde(default)]
    pub smaller_copies: Option<SmallerCopies>,
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
    /// Other events that may be the same call, the first one first.
    pub possible_duplicates: Vec<EventRow>,
}

/// Copies of a streamed usage that came before the one that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SmallerCopies {
    /// How many.
    pub copies: u32,
    /// Tokens of the last one.
    pub tokens: u64,
    /// What the last one was booked with; null where it was unpriced.
    #[serde(with = "crate::money::amount_opt")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub cost: Option<Decimal>,
}

impl EventRow {
    /// What it cost in words: the amount, that no provider was called, or that the cost is not known.
    #[must_use]
    pub fn cost_words(&self, amount: fn(Decimal) -> String) -> String {
        match self.cost {
            Some(cost) if !(self.is_cache_hit && cost.is_zero()) => amount(cost),
            Some(_) => "cache hit".to_owned(),
            None => "unpriced".to_owned(),
        }
    }
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

impl RejectedRow {
    /// Why it was rejected.
    #[must_use]
    pub fn reason(&self) -> RejectedReason {
        RejectedReason { pointer: self.pointer.clone(), code: self.code.clone() }
    }
}

/// Why events were rejected: the same field and the same word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedReason {
    /// The field that was wrong; empty for the whole event.
    pub pointer: String,
    /// The stable word.
    pub code: String,
}

impl RejectedReason {
    /// In a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        if self.pointer.is_empty() { self.code.clone() } else { format!("{} at {}", self.code, self.pointer) }
    }
}

/// Which entries of the rejected list are meant; all, where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedFilter {
    /// Those that came last at this instant or before.
    pub until: Option<DateTime<Utc>>,
    /// Those of one reason.
    pub reason: Option<RejectedReason>,
}

/// Numbers of usage objects that no rule read, of one provider: they may be usage that nobody is charged for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnreadUsage {
    /// Who sells the models.
    pub provider: String,
    /// The field, such as `tool_usage.maps.num_requests`.
    pub field: String,
    /// How many events had it.
    pub events: i64,
    /// The values of the dimension `unread_usage` that have it: an event's fields, with commas between them.
    pub values: Vec<String>,
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

/// A page of a list with an opaque cursor to the next one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; none on the last one.
    pub next_cursor: Option<String>,
}

/// An event of a file, with what a list leaves out.
#[derive(Clone, Debug)]
pub struct ExportRow {
    /// As in the list.
    pub row: EventRow,
    /// Environment label.
    pub environment: Option<String>,
    /// Customer label.
    pub customer: Option<String>,
    /// User label.
    pub user: Option<String>,
    /// Labels of one's own.
    pub tags: BTreeMap<String, String>,
    /// Disjoint quantities.
    pub meters: Meters,
}

/// Events as CSV, in their order, each with the address of its receipt below `events_url`: cells that a spreadsheet would run as a formula are neutralised.
#[must_use]
pub fn csv(rows: &[ExportRow], events_url: &str) -> String {
    let tokens = || Meter::ALL.iter().copied().filter(|meter| meter.is_token());
    let header = [
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
        "environment",
        "customer",
        "user",
        "tags",
    ];
    let header = header.into_iter().chain(tokens().map(Meter::as_str)).chain(["receipt"]);
    let mut table = crate::csv::Table::new(header);
    for ExportRow { row, environment, customer, user, tags, meters } in rows {
        let of = |label: &Option<String>| label.clone().unwrap_or_default();
        let tags = if tags.is_empty() { String::new() } else { serde_json::to_string(tags).unwrap_or_default() };
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
            of(environment),
            of(customer),
            of(user),
            tags,
        ];
        let counts: Vec<String> = tokens().map(|meter| meters.get(meter).normalize().to_string()).collect();
        let receipt = format!("{events_url}/{}", row.event_key);
        table.row(cells.iter().chain(&counts).chain([&receipt]).map(String::as_str));
    }
    table.into_text()
}
