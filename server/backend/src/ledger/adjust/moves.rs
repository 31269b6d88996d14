//! What adjustments move in the sums.

use super::{Adjustment, Recorded, Standing};
use crate::ledger::rollup::{CallSums, MeterSums, Rollups, Slot, TermSums};
use domain::ids::OrgId;
use domain::meter::Meter;
use domain::period::Zone;
use domain::price::contract::is_term;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Sums adjustments of one organization.
pub(super) fn sum(org_id: OrgId, zone: Zone, adjustments: &[Adjustment<'_>]) -> Rollups {
    let mut rollups = Rollups::default();
    for Adjustment { event, to } in adjustments {
        let slot = Slot {
            org_id,
            project_id: event.project_id,
            at: event.timestamp,
            day: zone.day_of(event.timestamp),
            series_id: event.series_id,
            labels: &event.labels,
        };
        rollups.add_calls(slot, calls(&event.current, to));
        for (meter, moved) in meters(event, to) {
            rollups.add_meter(slot, meter, moved);
        }
        for (meter, term_id, adjusted) in terms(event, to) {
            rollups.add_term(slot, meter, term_id, TermSums { adjusted });
        }
    }
    rollups
}

fn calls(from: &Standing, to: &Standing) -> CallSums {
    let amount = |amount: Option<Decimal>| amount.unwrap_or_default();
    CallSums {
        adjusted: amount(to.cost) - amount(from.cost),
        unpriced_requests: i64::from(to.cost.is_none()) - i64::from(from.cost.is_none()),
        unpriced_upper_bound: amount(to.upper_bound) - amount(from.upper_bound),
        ..CallSums::default()
    }
}

/// What moves of each meter on the two receipts. Quantities move only for what is charged without being used, such as a price per request.
fn meters(event: &Recorded, to: &Standing) -> BTreeMap<&'static str, MeterSums> {
    let mut moved: BTreeMap<&'static str, MeterSums> = BTreeMap::new();
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
fn terms(event: &Recorded, to: &Standing) -> Vec<(&'static str, i64, Decimal)> {
    let lines = |standing: &Standing, sign: Decimal| {
        let lines = standing.lines.iter().filter(|line| is_term(line.price_id));
        lines
            .filter_map(|line| {
                let meter = Meter::parse(&line.meter)?.as_str();
                Some((meter, i64::try_from(line.price_id).ok()?, sign * line.amount))
            })
            .collect()
    };
    let mut moved: Vec<_> = lines(&event.current, Decimal::NEGATIVE_ONE);
    moved.extend(lines(to, Decimal::ONE));
    moved
}
