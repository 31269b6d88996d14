//! What the sums of a day have to be, from its events and adjustments.
//!
//! It shares nothing with what the committer and `adjust` add but the names of the columns: its independence is its worth.

use crate::ledger::adjust::StoredAdjustment;
use crate::ledger::booking::Booking;
use crate::ledger::rollup::{
    CallSums, DayKey, LabelKey, LabelSums, LatencyKey, LatencySums, MeterKey, MeterSums, QuarterKey, TermKey, TermSums,
};
use crate::ledger::stored::StoredEvent;
use chrono::{DateTime, NaiveDate, Utc};
use domain::meter::Meter;
use domain::rating::LineSource;
use domain::spend::latency_class;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Rows of all rollups of a day.
#[derive(Default)]
pub(in crate::ledger) struct Sums {
    pub(super) quarters: BTreeMap<QuarterKey, CallSums>,
    pub(super) days: BTreeMap<DayKey, CallSums>,
    pub(in crate::ledger) labels: BTreeMap<LabelKey, LabelSums>,
    pub(in crate::ledger) meters: BTreeMap<MeterKey, MeterSums>,
    pub(in crate::ledger) latencies: BTreeMap<LatencyKey, LatencySums>,
    pub(in crate::ledger) terms: BTreeMap<TermKey, TermSums>,
}

impl Sums {
    /// Adds an event with its adjustments, first to last.
    pub(super) fn add(&mut self, org_id: Uuid, day: NaiveDate, event: &StoredEvent, adjustments: &[StoredAdjustment]) {
        let series_id = event.series_id;
        let calls = calls(event, adjustments);
        let quarter = QuarterKey { org_id, quarter: quarter_of(event.timestamp), series_id };
        *self.quarters.entry(quarter).or_default() += calls;
        *self.days.entry(DayKey { org_id, day, series_id }).or_default() += calls;
        for label_id in event.labels.iter().collect::<BTreeSet<_>>() {
            let key = LabelKey { org_id, day, label_id: *label_id, series_id };
            *self.labels.entry(key).or_default() += LabelSums {
                requests: 1,
                tokens: calls.tokens,
                unpriced_requests: calls.unpriced_requests,
                booked: calls.booked,
                adjusted: calls.adjusted,
                unpriced_upper_bound: calls.unpriced_upper_bound,
                avoided_cost: calls.avoided_cost,
            };
        }
        if !event.sent.is_cache_hit() {
            for (meter, sums) in meters(event, last(event, adjustments)) {
                let key = MeterKey { org_id, day, series_id, meter: meter.as_str() };
                *self.meters.entry(key).or_default() += sums;
            }
            if event.sent.aggregate.is_none() {
                let mut count = |millis: Option<u64>, sums| {
                    let Some(millis) = millis else { return };
                    let key = LatencyKey { org_id, day, series_id, latency_class: latency_class(millis) };
                    *self.latencies.entry(key).or_default() += sums;
                };
                count(event.sent.latency_ms, LatencySums { responses: 1, first_tokens: 0 });
                count(event.sent.time_to_first_token_ms, LatencySums { responses: 0, first_tokens: 1 });
            }
        }
        for line in adjustments.last().iter().flat_map(|last| &last.to.lines) {
            if let LineSource::Term { term_id } = line.source {
                let term_id = i64::try_from(term_id).unwrap_or(i64::MAX);
                let key = TermKey { org_id, day, series_id, meter: line.meter.as_str(), term_id };
                *self.terms.entry(key).or_default() += TermSums { adjusted: line.amount };
            }
        }
    }

    /// Ends a day: what a term took and gave back is nothing.
    pub(super) fn close(mut self) -> Self {
        self.terms.retain(|_, sums| !sums.adjusted.is_zero());
        self
    }
}

/// What counts now.
fn last<'a>(event: &'a StoredEvent, adjustments: &'a [StoredAdjustment]) -> &'a Booking {
    adjustments.last().map_or(&event.booking, |last| &last.to)
}

fn calls(event: &StoredEvent, adjustments: &[StoredAdjustment]) -> CallSums {
    let now = last(event, adjustments);
    let is_retry = event.sent.attempt.unwrap_or(1) > 1;
    let tokens: Decimal = event.meters.iter().filter(|(meter, _)| meter.is_token()).map(|(_, quantity)| quantity).sum();
    // The sum of what every adjustment says that it moved.
    let moved = |adjustment: &StoredAdjustment| {
        adjustment.to.cost.unwrap_or_default() - adjustment.old_cost.unwrap_or_default()
    };
    CallSums {
        requests: 1,
        tokens: i64::try_from(tokens).unwrap_or(i64::MAX),
        unpriced_requests: i32::from(now.cost.is_none()),
        retries: i32::from(is_retry),
        cache_hits: i32::from(event.sent.is_cache_hit()),
        booked: event.booking.cost.unwrap_or_default(),
        adjusted: adjustments.iter().map(moved).sum(),
        retry_cost: if is_retry { now.cost.unwrap_or_default() } else { Decimal::ZERO },
        unpriced_upper_bound: now.upper_bound.unwrap_or_default(),
        avoided_cost: event.booking.avoided_cost.unwrap_or_default(),
    }
}

/// What was used at the provider, what the first receipt booked of each meter, and what the last one charges beside that.
fn meters(event: &StoredEvent, now: &Booking) -> BTreeMap<Meter, MeterSums> {
    let of = |booking: &Booking, meter| -> (usize, Decimal, Decimal) {
        let lines: Vec<_> = booking.lines.iter().filter(|line| line.meter == meter).collect();
        let most = lines.iter().map(|line| line.quantity).max().unwrap_or_default();
        (lines.len(), most, lines.iter().map(|line| line.amount).sum())
    };
    let used = event.meters.iter().map(|(meter, _)| meter);
    let all: BTreeSet<Meter> =
        used.chain([&event.booking, now].into_iter().flat_map(|b| b.lines.iter().map(|line| line.meter))).collect();
    let sums = |meter| {
        let used = event.meters.get(meter);
        let (charges, quantity, charged) = of(now, meter);
        let (_, _, booked) = of(&event.booking, meter);
        let is_there = !used.is_zero() || charges > 0;
        MeterSums {
            requests: i32::from(is_there),
            quantity: if used.is_zero() { quantity } else { used },
            booked,
            adjusted: charged - booked,
        }
    };
    all.into_iter().map(|meter| (meter, sums(meter))).collect()
}

fn quarter_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let micros = at.timestamp_micros();
    DateTime::from_timestamp_micros(micros - micros.rem_euclid(15 * 60 * 1_000_000)).unwrap_or(at)
}
