//! One model of one project, from what it cost before to what it costs now, one factor at a time.

use super::{Cause, Metered, Reason, Used};
use crate::format::ratio;
use crate::meter::Meter;
use crate::money::round_line;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What the model would have cost with factor after factor at its present value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// With as many requests as now, each at what one cost before; for a model that is new, what it costs now.
    pub(super) at_requests: Decimal,
    /// The factors after it, each with what the model costs once it has its present value too; the last is what it costs now.
    steps: Vec<(Cause, Decimal)>,
    /// Used in both spans.
    continued: bool,
}

impl Chain {
    pub(super) fn of(now: &Used, before: &Used) -> Self {
        let (requests, requests_before) = (now.priced_requests(), before.priced_requests());
        let spend = now.sums.spend;
        let continued = !requests.is_zero() && !requests_before.is_zero();
        if requests_before.is_zero() {
            return Self { at_requests: spend, steps: Vec::new(), continued };
        }
        let scaled = before.sums.spend.checked_mul(requests).and_then(|product| product.checked_div(requests_before));
        let at_requests = scaled.map_or(spend, round_line);
        let steps = if !continued {
            vec![(Cause::CostPerRequest, spend)]
        } else if now.is_metered() && before.is_metered() {
            by_meter(now, before)
        } else {
            by_token(now, before)
        };
        Self { at_requests, steps, continued }
    }

    /// What each factor after the requests adds.
    pub(super) fn rest(&self) -> impl Iterator<Item = (Cause, Decimal)> {
        let from = std::iter::once(self.at_requests).chain(self.steps.iter().map(|(_, at)| *at));
        self.steps.iter().zip(from).map(|((cause, at), from)| (*cause, at - from))
    }

    /// The factor that adds most, beginning with the requests; nothing where nothing moved.
    pub(super) fn reason(&self, spend_before: Decimal) -> Option<Reason> {
        let mut at = spend_before;
        let mut largest = None;
        for (cause, amount) in std::iter::once((Cause::Volume, self.at_requests - spend_before)).chain(self.rest()) {
            if amount.abs() > largest.map_or(Decimal::ZERO, |(_, amount, _): (Cause, Decimal, Decimal)| amount.abs()) {
                largest = Some((cause, amount, at));
            }
            at += amount;
        }
        let (cause, amount, from) = largest?;
        Some(Reason { cause, ratio: ratio(amount, from).filter(|_| self.continued) })
    }
}

/// Size, cache and price, from the meters themselves.
fn by_meter(now: &Used, before: &Used) -> Vec<(Cause, Decimal)> {
    let mut kinds: BTreeMap<Meter, Kind> = BTreeMap::new();
    for (meter, metered) in &now.meters {
        kinds.entry(meter.uncached()).or_default().both.entry(*meter).or_default().0 = *metered;
    }
    for (meter, metered) in &before.meters {
        kinds.entry(meter.uncached()).or_default().both.entry(*meter).or_default().1 = *metered;
    }
    let at_size = kinds.values().map(Kind::at_size).sum();
    let at_cache = kinds.values().map(Kind::at_cache).sum();
    vec![(Cause::TokensPerRequest, at_size), (Cause::Cache, at_cache), (Cause::Price, now.sums.spend)]
}

/// Meters that a cache moves quantities between, such as input, cache read and cache write; most stand alone. Now and before.
#[derive(Default)]
struct Kind {
    both: BTreeMap<Meter, (Metered, Metered)>,
}

impl Kind {
    fn sum(&self, of: fn(&(Metered, Metered)) -> Decimal) -> Decimal {
        self.both.values().map(of).sum()
    }

    /// What the present quantity would have cost, cached as it was before; at the present cost where there was none before, unless it is no usage but a figure that counts instead.
    fn at_size(&self) -> Decimal {
        let (quantity, quantity_before) = (self.sum(|(now, _)| now.quantity), self.sum(|(_, before)| before.quantity));
        let spend_before = self.sum(|(_, before)| before.spend);
        let scaled = spend_before.checked_mul(quantity).and_then(|product| product.checked_div(quantity_before));
        let new = || self.both.iter().filter(|(meter, _)| meter.is_usage()).map(|(_, (now, _))| now.spend).sum();
        scaled.map_or_else(new, round_line)
    }

    /// What the present quantities would have cost at the prices before.
    fn at_cache(&self) -> Decimal {
        if self.both.len() == 1 {
            return self.at_size();
        }
        let at_old_price = |(now, before): &(Metered, Metered)| {
            let scaled = before.spend.checked_mul(now.quantity)?.checked_div(before.quantity)?;
            Some(round_line(scaled))
        };
        self.both.values().map(|both| at_old_price(both).unwrap_or(both.0.spend)).sum()
    }
}

/// Where the meters are not known: longer or shorter requests at the old cost per token, and the rest together.
fn by_token(now: &Used, before: &Used) -> Vec<(Cause, Decimal)> {
    let all_priced = now.sums.unpriced_requests == 0 && before.sums.unpriced_requests == 0;
    let tokens = Decimal::from(now.sums.tokens);
    let scaled = before.sums.spend.checked_mul(tokens);
    let scaled = scaled.and_then(|product| product.checked_div(Decimal::from(before.sums.tokens)));
    match scaled.filter(|_| all_priced && now.sums.tokens > 0) {
        Some(at_size) => {
            vec![(Cause::TokensPerRequest, round_line(at_size)), (Cause::CostPerToken, now.sums.spend)]
        }
        None => vec![(Cause::CostPerRequest, now.sums.spend)],
    }
}
