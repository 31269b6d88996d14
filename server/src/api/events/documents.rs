//! Events as the API shows them: the same words as in `POST /v1/events`, money as decimal strings.

use chrono::{DateTime, FixedOffset, Utc};
use domain::event::{
    EventDetail, EventInput, EventRow, Page, PossibleDuplicate, PossibleDuplicateTotals, RejectedRow, SmallerCopies,
    Status, UnpricedRow,
};
use domain::ids::RejectedId;
use domain::money::exact;
use domain::price::{Variant, Why};
use domain::rating::alternatives::Alternative;
use domain::receipt::{AdjustmentRow, ReceiptRow};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The forms of a body of `POST /v1/events`.
#[derive(ToSchema)]
#[schema(as = Events)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described: bodies are taken apart event by event")]
pub(super) enum EventsBody {
    /// One event.
    One(Box<EventInput>),
    /// Several, 5,000 at most.
    Many(Vec<EventInput>),
    /// The same, wrapped.
    Wrapped {
        /// The events.
        events: Vec<EventInput>,
    },
}

/// An event in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventSummary {
    /// The id as it was sent or generated.
    id: String,
    /// Tallystick's own key.
    #[schema(format = Uuid)]
    event_key: String,
    /// When the call was made, in the organization's zone.
    timestamp: DateTime<FixedOffset>,
    /// Slug of the project.
    project: String,
    provider: String,
    model: String,
    feature: Option<String>,
    session_id: Option<String>,
    status: Status,
    attempt: u32,
    latency_ms: Option<u64>,
    /// All tokens.
    tokens: u64,
    /// Decimal string with 12 places; null when unpriced.
    #[schema(example = "0.014445000000")]
    cost: Option<String>,
    /// ISO 4217 code of the cost.
    currency: Option<&'static str>,
    /// What the provider says it cost, in US dollars.
    reported_cost: Option<String>,
    /// Whether it may be the same call as an event that was recorded before under another id.
    possible_duplicate: bool,
}

impl From<EventRow> for EventSummary {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id,
            event_key: row.event_key.to_string(),
            timestamp: row.at,
            project: row.project,
            provider: row.provider,
            model: row.model,
            feature: row.feature,
            session_id: row.session_id,
            status: row.status,
            attempt: row.attempt,
            latency_ms: row.latency_ms,
            tokens: row.tokens,
            possible_duplicate: row.possible_duplicate,
            currency: row.cost.map(|_| "USD"),
            cost: row.cost.map(exact),
            reported_cost: row.reported_cost.map(exact),
        }
    }
}

/// A possible duplicate beside the event that came first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PossibleDuplicate)]
pub(super) struct PossibleDuplicateDocument {
    /// The event that came second.
    event: EventSummary,
    /// The event that was recorded before and may be the same call; null where it is not kept any more.
    first: Option<EventSummary>,
}

/// A page of possible duplicates, and what all of them cost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PossibleDuplicates)]
pub(super) struct PossibleDuplicatesDocument {
    possible_duplicates: Vec<PossibleDuplicateDocument>,
    /// How many there are.
    events: u64,
    /// What they cost together: as much may be counted twice. Decimal string with 12 places.
    #[schema(example = "1.203000000000")]
    cost: String,
    currency: &'static str,
    /// How many of them have no price.
    unpriced: u64,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl PossibleDuplicatesDocument {
    pub(super) fn of(page: Page<PossibleDuplicate>, totals: PossibleDuplicateTotals) -> Self {
        let double = |row: PossibleDuplicate| PossibleDuplicateDocument {
            event: row.row.into(),
            first: row.first.map(Into::into),
        };
        Self {
            possible_duplicates: page.rows.into_iter().map(double).collect(),
            events: totals.events,
            cost: exact(totals.cost),
            currency: "USD",
            unpriced: totals.unpriced,
            next_cursor: page.next_cursor,
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventsDocument {
    /// Newest first.
    events: Vec<EventSummary>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl From<Page<EventRow>> for EventsDocument {
    fn from(page: Page<EventRow>) -> Self {
        Self { events: page.rows.into_iter().map(EventSummary::from).collect(), next_cursor: page.next_cursor }
    }
}

/// One line of a receipt: quantity x rate / per = amount.
#[derive(Debug, Serialize, ToSchema)]
struct ReceiptLine {
    /// The meter's word; `reported` is what the provider's own figure adds to the computed cost or takes from it, `included` what a plan includes.
    #[schema(example = "input_uncached")]
    meter: String,
    /// Decimal string.
    quantity: String,
    /// Unit of the quantity, such as `tokens`.
    unit: String,
    /// Price of `per` units in US dollars; null where a modifier is behind the line, or nothing that is known.
    rate: Option<String>,
    /// Units that the rate is for.
    per: u64,
    /// Decimal string with 12 places, rounded once, half to even.
    amount: String,
    /// What the modifier behind the line multiplies by; null where a price is behind it.
    factor: Option<String>,
    /// Id of the price or modifier behind the line; null for `reported` and `included`.
    price_id: Option<u64>,
    /// When the price applies apart from its dates.
    #[schema(example = "Batch, over 200,000 input tokens")]
    terms: String,
    /// Why this price and no other; null where no price is behind the line.
    why: Option<Why>,
    /// Since when the price holds; null means from the beginning of time.
    price_since: Option<DateTime<Utc>>,
    /// The data set or person the price came from, with its version.
    price_source: String,
    /// Where the price can be checked.
    price_url: Option<String>,
}

impl From<ReceiptRow> for ReceiptLine {
    fn from(row: ReceiptRow) -> Self {
        Self {
            meter: row.meter,
            quantity: plain(row.quantity),
            unit: row.unit,
            rate: row.rate.map(plain),
            per: row.per,
            amount: exact(row.amount),
            factor: row.factor.map(plain),
            price_id: row.price_id,
            terms: row.terms,
            why: row.why,
            price_since: row.price_since,
            price_source: row.price_source,
            price_url: row.price_url,
        }
    }
}

/// What moved the cost of an event after it was booked.
#[derive(Debug, Serialize, ToSchema)]
struct AdjustmentDocument {
    /// 1 for the first adjustment of the event.
    revision: u32,
    /// Id of the repricing run behind it.
    #[schema(format = Uuid)]
    run_id: String,
    /// Why, as the run or its reversal says.
    reason: String,
    /// Whether it takes the run's own adjustment back.
    is_reversal: bool,
    /// When, in the organization's zone.
    at: DateTime<FixedOffset>,
    /// Cost before; null where it was not known.
    old_cost: Option<String>,
    /// Cost after; null where it is not known.
    new_cost: Option<String>,
    /// The receipt from then on.
    receipt: Vec<ReceiptLine>,
}

impl From<AdjustmentRow> for AdjustmentDocument {
    fn from(row: AdjustmentRow) -> Self {
        Self {
            revision: row.revision,
            run_id: row.run_id.to_string(),
            reason: row.reason,
            is_reversal: row.is_reversal,
            at: row.at,
            old_cost: row.old_cost.map(exact),
            new_cost: row.new_cost.map(exact),
            receipt: row.receipt.into_iter().map(ReceiptLine::from).collect(),
        }
    }
}

/// The same usage, served otherwise.
#[derive(Debug, Serialize, ToSchema)]
struct AlternativeDocument {
    /// The model in the book, as `provider/model`.
    #[schema(example = "openai/gpt-4o-mini")]
    priced_as: String,
    /// The tier of service.
    variant: Variant,
    /// What it would have cost, computed: decimal string with 12 places.
    #[schema(example = "0.007222500000")]
    cost: String,
}

impl From<Alternative> for AlternativeDocument {
    fn from(other: Alternative) -> Self {
        Self { priced_as: other.priced_as, variant: other.variant, cost: exact(other.cost) }
    }
}

/// One event with everything that explains its cost.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventDocument {
    #[serde(flatten)]
    event: EventSummary,
    /// When it was received, in the organization's zone.
    received_at: DateTime<FixedOffset>,
    /// Id of the API key that sent it.
    #[schema(format = Uuid)]
    api_key: String,
    time_to_first_token_ms: Option<u64>,
    /// The tier that served it, `batch`, or `standard`.
    tier: String,
    /// The price book's model that priced it.
    priced_as: Option<String>,
    /// The lines that add up to the cost, as they count now; empty when unpriced or answered from the sender's cache.
    receipt: Vec<ReceiptLine>,
    /// The cost as it was booked; `cost` is restated by the adjustments since.
    booked_cost: Option<String>,
    /// The lines as they were booked.
    booked_receipt: Vec<ReceiptLine>,
    /// What moved the cost since, first to last.
    adjustments: Vec<AdjustmentDocument>,
    /// What the price book makes of it, whichever cost counts; null where it has no price.
    computed_cost: Option<String>,
    /// Reported over computed cost; null where either is not known.
    #[schema(example = "-0.000745000000")]
    reported_over_computed: Option<String>,
    /// The model's other tiers, cheapest first.
    other_tiers: Vec<AlternativeDocument>,
    /// The provider's models that the organization uses and that would have cost less, cheapest first.
    cheaper_models: Vec<AlternativeDocument>,
    /// Why there is no cost.
    unpriced_reason: Option<String>,
    /// Upper-bound estimate while unpriced; counts against budgets.
    upper_bound: Option<String>,
    /// What an answer from the sender's own cache would have cost.
    avoided_cost: Option<String>,
    /// Whose shape `usage` has.
    usage_format: String,
    /// Whether that was recognized by the names in `usage` alone: the provider is not known, and nobody named the format.
    usage_format_by_shape: bool,
    /// The provider's usage object: numbers, flags and the words that decide a price.
    #[schema(value_type = Object)]
    usage: Value,
    /// Disjoint quantities by the meter's name.
    meters: BTreeMap<String, String>,
    /// Numbers of `usage` that no rule reads, by field: they may be billed, and are in no cost.
    unread_usage: BTreeMap<String, String>,
    /// Whether the meters add up to the reported usage.
    adds_up: bool,
    /// Whether it has more input than any model takes at once, and is not declared as a sum by `aggregate`: a price by the size of one request may not be meant.
    possible_sum: bool,
    /// Smaller copies of the same streamed answer, in whose place it counts; null where none came before.
    smaller_copies: Option<SmallerCopies>,
    /// Remaining attributes by name, tags as `tag.<key>`.
    attributes: BTreeMap<String, String>,
    /// Other attempts of the same request, first to last, at most 20.
    attempts: Vec<EventSummary>,
    /// Other events that may be the same call, the first one first, at most 20.
    possible_duplicates: Vec<EventSummary>,
}

impl From<EventDetail> for EventDocument {
    fn from(event: EventDetail) -> Self {
        let current = event.current_receipt().to_vec();
        let over = event.reported_over_computed();
        let lines = |rows: Vec<ReceiptRow>| rows.into_iter().map(ReceiptLine::from).collect();
        let others = |others: Vec<Alternative>| others.into_iter().map(AlternativeDocument::from).collect();
        Self {
            event: event.row.into(),
            received_at: event.received_at,
            api_key: event.key_id.to_string(),
            time_to_first_token_ms: event.time_to_first_token_ms,
            tier: event.tier,
            priced_as: event.priced_as,
            receipt: lines(current),
            booked_cost: event.booked_cost.map(exact),
            booked_receipt: lines(event.receipt),
            adjustments: event.adjustments.into_iter().map(AdjustmentDocument::from).collect(),
            computed_cost: event.computed_cost.map(exact),
            reported_over_computed: over.map(exact),
            other_tiers: others(event.other_tiers),
            cheaper_models: others(event.cheaper_models),
            unpriced_reason: event.unpriced_reason,
            upper_bound: event.upper_bound.map(exact),
            avoided_cost: event.avoided_cost.map(exact),
            usage_format: event.usage_format,
            usage_format_by_shape: event.format_by_shape,
            usage: serde_json::from_str(&event.usage_json).unwrap_or_default(),
            meters: event.meters.into_iter().map(|(meter, quantity)| (meter, plain(quantity))).collect(),
            unread_usage: event.unread_usage.into_iter().map(|(field, number)| (field, plain(number))).collect(),
            adds_up: event.adds_up,
            possible_sum: event.possible_sum,
            smaller_copies: event.smaller_copies,
            attributes: event.attributes.into_iter().collect(),
            attempts: event.attempts.into_iter().map(EventSummary::from).collect(),
            possible_duplicates: event.possible_duplicates.into_iter().map(EventSummary::from).collect(),
        }
    }
}

/// An event that was rejected.
#[derive(Debug, Serialize, ToSchema)]
struct Rejected {
    /// The entry's id, to dismiss it.
    rejected_id: RejectedId,
    /// How often it came: the same key, project, provider, model, field and reason.
    times: u64,
    /// When it came last, in the organization's zone.
    received_at: DateTime<FixedOffset>,
    /// When it came first.
    first_received_at: DateTime<FixedOffset>,
    /// The sender's id of the last one, where it could be read.
    id: Option<String>,
    project: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    /// JSON pointer of the field that was wrong; empty for the whole event.
    pointer: String,
    /// A stable word.
    code: String,
    /// Why, in one sentence.
    detail: String,
    /// Name of the API key that sent it.
    key_name: String,
}

/// A page of rejected events.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectedDocument {
    /// Newest first.
    rejected: Vec<Rejected>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl From<Page<RejectedRow>> for RejectedDocument {
    fn from(page: Page<RejectedRow>) -> Self {
        let rejected = |row: RejectedRow| Rejected {
            rejected_id: row.rejected_id,
            times: row.times,
            first_received_at: row.first_received_at,
            received_at: row.received_at,
            id: row.id,
            project: row.project,
            provider: row.provider,
            model: row.model,
            pointer: row.pointer,
            code: row.code,
            detail: row.detail,
            key_name: row.key_name,
        };
        Self { rejected: page.rows.into_iter().map(rejected).collect(), next_cursor: page.next_cursor }
    }
}

/// How much left the rejected list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DismissedDocument {
    /// Entries that were dismissed.
    pub(super) dismissed: u64,
}

/// Waiting events of one model.
#[derive(Debug, Serialize, ToSchema)]
struct Unpriced {
    provider: String,
    model: String,
    /// How many events wait.
    events: u64,
    /// Tokens in them.
    tokens: u64,
    /// What they cost at most, by estimate: decimal string with 12 places.
    upper_bound: String,
    /// First event, in the organization's zone.
    first_at: DateTime<FixedOffset>,
    /// Last event.
    last_at: DateTime<FixedOffset>,
    /// Why there is no price.
    reason: String,
}

/// Models whose events wait for a price.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnpricedDocument {
    /// The dearest estimate first.
    unpriced: Vec<Unpriced>,
}

impl From<Vec<UnpricedRow>> for UnpricedDocument {
    fn from(rows: Vec<UnpricedRow>) -> Self {
        let unpriced = |row: UnpricedRow| Unpriced {
            provider: row.provider,
            model: row.model,
            events: row.events,
            tokens: row.tokens,
            upper_bound: exact(row.upper_bound),
            first_at: row.first_at,
            last_at: row.last_at,
            reason: row.reason,
        };
        Self { unpriced: rows.into_iter().map(unpriced).collect() }
    }
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}
