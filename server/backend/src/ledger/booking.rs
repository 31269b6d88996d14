//! What an event costs, as it is booked.

use chrono::{DateTime, Utc};
use domain::event::{EventInput, ReportedCost};
use domain::meter::{Meters, Usage, is_silent_refusal, served_word};
use domain::model::canonical_provider;
use domain::price::{Asked, Books, Context};
use domain::rating::{ReceiptLine, Served, charge, upper_bound};
use rust_decimal::Decimal;

/// What an event costs, as it is booked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Booking {
    /// None means unpriced.
    pub(crate) cost: Option<Decimal>,
    pub(crate) lines: Vec<ReceiptLine>,
    pub(crate) priced_as: Option<String>,
    pub(crate) unpriced_reason: Option<String>,
    /// Estimate while unpriced.
    pub(crate) upper_bound: Option<Decimal>,
    /// What an answer from the sender's cache would have cost.
    pub(crate) avoided_cost: Option<Decimal>,
}

/// How a call was asked for.
fn asked(sent: &EventInput) -> Asked<'_> {
    Asked {
        service_tier: sent.service_tier.as_deref(),
        speed: None,
        batch: sent.batch == Some(true),
        region: sent.region.as_deref(),
    }
}

/// The circumstances that choose between prices.
pub(crate) fn context<'a>(sent: &'a EventInput, meters: &Meters) -> Context<'a> {
    Context::of(asked(sent), &sent.usage).as_sum(sent.sum_of(meters.input_tokens()))
}

/// Whether Anthropic refused before any output: it bills nothing for that.
fn is_unbilled(sent: &EventInput, meters: &Meters) -> bool {
    let stopped = sent.finish_reason.as_deref().or_else(|| served_word(&sent.usage, "stop_reason"));
    canonical_provider(&sent.provider) == "anthropic" && is_silent_refusal(stopped, meters)
}

/// Books an event with the price valid at its own time, or with the cost that its provider reported where that counts.
pub(crate) fn book(books: Books<'_>, sent: &EventInput, used: &Usage, meters: &Meters, at: DateTime<Utc>) -> Booking {
    let context = context(sent, meters);
    let nothing = Usage { parts: Vec::new() };
    let usage = if is_unbilled(sent, meters) { &nothing } else { used };
    let served = Served { provider: &sent.provider, model: &sent.model, usage, at, context };
    if sent.is_cache_hit() {
        // No provider call was made: nothing is owed, whatever the book knows or the provider said of the first answer.
        let (priced_as, avoided) =
            charge(books, served, None).map_or((None, None), |rated| (rated.priced_as, Some(rated.receipt.cost)));
        return Booking { cost: Some(Decimal::ZERO), priced_as, avoided_cost: avoided, ..Booking::default() };
    }
    match charge(books, served, sent.reported_cost.as_ref().and_then(ReportedCost::usd)) {
        Ok(charged) => Booking {
            cost: Some(charged.receipt.cost),
            lines: charged.receipt.lines,
            priced_as: charged.priced_as,
            ..Booking::default()
        },
        Err(unpriced) => Booking {
            unpriced_reason: Some(unpriced.to_string()),
            upper_bound: Some(upper_bound(books, &sent.provider, &sent.model, meters)),
            ..Booking::default()
        },
    }
}
