//! One event with its receipt and everything that explains it.

use super::sql::{self, Related, Stored};
use crate::events::doubles;
use crate::ledger::adjust::adjustments_of;
use crate::ledger::content::id_hash;
use crate::ledger::receipt::StoredLine;
use crate::prices::HeldBooks;
use crate::{Backend, Error, OrgScope, prices};
use chrono::{Duration, NaiveTime};
use domain::event::{EventDetail, MAX_RELATED, ReceiptRow};
use domain::identity::Permission;
use domain::ids::EventKey;
use domain::meter::{Meter, meters, served_tier, usage};
use domain::price::contract::TermRow;
use domain::price::page::terms;
use domain::price::{Asked, Books, Context, ModifierRow, PriceRow, Variant, Why};
use domain::problem::Problem;
use domain::rating::Served;
use domain::rating::alternatives::{Alternative, cheaper_models, tiers};
use domain::repricing::AdjustmentRow;
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
pub async fn find(backend: &Backend, scope: &OrgScope, id: &str) -> Result<EventDetail, Error> {
    scope.require(Permission::Read)?;
    let by_id = sql::key_of_id(&backend.pool, scope, &id_hash(id)).await?;
    let key = by_id.or_else(|| Uuid::parse_str(id).ok().map(EventKey));
    by_key(backend, scope, key.ok_or(Problem::NotFound)?).await
}

/// The event with this key.
///
/// # Errors
/// As [`find`].
pub async fn by_key(backend: &Backend, scope: &OrgScope, key: EventKey) -> Result<EventDetail, Error> {
    scope.require(Permission::Read)?;
    let stored = sql::event(&backend.pool, scope, key).await?.ok_or(Problem::NotFound)?;
    let related = async |related: Option<Related<'_>>| match related {
        Some(related) => sql::related(&backend.pool, scope, related, key, MAX_RELATED).await,
        None => Ok(vec![]),
    };
    let attempts = related(stored.request_id.as_deref().map(Related::Request)).await?;
    let session = related(stored.session_id.as_deref().map(Related::Session)).await?;
    let since = scope.zone().day_of(stored.at - Duration::days(USED_DAYS));
    let models = sql::used_models(&backend.pool, scope, &stored.row.provider, since, MAX_MODELS).await?;
    let adjustments = adjustments_of(&backend.pool, scope, key).await?;
    let lines = stored.receipt.iter().chain(adjustments.iter().flat_map(|adjustment| &adjustment.lines));
    let ids: Vec<u64> = lines.map(|line| line.price_id).collect();
    let held = prices::books(backend, scope).await?;
    let row = &stored.row;
    let behind = Behind {
        sent: Sent {
            mapped: held.books().mapped(&row.provider, &row.model, stored.at).is_some(),
            variant: as_served(&stored).variant,
            provider: row.provider.clone(),
            model: row.model.clone(),
        },
        prices: prices::rows_by_ids(&backend.pool, scope, &ids).await?,
        modifiers: prices::modifiers_by_ids(&backend.pool, scope, &ids).await?,
        contract: prices::contract::by_ids(&backend.pool, scope, &ids).await?,
    };
    let current = adjustments.last().map_or(&stored.receipt, |adjustment| &adjustment.lines);
    let (other_tiers, cheaper_models) = alternatives(held.books(), &stored, &models);
    Ok(EventDetail {
        receipt: stored.receipt.iter().map(|line| receipt_row(&behind, &held, line)).collect(),
        booked_cost: stored.cost,
        adjustments: adjustments
            .iter()
            .map(|adjustment| AdjustmentRow {
                revision: adjustment.revision.unsigned_abs(),
                run_id: adjustment.run_id,
                reason: adjustment.reason.clone(),
                is_reversal: adjustment.is_reversal,
                at: scope.zone().local(adjustment.at),
                old_cost: adjustment.old_cost,
                new_cost: adjustment.new_cost,
                receipt: adjustment.lines.iter().map(|line| receipt_row(&behind, &held, line)).collect(),
            })
            .collect(),
        other_tiers,
        cheaper_models,
        computed_cost: computed(stored.row.cost, current).filter(|_| !stored.response_cache_hit),
        adds_up: meters(stored.usage_format, &stored.usage).is_ok_and(|meters| meters == stored.meters),
        tier: tier(&stored).to_owned(),
        attributes: attributes(&stored),
        meters: stored.meters.iter().map(|(meter, quantity)| (meter.label().to_owned(), quantity)).collect(),
        usage_json: serde_json::to_string_pretty(&stored.usage).unwrap_or_default(),
        usage_format: stored.usage_format.as_str().to_owned(),
        project_id: stored.project_id,
        key_id: stored.key_id,
        received_at: scope.zone().local(stored.received_at),
        time_to_first_token_ms: stored.time_to_first_token_ms,
        attempts,
        session,
        doubles: doubles::others(backend, scope, key).await?,
        row: stored.row,
        key_name: stored.key_name,
        priced_as: stored.priced_as,
        unpriced_reason: stored.unpriced_reason,
        upper_bound: stored.upper_bound,
        avoided_cost: stored.avoided_cost,
    })
}

/// What a receipt's lines name by id.
struct Behind {
    prices: HashMap<u64, PriceRow>,
    modifiers: HashMap<u64, ModifierRow>,
    contract: HashMap<u64, TermRow>,
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
    fn why(&self, meter: Meter, price: &PriceRow) -> Why {
        Why::of(&self.provider, &self.model, self.mapped, meter, self.variant, price)
    }
}

/// A booked line with the price or modifier behind it. Rows are superseded, never edited, so they still say what was charged; the book knows those of a seed that is not in the database yet.
fn receipt_row(behind: &Behind, held: &HeldBooks, line: &StoredLine) -> ReceiptRow {
    let meter = Meter::parse(&line.meter);
    let label = meter.map_or_else(|| line.meter.clone(), |meter| meter.label().to_owned());
    let price = behind.prices.get(&line.price_id).or_else(|| held.row(line.price_id));
    let row = ReceiptRow {
        meter: line.meter.clone(),
        label: label.clone(),
        price_id: Some(line.price_id).filter(|_| meter != Some(Meter::Reported)),
        quantity: line.quantity,
        rate: price.map(|price| price.rate),
        per: price.map_or(1, |price| price.per),
        unit: meter.map_or("", |meter| meter.unit().as_str()).to_owned(),
        amount: line.amount,
        factor: None,
        by_contract: false,
        price_since: price.and_then(|price| price.valid_from),
        price_source: price.map(|price| format!("{} {}", price.source, price.source_version)).unwrap_or_default(),
        price_url: price.and_then(|price| price.source_url.clone()),
        terms: price.map(terms).unwrap_or_default(),
        why: price.zip(meter).map(|(price, meter)| behind.sent.why(meter, price)),
    };
    if let Some(term) = behind.contract.get(&line.price_id) {
        return ReceiptRow {
            label: format!("{label}, contract"),
            by_contract: true,
            price_since: Some(term.from.and_time(NaiveTime::MIN).and_utc()),
            price_source: term.source.clone(),
            price_url: term.source_url.clone(),
            terms: term.words(),
            ..row
        };
    }
    match behind.modifiers.get(&line.price_id).or_else(|| held.modifier(line.price_id)) {
        Some(modifier) => ReceiptRow {
            label: format!("{label}, {}", modifier.kind.label()),
            factor: Some(modifier.factor),
            price_since: modifier.valid_from,
            price_source: format!("{} {}", modifier.source, modifier.source_version),
            price_url: modifier.source_url.clone(),
            terms: String::new(),
            why: None,
            ..row
        },
        None => row,
    }
}

fn tier(stored: &Stored) -> &str {
    if stored.batch {
        return Variant::Batch.as_str();
    }
    served_tier(&stored.usage).or(stored.service_tier.as_deref()).unwrap_or_else(|| Variant::Standard.as_str())
}

/// The circumstances that chose between prices.
fn as_served(stored: &Stored) -> Context<'_> {
    let region = stored.texts.iter().find(|(label, _)| *label == "Region").and_then(|(_, region)| region.as_deref());
    let asked = Asked { service_tier: stored.service_tier.as_deref(), speed: None, batch: stored.batch, region };
    Context::of(asked, &stored.usage)
}

/// What the same usage would have cost in the model's other tiers, and with the other models of the provider that the organization uses.
fn alternatives(books: Books<'_>, stored: &Stored, models: &[String]) -> (Vec<Alternative>, Vec<Alternative>) {
    let used = usage(stored.usage_format, &stored.usage);
    let Some(usage) = used.as_ref().ok().filter(|_| !stored.response_cache_hit) else { return (vec![], vec![]) };
    let (provider, model) = (stored.row.provider.as_str(), stored.row.model.as_str());
    let served = Served { provider, model, usage, at: stored.at, context: as_served(stored) };
    (tiers(books, served), cheaper_models(books, served, models.iter().map(String::as_str)))
}

/// What the price book makes of an event: its lines without what the provider's own figure adds. None where there are no others.
fn computed(cost: Option<Decimal>, lines: &[StoredLine]) -> Option<Decimal> {
    let is_reported = |line: &&StoredLine| line.meter == Meter::Reported.as_str();
    match lines.iter().find(is_reported) {
        Some(_) if lines.len() == 1 => None,
        Some(over) => cost.map(|cost| cost - over.amount),
        None => cost,
    }
}

/// Label and value of every attribute that was sent.
fn attributes(stored: &Stored) -> Vec<(String, String)> {
    let texts = stored.texts.iter().filter_map(|(label, value)| Some(((*label).to_owned(), value.clone()?)));
    let attempt = ("Attempt".to_owned(), stored.row.attempt.to_string());
    let stream = stored.stream.map(|stream| ("Streamed".to_owned(), if stream { "yes" } else { "no" }.to_owned()));
    let cached = stored.response_cache_hit.then(|| ("Answered from the sender's cache".to_owned(), "yes".to_owned()));
    let tags = stored.tags.iter().map(|(key, value)| (format!("tag.{key}"), value.clone()));
    texts.chain([attempt]).chain(stream).chain(cached).chain(tags).collect()
}
