//! One event with its receipt and everything that explains it.

use super::sql::{self, Listed};
use crate::events::possible_duplicates;
use crate::ledger::adjust::adjustments;
use crate::ledger::booking::context;
use crate::ledger::content::id_hash;
use crate::ledger::stored::StoredEvent;
use crate::prices::HeldBooks;
use crate::{Backend, Error, OrgScope, prices, rules};
use chrono::{Duration, NaiveTime};
use domain::event::{Aggregate, EventDetail, MAX_RELATED, MAX_REQUEST_TOKENS};
use domain::identity::Permission;
use domain::ids::EventKey;
use domain::meter::{Meter, UsageFormat, served_tier};
use domain::price::contract::ContractTerm;
use domain::price::page::terms;
use domain::price::{BookPrice, Books, Context, PriceModifier, Variant, Why};
use domain::problem::Problem;
use domain::rating::alternatives::{Alternative, cheaper_models, tiers};
use domain::rating::{LineSource, ReceiptLine, Served};
use domain::receipt::{AdjustmentRow, ReceiptRow};
use rust_decimal::Decimal;
use std::collections::HashMap;
use uuid::Uuid;

/// How far back other models are looked for that the organization uses, in days.
const USED_DAYS: i64 = 30;
/// How many of them are tried.
const MAX_MODELS: i64 = 20;

/// The event with the sender's id, or with Tallystick's own key.
///
/// # Errors
/// [`Problem::NotFound`], also when the caller does not see its project; [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn find(backend: &Backend, scope: &OrgScope, id: &str) -> Result<EventDetail, Error> {
    scope.require(Permission::Read)?;
    let by_id = sql::key_of_id(&backend.pool, scope, id_hash(id)).await?;
    let key = by_id.or_else(|| Uuid::parse_str(id).ok().map(EventKey));
    by_key(backend, scope, key.ok_or(Problem::NotFound)?).await
}

/// The event with this key.
///
/// # Errors
/// As [`find`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn by_key(backend: &Backend, scope: &OrgScope, key: EventKey) -> Result<EventDetail, Error> {
    scope.require(Permission::Read)?;
    let Listed { row, event, key_name } = sql::event(&backend.pool, scope, key).await?.ok_or(Problem::NotFound)?;
    let attempts = match event.sent.request_id.as_deref() {
        Some(request) => sql::attempts(&backend.pool, scope, request, key, MAX_RELATED).await?,
        None => vec![],
    };
    let since = scope.zone().day_of(event.timestamp - Duration::days(USED_DAYS));
    let needed: Vec<&str> = event.meters.iter().map(|(meter, _)| meter.ability().as_str()).collect();
    let same = (event.operation(), needed.as_slice());
    let models = sql::able_models(&backend.pool, scope, &row.provider, same, since, MAX_MODELS).await?;
    let mut connection = backend.pool.acquire().await?;
    let adjustments = adjustments(&mut connection, scope, std::slice::from_ref(&event)).await?;
    drop(connection);
    let lines = event.booking.lines.iter().chain(adjustments.iter().flat_map(|adjustment| &adjustment.to.lines));
    let ids: Vec<u64> = lines.filter_map(|line| line.source.id()).collect();
    let held = prices::books(backend, scope).await?;
    let behind = Behind {
        sent: Sent {
            mapped: held.books().mapped(&row.provider, &row.model, event.timestamp).is_some(),
            variant: as_served(&event).variant,
            provider: row.provider.clone(),
            model: row.model.clone(),
        },
        prices: prices::rows_by_ids(&backend.pool, scope, &ids).await?,
        modifiers: prices::modifiers_by_ids(&backend.pool, scope, &ids).await?,
        contract: rules::by_ids(&backend.pool, scope, &ids).await?,
    };
    let current = adjustments.last().map_or(&event.booking, |adjustment| &adjustment.to);
    let used = event.used();
    let (other_tiers, cheaper_models) = alternatives(held.books(), &event, &models);
    Ok(EventDetail {
        receipt: event.booking.lines.iter().map(|line| receipt_row(&behind, &held, line)).collect(),
        booked_cost: event.booking.cost,
        adjustments: adjustments
            .iter()
            .map(|adjustment| AdjustmentRow {
                revision: adjustment.revision.unsigned_abs(),
                run_id: adjustment.run_id,
                reason: adjustment.reason.clone(),
                is_reversal: adjustment.is_reversal,
                at: scope.zone().local(adjustment.at),
                old_cost: adjustment.old_cost,
                new_cost: adjustment.to.cost,
                receipt: adjustment.to.lines.iter().map(|line| receipt_row(&behind, &held, line)).collect(),
            })
            .collect(),
        other_tiers,
        cheaper_models,
        computed_cost: computed(row.cost, &current.lines).filter(|_| !event.sent.is_cache_hit()),
        possible_sum: is_possible_sum(&event),
        smaller_copies: sql::smaller_copies(&backend.pool, scope, key).await?,
        adds_up: used.as_ref().is_some_and(|used| used.total() == event.meters),
        unread_usage: used
            .map(|used| used.unread.into_iter().map(|unread| (unread.field, unread.quantity)).collect())
            .unwrap_or_default(),
        tier: tier(&event).to_owned(),
        attributes: attributes(&event),
        meters: event.meters.iter().map(|(meter, quantity)| (meter.label().to_owned(), quantity)).collect(),
        usage_json: serde_json::to_string_pretty(&event.sent.usage).unwrap_or_default(),
        usage_format: event.usage_format.as_str().to_owned(),
        format_by_shape: is_by_shape(&event),
        project_id: event.project_id,
        key_id: event.key_id,
        received_at: scope.zone().local(event.received_at),
        time_to_first_token_ms: event.sent.time_to_first_token_ms,
        attempts,
        possible_duplicates: possible_duplicates::others(backend, scope, key).await?,
        row,
        key_name,
        priced_as: event.booking.priced_as,
        unpriced_reason: event.booking.unpriced_reason,
        upper_bound: event.booking.upper_bound,
        avoided_cost: event.booking.avoided_cost,
    })
}

/// Whether the shape of its usage was told by its names alone: nobody declared it, and it does not follow from the provider. A cost without usage has none.
fn is_by_shape(event: &StoredEvent) -> bool {
    let follows = UsageFormat::default_for(&event.sent.provider, event.operation()) == Some(event.usage_format);
    event.sent.usage_format.is_none() && !follows && event.usage_format != UsageFormat::Meters
}

/// What a receipt's lines name by id.
struct Behind {
    prices: HashMap<u64, BookPrice>,
    modifiers: HashMap<u64, PriceModifier>,
    contract: HashMap<u64, ContractTerm>,
    sent: Sent,
}

/// What the event said that chose between prices.
struct Sent {
    provider: String,
    model: String,
    /// Whether the organization maps the model's name.
    mapped: bool,
    variant: Variant,
}

impl Sent {
    fn why(&self, meter: Meter, price: &BookPrice) -> Why {
        Why::of(&self.provider, &self.model, self.mapped, meter, self.variant, price)
    }
}

/// A booked line with what is behind it. Rows are superseded, never edited, so they still say what was charged; the book knows those of a seed that is not in the database yet.
fn receipt_row(behind: &Behind, held: &HeldBooks, line: &ReceiptLine) -> ReceiptRow {
    let label = line.meter.label();
    let row = ReceiptRow {
        meter: line.meter.as_str().to_owned(),
        label: label.to_owned(),
        price_id: line.source.id(),
        quantity: line.quantity,
        rate: None,
        per: 1,
        unit: line.meter.unit().as_str().to_owned(),
        amount: line.amount,
        factor: None,
        by_contract: false,
        price_since: None,
        price_source: String::new(),
        price_url: None,
        terms: String::new(),
        why: None,
    };
    match line.source {
        LineSource::Price { price_id, rate } => {
            let price = behind.prices.get(&price_id).or_else(|| held.row(price_id));
            ReceiptRow {
                rate: Some(rate.usd),
                per: rate.per,
                price_since: price.and_then(|price| price.valid_from),
                price_source: price
                    .map(|price| format!("{} {}", price.source, price.source_version))
                    .unwrap_or_default(),
                price_url: price.and_then(|price| price.source_url.clone()),
                terms: price.map(terms).unwrap_or_default(),
                why: price.map(|price| behind.sent.why(line.meter, price)),
                ..row
            }
        }
        LineSource::Modifier { modifier_id, factor, .. } => {
            let modifier = behind.modifiers.get(&modifier_id).or_else(|| held.modifier(modifier_id));
            ReceiptRow {
                label: modifier
                    .map_or_else(|| label.to_owned(), |modifier| format!("{label}, {}", modifier.kind.label())),
                factor: Some(factor),
                price_since: modifier.and_then(|modifier| modifier.valid_from),
                price_source: modifier
                    .map(|modifier| format!("{} {}", modifier.source, modifier.source_version))
                    .unwrap_or_default(),
                price_url: modifier.and_then(|modifier| modifier.source_url.clone()),
                ..row
            }
        }
        LineSource::Term { term_id } => {
            let term = behind.contract.get(&term_id);
            ReceiptRow {
                label: format!("{label}, contract"),
                by_contract: true,
                price_since: term.map(|term| term.from.and_time(NaiveTime::MIN).and_utc()),
                price_source: term.map(|term| term.source.clone()).unwrap_or_default(),
                price_url: term.and_then(|term| term.source_url.clone()),
                terms: term.map(ContractTerm::words).unwrap_or_default(),
                ..row
            }
        }
        LineSource::Reported | LineSource::Included => row,
    }
}

fn tier(event: &StoredEvent) -> &str {
    if event.sent.batch == Some(true) {
        return Variant::Batch.as_str();
    }
    let named = served_tier(&event.sent.usage).or(event.sent.service_tier.as_deref());
    named.unwrap_or_else(|| Variant::Standard.as_str())
}

/// The circumstances that chose between prices.
fn as_served(event: &StoredEvent) -> Context<'_> {
    context(&event.sent, &event.meters)
}

/// Whether it has more input than any model takes at once and does not say that it is a sum.
fn is_possible_sum(event: &StoredEvent) -> bool {
    event.sent.aggregate.is_none() && event.meters.input_tokens() > MAX_REQUEST_TOKENS
}

/// What the same usage would have cost in the model's other tiers, and with the other models of the provider that the organization uses for the same.
fn alternatives(books: Books<'_>, event: &StoredEvent, models: &[String]) -> (Vec<Alternative>, Vec<Alternative>) {
    let used = event.used();
    let Some(usage) = used.as_ref().filter(|_| !event.sent.is_cache_hit()) else { return (vec![], vec![]) };
    let (provider, model) = (event.sent.provider.as_str(), event.sent.model.as_str());
    let served = Served { provider, model, usage, at: event.timestamp, context: as_served(event) };
    (tiers(books, served), cheaper_models(books, served, models.iter().map(String::as_str)))
}

/// What the price book makes of an event: its lines without what the provider's own figure adds and what a plan includes. None where there are no others.
fn computed(cost: Option<Decimal>, lines: &[ReceiptLine]) -> Option<Decimal> {
    if lines.is_empty() {
        return cost;
    }
    lines.iter().filter(|line| line.source.is_computed()).map(|line| line.amount).reduce(|sum, amount| sum + amount)
}

/// Label and value of every attribute that was sent, in the order of the documentation.
fn attributes(event: &StoredEvent) -> Vec<(String, String)> {
    let sent = &event.sent;
    let operation = Some(event.operation().to_owned());
    let texts = [
        ("Operation", &operation),
        ("Region", &sent.region),
        ("Finish reason", &sent.finish_reason),
        ("Error kind", &sent.error_kind),
        ("Request", &sent.request_id),
        ("Interaction", &sent.interaction_id),
        ("Step", &sent.step),
        ("Session", &sent.session_id),
        ("Decision", &sent.decision_id),
        ("Feature", &sent.feature),
        ("Environment", &sent.environment),
        ("Customer", &sent.customer),
        ("User", &sent.user),
        ("Cohort", &sent.cohort),
        ("Provider's response", &sent.provider_response_id),
        ("Input hash", &sent.input_hash),
    ];
    let texts = texts.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value.clone()?)));
    let attempt = ("Attempt".to_owned(), sent.attempt.unwrap_or(1).to_string());
    let stream = sent.stream.map(|stream| ("Streamed".to_owned(), if stream { "yes" } else { "no" }.to_owned()));
    let sum = sent.aggregate.map(|aggregate| match aggregate {
        Aggregate::Sum => {
            let requests = sent.requests.map_or_else(|| "requests".to_owned(), |number| format!("{number} requests"));
            ("Sum of".to_owned(), requests)
        }
        Aggregate::Cumulative => ("Running totals of".to_owned(), sent.series.clone().unwrap_or_default()),
    });
    let grown = event
        .counted_from
        .as_ref()
        .map(|_| ("Counts".to_owned(), "what the totals grew by since the series last reported".to_owned()));
    let cached = event.sent.is_cache_hit().then(|| ("Answered from the sender's cache".to_owned(), "yes".to_owned()));
    let tags = sent.tags.iter().map(|(key, value)| (format!("tag.{key}"), value.clone()));
    let hour_writes = event
        .is_inferred_hour_writes()
        .then(|| ("Cache writes".to_owned(), "for an hour: only that comes to the reported cost".to_owned()));
    texts.chain([attempt]).chain(hour_writes).chain(sum).chain(grown).chain(stream).chain(cached).chain(tags).collect()
}
