//! Sums a batch in memory, so that one row per key is written however many events share it.
//!
//! Keys are kept sorted: two servers then lock rows in the same order and never wait for each other in a circle.

use crate::events::ingest::NewEvent;
use crate::events::latency;
use chrono::{DateTime, NaiveDate, Utc};
use domain::event::{EventInput, Status};
use domain::ids::{KeyId, OrgId, ProjectId};
use domain::meter::{Meter, Meters};
use domain::period::Zone;
use foldhash::fast::RandomState;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Key of the coarse rollups; `slot` is a quarter of an hour or a day. Empty text means missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CoarseKey<'a, T> {
    pub(crate) org_id: OrgId,
    pub(crate) slot: T,
    pub(crate) project_id: ProjectId,
    pub(crate) provider: &'a str,
    pub(crate) model: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) feature: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) key_id: KeyId,
    pub(crate) status: &'static str,
}

/// Sums of the coarse rollups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CoarseSums {
    pub(crate) requests: i64,
    pub(crate) booked: Decimal,
    pub(crate) tokens: i64,
    pub(crate) tokens_input_uncached: i64,
    pub(crate) tokens_cache_read: i64,
    pub(crate) tokens_cache_write: i64,
    pub(crate) tokens_output: i64,
    pub(crate) unpriced_requests: i64,
    pub(crate) unpriced_upper_bound: Decimal,
    pub(crate) errors: i64,
    pub(crate) retries: i64,
    pub(crate) cache_hits: i64,
    pub(crate) avoided_cost: Decimal,
    pub(crate) latency_counts: Vec<i64>,
}

/// Key of the rollup of labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LabelKey<'a> {
    pub(crate) org_id: OrgId,
    pub(crate) day: NaiveDate,
    pub(crate) label: LabelName<'a>,
    pub(crate) value: &'a str,
    pub(crate) project_id: ProjectId,
    pub(crate) provider: &'a str,
    pub(crate) model: &'a str,
}

/// A label's name: one of ours or a tag's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LabelName<'a> {
    Own(&'static str),
    Tag(&'a str),
}

impl LabelName<'_> {
    /// As it is stored.
    pub(crate) fn stored(self) -> String {
        match self {
            Self::Own(name) => name.to_owned(),
            Self::Tag(key) => format!("tag.{key}"),
        }
    }
}

/// Sums of the rollup of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSums {
    pub(crate) requests: i64,
    pub(crate) booked: Decimal,
    pub(crate) tokens: i64,
    pub(crate) unpriced_requests: i64,
    pub(crate) unpriced_upper_bound: Decimal,
    pub(crate) errors: i64,
    pub(crate) avoided_cost: Decimal,
}

/// Key of the rollup of meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MeterKey<'a> {
    pub(crate) org_id: OrgId,
    pub(crate) day: NaiveDate,
    pub(crate) project_id: ProjectId,
    pub(crate) provider: &'a str,
    pub(crate) model: &'a str,
    pub(crate) meter: &'static str,
}

/// Sums of the rollup of meters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MeterSums {
    pub(crate) requests: i64,
    pub(crate) quantity: Decimal,
    pub(crate) booked: Decimal,
}

/// All sums of a batch, sorted by key.
#[derive(Debug, Default)]
pub(crate) struct Rollups<'a> {
    pub(crate) quarters: Vec<(CoarseKey<'a, DateTime<Utc>>, CoarseSums)>,
    pub(crate) days: Vec<(CoarseKey<'a, NaiveDate>, CoarseSums)>,
    pub(crate) labels: Vec<(LabelKey<'a>, LabelSums)>,
    pub(crate) meters: Vec<(MeterKey<'a>, MeterSums)>,
    /// Projects and days that moved.
    pub(crate) moved: BTreeSet<(OrgId, ProjectId, NaiveDate)>,
}

/// Sums events. Days are those of each organization's zone.
pub(crate) fn sum<'a>(events: impl IntoIterator<Item = &'a NewEvent>, zones: &HashMap<OrgId, Zone>) -> Rollups<'a> {
    let mut summing = Summing::default();
    for event in events {
        let zone = zones.get(&event.org_id).copied().unwrap_or(Zone::UTC);
        summing.add(event, zone.day_of(event.timestamp));
    }
    Rollups {
        quarters: sorted(summing.quarters),
        days: sorted(summing.days),
        labels: sorted(summing.labels),
        meters: sorted(summing.meters),
        moved: summing.moved,
    }
}

fn sorted<K: Ord, V>(sums: HashMap<K, V, RandomState>) -> Vec<(K, V)> {
    let mut rows: Vec<(K, V)> = sums.into_iter().collect();
    rows.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    rows
}

#[derive(Default)]
struct Summing<'a> {
    quarters: HashMap<CoarseKey<'a, DateTime<Utc>>, CoarseSums, RandomState>,
    days: HashMap<CoarseKey<'a, NaiveDate>, CoarseSums, RandomState>,
    labels: HashMap<LabelKey<'a>, LabelSums, RandomState>,
    meters: HashMap<MeterKey<'a>, MeterSums, RandomState>,
    moved: BTreeSet<(OrgId, ProjectId, NaiveDate)>,
}

impl<'a> Summing<'a> {
    fn add(&mut self, event: &'a NewEvent, day: NaiveDate) {
        let one = One::of(event);
        one.add_to(self.quarters.entry(coarse(event, quarter_of(event.timestamp))).or_default());
        one.add_to(self.days.entry(coarse(event, day)).or_default());
        for (label, value) in labels(&event.sent) {
            let key = LabelKey {
                org_id: event.org_id,
                day,
                label,
                value,
                project_id: event.project_id,
                provider: &event.sent.provider,
                model: &event.sent.model,
            };
            one.add_to_label(self.labels.entry(key).or_default());
        }
        self.add_meters(event, day);
        self.moved.insert((event.org_id, event.project_id, day));
    }

    /// What was used at the provider, priced or not; an answer from the sender's own cache used nothing.
    fn add_meters(&mut self, event: &'a NewEvent, day: NaiveDate) {
        if event.sent.response_cache_hit == Some(true) {
            return;
        }
        let mut used: BTreeMap<&'static str, (Decimal, Decimal)> = BTreeMap::new();
        for (meter, quantity) in event.meters.iter() {
            used.entry(meter.as_str()).or_default().0 = quantity;
        }
        for line in &event.booking.lines {
            let (quantity, booked) = used.entry(line.meter.as_str()).or_default();
            // A price per request is charged although usage does not count requests. A modifier's line uses nothing more.
            if line.is_price() && event.meters.get(line.meter).is_zero() {
                *quantity += line.quantity;
            }
            *booked += line.amount;
        }
        for (meter, (quantity, booked)) in used {
            let key = MeterKey {
                org_id: event.org_id,
                day,
                project_id: event.project_id,
                provider: &event.sent.provider,
                model: &event.sent.model,
                meter,
            };
            let sums = self.meters.entry(key).or_default();
            sums.requests += 1;
            sums.quantity += quantity;
            sums.booked += booked;
        }
    }
}

/// The start of the quarter of an hour (UTC) that holds an instant.
pub(crate) fn quarter_of(at: DateTime<Utc>) -> DateTime<Utc> {
    const QUARTER_SECS: i64 = 900;
    DateTime::from_timestamp(at.timestamp().div_euclid(QUARTER_SECS) * QUARTER_SECS, 0).unwrap_or(at)
}

fn coarse<T>(event: &NewEvent, slot: T) -> CoarseKey<'_, T> {
    CoarseKey {
        org_id: event.org_id,
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

/// The labels that an event carries.
pub(crate) fn labels(sent: &EventInput) -> impl Iterator<Item = (LabelName<'_>, &str)> {
    let own = [("customer", &sent.customer), ("user", &sent.user), ("cohort", &sent.cohort), ("step", &sent.step)];
    let own = own.into_iter().filter_map(|(name, value)| Some((LabelName::Own(name), value.as_deref()?)));
    own.chain(sent.tags.iter().map(|(key, value)| (LabelName::Tag(key), value.as_str())))
}

/// Tokens of one event by what was done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenKinds {
    pub(crate) all: i64,
    pub(crate) input_uncached: i64,
    pub(crate) cache_read: i64,
    pub(crate) cache_write: i64,
    pub(crate) output: i64,
}

impl TokenKinds {
    /// Splits the token meters.
    pub(crate) fn of(meters: &Meters) -> Self {
        let mut kinds = Self::default();
        for (meter, quantity) in meters.iter().filter(|(meter, _)| meter.is_token()) {
            let tokens = quantity.to_i64().unwrap_or(i64::MAX);
            kinds.all = kinds.all.saturating_add(tokens);
            let kind = match TokenKind::of(meter) {
                TokenKind::InputUncached => &mut kinds.input_uncached,
                TokenKind::CacheRead => &mut kinds.cache_read,
                TokenKind::CacheWrite => &mut kinds.cache_write,
                TokenKind::Output => &mut kinds.output,
            };
            *kind = kind.saturating_add(tokens);
        }
        kinds
    }
}

/// What was done with tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    InputUncached,
    CacheRead,
    CacheWrite,
    Output,
}

impl TokenKind {
    /// The kind of a token meter.
    pub(crate) const fn of(meter: Meter) -> Self {
        match meter {
            Meter::InputCacheRead
            | Meter::InputAudioCacheRead
            | Meter::InputImageCacheRead
            | Meter::InputVideoCacheRead => Self::CacheRead,
            Meter::InputCacheWrite
            | Meter::InputCacheWrite5m
            | Meter::InputCacheWrite30m
            | Meter::InputCacheWrite1h
            | Meter::InputCacheWrite12h => Self::CacheWrite,
            meter if meter.is_input_token() => Self::InputUncached,
            _ => Self::Output,
        }
    }
}

/// What one event adds everywhere.
struct One<'a> {
    event: &'a NewEvent,
    tokens: TokenKinds,
    booked: Decimal,
    upper_bound: Decimal,
    avoided: Decimal,
    unpriced: i64,
    error: i64,
}

impl<'a> One<'a> {
    fn of(event: &'a NewEvent) -> Self {
        let booking = &event.booking;
        Self {
            event,
            tokens: TokenKinds::of(&event.meters),
            booked: booking.cost.unwrap_or_default(),
            upper_bound: booking.upper_bound.unwrap_or_default(),
            avoided: booking.avoided_cost.unwrap_or_default(),
            unpriced: i64::from(booking.cost.is_none()),
            error: i64::from(event.status != Status::Success),
        }
    }

    fn add_to(&self, sums: &mut CoarseSums) {
        sums.requests += 1;
        sums.booked += self.booked;
        sums.tokens += self.tokens.all;
        sums.tokens_input_uncached += self.tokens.input_uncached;
        sums.tokens_cache_read += self.tokens.cache_read;
        sums.tokens_cache_write += self.tokens.cache_write;
        sums.tokens_output += self.tokens.output;
        sums.unpriced_requests += self.unpriced;
        sums.unpriced_upper_bound += self.upper_bound;
        sums.errors += self.error;
        sums.retries += i64::from(self.event.sent.attempt.is_some_and(|attempt| attempt > 1));
        sums.cache_hits += i64::from(self.event.sent.response_cache_hit == Some(true));
        sums.avoided_cost += self.avoided;
        if let Some(latency_ms) = self.event.sent.latency_ms {
            latency::count(&mut sums.latency_counts, latency_ms);
        }
    }

    fn add_to_label(&self, sums: &mut LabelSums) {
        sums.requests += 1;
        sums.booked += self.booked;
        sums.tokens += self.tokens.all;
        sums.unpriced_requests += self.unpriced;
        sums.unpriced_upper_bound += self.upper_bound;
        sums.errors += self.error;
        sums.avoided_cost += self.avoided;
    }
}
