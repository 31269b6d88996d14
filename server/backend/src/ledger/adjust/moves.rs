//! What adjustments move in the sums.

use super::{Adjustment, CostState};
use crate::ledger::booking::Booking;
use crate::ledger::rollup::{CallSums, MeterSums, RollupDelta, TermSums};
use domain::ids::OrgId;
use domain::meter::Meter;
use domain::period::Zone;
use domain::rating::LineSource;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Adds adjustments of one organization to sums.
pub(super) fn add(rollups: &mut RollupDelta, org_id: OrgId, zone: Zone, adjustments: &[Adjustment<'_>]) {
    for Adjustment { state, to } in adjustments {
        let slot = state.event.slot(org_id, zone);
        let is_retry = state.event.sent.attempt.is_some_and(|attempt| attempt > 1);
        rollups.add_calls(slot, calls(&state.current, to, is_retry));
        for (meter, moved) in meters(state, to) {
            rollups.add_meter(slot, meter, moved);
        }
        for (meter, term_id, adjusted) in terms(state, to) {
            rollups.add_term(slot, meter, term_id, TermSums { adjusted });
        }
    }
}

fn calls(from: &Booking, to: &Booking, is_retry: bool) -> CallSums {
    let amount = |amount: Option<Decimal>| amount.unwrap_or_default();
    let adjusted = amount(to.cost) - amount(from.cost);
    CallSums {
        adjusted,
        retry_cost: if is_retry { adjusted } else { Decimal::ZERO },
        unpriced_requests: i32::from(to.cost.is_none()) - i32::from(from.cost.is_none()),
        unpriced_upper_bound: amount(to.upper_bound) - amount(from.upper_bound),
        ..CallSums::default()
    }
}

/// What moves of each meter on the two receipts. Quantities move only for what is charged without being used, such as a price per request.
fn meters(state: &CostState, to: &Booking) -> BTreeMap<&'static str, MeterSums> {
    let mut moved: BTreeMap<&'static str, MeterSums> = BTreeMap::new();
    for (booking, sign) in [(&state.current, Decimal::NEGATIVE_ONE), (to, Decimal::ONE)] {
        // A modifier's line repeats the quantity of the price that it multiplies.
        let mut unused: BTreeMap<Meter, Decimal> = BTreeMap::new();
        for line in &booking.lines {
            moved.entry(line.meter.as_str()).or_default().adjusted += sign * line.amount;
            if state.event.meters.get(line.meter).is_zero() {
                let quantity = unused.entry(line.meter).or_default();
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
fn terms(state: &CostState, to: &Booking) -> Vec<(&'static str, i64, Decimal)> {
    let lines = |booking: &Booking, sign: Decimal| {
        let lines = booking.lines.iter().filter_map(|line| match line.source {
            LineSource::Term { term_id } => {
                Some((line.meter.as_str(), i64::try_from(term_id).ok()?, sign * line.amount))
            }
            LineSource::Price { .. } | LineSource::Modifier { .. } | LineSource::Reported | LineSource::Included => {
                None
            }
        });
        lines.collect()
    };
    let mut moved: Vec<_> = lines(&state.current, Decimal::NEGATIVE_ONE);
    moved.extend(lines(to, Decimal::ONE));
    moved
}
