//! What an event costs, as it is booked.

use chrono::{DateTime, Utc};
use domain::event::{Aggregate, EventInput, ReportedCost, Status};
use domain::ids::KeyId;
use domain::meter::{Meters, Usage, is_silent_refusal, served_word};
use domain::model::canonical_provider;
use domain::money::round_line;
use domain::price::{Asked, BillingBasis, Books, Context, Unpriced};
use domain::rating::{ReceiptLine, Served, charge, rate_usage, upper_bound};
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

/// What an event used, with cache writes that do not say their time as those for an hour where only that comes to the reported cost, to the last digit: clients know it and their logs leave it out (Claude Code).
pub(crate) fn used_as_reported(books: Books<'_>, sent: &EventInput, used: Usage, at: DateTime<Utc>) -> Usage {
    let Some(reported) = sent.reported_cost.as_ref().and_then(ReportedCost::usd) else { return used };
    let Some(for_an_hour) = used.with_hour_writes() else { return used };
    let context = context(sent, &used.total());
    let comes_to_it = |used: &Usage| {
        let rated = rate_usage(books, &sent.provider, &sent.model, used, at, context);
        rated.is_ok_and(|rated| rated.receipt.cost == round_line(reported))
    };
    if !comes_to_it(&used) && comes_to_it(&for_an_hour) { for_an_hour } else { used }
}

/// Books an event of a key with the price valid at its own time, or with the cost that its provider reported where that counts; with nothing where the key's plan includes it.
pub(crate) fn book(
    books: Books<'_>,
    key: KeyId,
    sent: &EventInput,
    used: &Usage,
    meters: &Meters,
    at: DateTime<Utc>,
) -> Booking {
    let context = context(sent, meters);
    let nothing = Usage { parts: Vec::new(), unread: Vec::new() };
    let usage = if is_unbilled(sent, meters) { &nothing } else { used };
    let served = Served { provider: &sent.provider, model: &sent.model, usage, at, context };
    if sent.is_cache_hit() {
        // No provider call was made: nothing is owed, whatever the book knows or the provider said of the first answer.
        let (priced_as, avoided) =
            charge(books, served, None, key).map_or((None, None), |rated| (rated.priced_as, Some(rated.receipt.cost)));
        return Booking { cost: Some(Decimal::ZERO), priced_as, avoided_cost: avoided, ..Booking::default() };
    }
    let reported = sent.reported_cost.as_ref().and_then(ReportedCost::usd);
    let is_failed = sent.status.unwrap_or_default() != Status::Success;
    let is_nothing_owed = is_failed || sent.aggregate == Some(Aggregate::Cumulative);
    if is_nothing_owed && used.is_empty() && reported.is_none_or(|cost| cost.is_zero()) {
        // An attempt that used nothing is owed nothing, whether or not a provider was ever reached; nor are totals that did not grow.
        return Booking { cost: Some(Decimal::ZERO), ..Booking::default() };
    }
    match charge(books, served, reported, key) {
        Ok(charged) => Booking {
            cost: Some(charged.receipt.cost),
            lines: charged.receipt.lines,
            priced_as: charged.priced_as,
            ..Booking::default()
        },
        Err(unpriced) => Booking {
            unpriced_reason: Some(unpriced.to_string()),
            upper_bound: Some(match unpriced {
                // Whatever its price will be, nothing of it is billed.
                _ if books.billing(key, at) == BillingBasis::Included => Decimal::ZERO,
                Unpriced::NoUsage => round_line(reported.unwrap_or_default()),
                _ => upper_bound(books, &sent.provider, &sent.model, meters),
            }),
            ..Booking::default()
        },
    }
}
