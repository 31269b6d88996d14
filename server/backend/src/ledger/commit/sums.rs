//! What new events add to the sums.

use crate::OrgScope;
use crate::ledger::booking::Booking;
use crate::ledger::event::{NewEvent, tokens};
use crate::ledger::rollup::{CallSums, LatencySums, MeterSums, RollupDelta, Slot};
use crate::ledger::stored::StoredEvent;
use domain::event::EventInput;
use domain::ids::OrgId;
use domain::meter::Meters;
use domain::period::Zone;
use domain::spend::latency_class;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};

/// Sums events. Days are those of each organization's zone.
pub(super) fn sum<'a>(events: impl IntoIterator<Item = &'a NewEvent>, zones: &HashMap<OrgId, Zone>) -> RollupDelta {
    let mut rollups = RollupDelta::default();
    for event in events {
        let zone = zones.get(&event.org_id).copied().unwrap_or(Zone::UTC);
        let slot = Slot {
            org_id: event.org_id,
            project_id: event.project_id,
            at: event.timestamp,
            day: zone.day_of(event.timestamp),
            series_id: event.refs.series_id,
            labels: &event.refs.labels,
        };
        let counted = Counted { sent: &event.sent, meters: &event.meters, booking: &event.booking };
        rollups.add_calls(slot, calls(counted));
        for (meter, sums) in meters(counted) {
            rollups.add_meter(slot, meter, sums);
        }
        for (class, sums) in latencies(counted.sent) {
            rollups.add_latency(slot, class, sums);
        }
    }
    rollups
}

/// Takes away what a recorded event added when it was booked.
pub(super) fn take_back(rollups: &mut RollupDelta, scope: &OrgScope, event: &StoredEvent) {
    let slot = event.slot(scope.org_id(), scope.zone());
    let counted = Counted { sent: &event.sent, meters: &event.meters, booking: &event.booking };
    rollups.add_calls(slot, -calls(counted));
    for (meter, sums) in meters(counted) {
        rollups.add_meter(slot, meter, -sums);
    }
    for (class, sums) in latencies(counted.sent) {
        rollups.add_latency(slot, class, -sums);
    }
}

/// What of an event counts.
#[derive(Clone, Copy)]
struct Counted<'a> {
    sent: &'a EventInput,
    meters: &'a Meters,
    booking: &'a Booking,
}

fn calls(event: Counted<'_>) -> CallSums {
    let booking = event.booking;
    let is_retry = event.sent.attempt.is_some_and(|attempt| attempt > 1);
    CallSums {
        requests: 1,
        tokens: tokens(event.meters),
        unpriced_requests: i32::from(booking.cost.is_none()),
        retries: i32::from(is_retry),
        cache_hits: i32::from(event.sent.is_cache_hit()),
        booked: booking.cost.unwrap_or_default(),
        adjusted: Decimal::ZERO,
        unpriced_upper_bound: booking.upper_bound.unwrap_or_default(),
        avoided_cost: booking.avoided_cost.unwrap_or_default(),
        retry_cost: booking.cost.filter(|_| is_retry).unwrap_or_default(),
    }
}

/// How long a call took, by class; a sum of calls and an answer from the sender's own cache tell nothing of that.
fn latencies(sent: &EventInput) -> impl Iterator<Item = (i32, LatencySums)> {
    let is_call = sent.aggregate.is_none() && !sent.is_cache_hit();
    let class = move |millis: Option<u64>| millis.filter(|_| is_call).map(latency_class);
    let response = LatencySums { responses: 1, first_tokens: 0 };
    let first_token = LatencySums { responses: 0, first_tokens: 1 };
    let response = class(sent.latency_ms).map(|class| (class, response));
    response.into_iter().chain(class(sent.time_to_first_token_ms).map(|class| (class, first_token)))
}

/// What was used at the provider, priced or not; an answer from the sender's own cache used nothing.
fn meters(event: Counted<'_>) -> BTreeMap<&'static str, MeterSums> {
    let mut used: BTreeMap<&'static str, MeterSums> = BTreeMap::new();
    if event.sent.is_cache_hit() {
        return used;
    }
    let one = || MeterSums { requests: 1, ..MeterSums::default() };
    for (meter, quantity) in event.meters.iter() {
        used.entry(meter.as_str()).or_insert_with(one).quantity = quantity;
    }
    for line in &event.booking.lines {
        let sums = used.entry(line.meter.as_str()).or_insert_with(one);
        // A price per request is charged although usage does not count requests. A modifier's line uses nothing more.
        if !line.source.is_modifier() && event.meters.get(line.meter).is_zero() {
            sums.quantity += line.quantity;
        }
        sums.booked += line.amount;
    }
    used
}
