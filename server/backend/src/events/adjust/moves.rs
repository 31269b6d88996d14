//! Sums adjustments in memory, so that one row per key moves however many events share it. Sorted like the committer's, so that nobody waits in a circle.

use super::{Adjustment, Recorded, Standing};
use crate::events::commit::rollup::{CoarseKey, LabelKey, MeterKey, labels, quarter_of};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{OrgId, ProjectId};
use domain::meter::Meter;
use domain::period::Zone;
use domain::price::contract::is_term;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What moves in a rollup of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) adjusted: Decimal,
    pub(super) unpriced_requests: i64,
    pub(super) upper_bound: Decimal,
}

/// What moves in the rollup of meters. Quantities move only for what is charged without being used, such as a price per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MovedMeter {
    pub(super) adjusted: Decimal,
    pub(super) requests: i64,
    pub(super) quantity: Decimal,
}

/// A row of `rollup_term_day`: what a term of the contract moved of a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TermKey<'a> {
    pub(super) of: MeterKey<'a>,
    pub(super) term_id: u64,
}

/// All that moves, by key.
#[derive(Default)]
pub(super) struct Moves<'a> {
    pub(super) quarters: BTreeMap<CoarseKey<'a, DateTime<Utc>>, Moved>,
    pub(super) days: BTreeMap<CoarseKey<'a, NaiveDate>, Moved>,
    pub(super) labels: BTreeMap<LabelKey<'a>, Moved>,
    pub(super) meters: BTreeMap<MeterKey<'a>, MovedMeter>,
    pub(super) terms: BTreeMap<TermKey<'a>, Decimal>,
    pub(super) touched: BTreeSet<(ProjectId, NaiveDate)>,
}

/// Sums adjustments of one organization.
pub(super) fn sum<'a>(org_id: OrgId, zone: Zone, adjustments: &'a [Adjustment<'a>]) -> Moves<'a> {
    let mut moves = Moves::default();
    for Adjustment { event, to } in adjustments {
        let day = zone.day_of(event.timestamp);
        let moved = Moved::between(&event.current, to);
        moved.add_to(moves.quarters.entry(coarse(org_id, event, quarter_of(event.timestamp))).or_default());
        moved.add_to(moves.days.entry(coarse(org_id, event, day)).or_default());
        let (provider, model, project_id) = (&*event.sent.provider, &*event.sent.model, event.project_id);
        for (label, value) in labels(&event.sent) {
            let key = LabelKey { org_id, day, label, value, project_id, provider, model };
            moved.add_to(moves.labels.entry(key).or_default());
        }
        for (meter, moved) in meters(event, to) {
            let key = MeterKey { org_id, day, project_id, provider, model, meter };
            let sums = moves.meters.entry(key).or_default();
            sums.adjusted += moved.adjusted;
            sums.requests += moved.requests;
            sums.quantity += moved.quantity;
        }
        for (meter, term_id, amount) in terms(event, to) {
            let of = MeterKey { org_id, day, project_id, provider, model, meter };
            *moves.terms.entry(TermKey { of, term_id }).or_default() += amount;
        }
        moves.touched.insert((project_id, day));
    }
    moves
}

impl Moved {
    fn between(from: &Standing, to: &Standing) -> Self {
        let amount = |amount: Option<Decimal>| amount.unwrap_or_default();
        Self {
            adjusted: amount(to.cost) - amount(from.cost),
            unpriced_requests: i64::from(to.cost.is_none()) - i64::from(from.cost.is_none()),
            upper_bound: amount(to.upper_bound) - amount(from.upper_bound),
        }
    }

    fn add_to(self, sums: &mut Self) {
        sums.adjusted += self.adjusted;
        sums.unpriced_requests += self.unpriced_requests;
        sums.upper_bound += self.upper_bound;
    }
}

fn coarse<T>(org_id: OrgId, event: &Recorded, slot: T) -> CoarseKey<'_, T> {
    CoarseKey {
        org_id,
        slot,
        project_id: event.project_id,
        provider: &event.sent.provider,
        model: &event.sent.model,
        operation: &event.operation,
        feature: event.sent.feature.as_deref().unwrap_or_default(),
        environment: event.sent.environment.as_deref().unwrap_or_default(),
        key_id: event.key_id,
        status: event.status.as_str(),
    }
}

/// What moves of each meter on the two receipts.
fn meters(event: &Recorded, to: &Standing) -> BTreeMap<&'static str, MovedMeter> {
    let mut moved: BTreeMap<&'static str, MovedMeter> = BTreeMap::new();
    for (standing, sign) in [(&event.current, Decimal::NEGATIVE_ONE), (to, Decimal::ONE)] {
        // A modifier's line repeats the quantity of the price that it multiplies.
        let mut unused: BTreeMap<Meter, Decimal> = BTreeMap::new();
        for line in &standing.lines {
            // Every stored meter is one of ours: it was written by its word.
            let Some(meter) = Meter::parse(&line.meter) else { continue };
            moved.entry(meter.as_str()).or_default().adjusted += sign * line.amount;
            if event.meters.get(meter).is_zero() {
                let quantity = unused.entry(meter).or_default();
                *quantity = (*quantity).max(line.quantity);
            }
        }
        for (meter, quantity) in unused {
            let sums = moved.entry(meter.as_str()).or_default();
            sums.quantity += sign * quantity;
            sums.requests += if sign.is_sign_negative() { -1 } else { 1 };
        }
    }
    moved
}

/// What moves of each meter by each term of the contract.
fn terms(event: &Recorded, to: &Standing) -> Vec<(&'static str, u64, Decimal)> {
    let lines = |standing: &Standing, sign: Decimal| {
        let lines = standing.lines.iter().filter(|line| is_term(line.price_id));
        lines
            .filter_map(|line| Some((Meter::parse(&line.meter)?.as_str(), line.price_id, sign * line.amount)))
            .collect()
    };
    let mut moved: Vec<_> = lines(&event.current, Decimal::NEGATIVE_ONE);
    moved.extend(lines(to, Decimal::ONE));
    moved
}
