//! Sums of what is recorded or moved: summed in memory, so that one row per key is written however many events share it.

mod sql;

pub(crate) use sql::{
    COARSE_DAYS, COARSE_LABELS, COARSE_METERS, CallSums, Coarse, Columns, DAYS, DayKey, LABELS, LATENCIES, LabelKey,
    LabelSums, LatencyKey, LatencySums, METERS, MeterKey, MeterSums, QUARTERS, QuarterKey, Query, Rollup, Rows,
    STAGED_LABELS, STAGED_LATENCIES, STAGED_METERS, STAGED_TERMS, TERMS, TermKey, TermSums, renew, renew_all,
};

use sql::{Days, Newest};

use crate::Error;
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{OrgId, ProjectId};
use foldhash::HashMap;
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// Where and when something counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'a> {
    pub(crate) org_id: OrgId,
    pub(crate) project_id: ProjectId,
    pub(crate) at: DateTime<Utc>,
    /// The organization's day that holds it.
    pub(crate) day: NaiveDate,
    pub(crate) series_id: i64,
    pub(crate) labels: &'a [i64],
}

/// Projects and days whose sums moved.
pub(crate) type ChangedDays = BTreeSet<(OrgId, ProjectId, NaiveDate)>;

/// Rows that were added to the tables of sums.
struct WrittenSums {
    quarters: Rows<QuarterKey, CallSums>,
    days: Rows<DayKey, CallSums>,
    labels: Rows<LabelKey, LabelSums>,
    meters: Rows<MeterKey, MeterSums>,
    latencies: Rows<LatencyKey, LatencySums>,
    moved: ChangedDays,
}

/// Sums by key, of all tables.
#[derive(Default)]
pub(crate) struct RollupDelta {
    quarters: HashMap<QuarterKey, CallSums>,
    days: HashMap<DayKey, CallSums>,
    labels: HashMap<LabelKey, LabelSums>,
    meters: HashMap<MeterKey, MeterSums>,
    latencies: HashMap<LatencyKey, LatencySums>,
    terms: HashMap<TermKey, TermSums>,
    moved: ChangedDays,
    newest: Newest,
}

impl RollupDelta {
    /// Adds calls: to their series by quarter and day, and to each of their labels.
    pub(crate) fn add_calls(&mut self, slot: Slot<'_>, calls: CallSums) {
        let Slot { org_id, project_id, at, day, series_id, labels } = slot;
        *self.quarters.entry(QuarterKey { org_id: org_id.0, quarter: quarter_of(at), series_id }).or_default() += calls;
        *self.days.entry(DayKey { org_id: org_id.0, day, series_id }).or_default() += calls;
        for label_id in labels {
            let key = LabelKey { org_id: org_id.0, day, label_id: *label_id, series_id };
            *self.labels.entry(key).or_default() += LabelSums::from(calls);
        }
        self.moved.insert((org_id, project_id, day));
        let newest = self.newest.entry((org_id, project_id)).or_insert(at);
        *newest = at.max(*newest);
    }

    /// Adds to a meter.
    pub(crate) fn add_meter(&mut self, slot: Slot<'_>, meter: &'static str, sums: MeterSums) {
        let key = MeterKey { org_id: slot.org_id.0, day: slot.day, series_id: slot.series_id, meter };
        *self.meters.entry(key).or_default() += sums;
    }

    /// Adds to the calls that took about as long.
    pub(crate) fn add_latency(&mut self, slot: Slot<'_>, latency_class: i32, sums: LatencySums) {
        let key = LatencyKey { org_id: slot.org_id.0, day: slot.day, series_id: slot.series_id, latency_class };
        *self.latencies.entry(key).or_default() += sums;
    }

    /// Adds to what a term of the contract moved.
    pub(crate) fn add_term(&mut self, slot: Slot<'_>, meter: &'static str, term_id: i64, sums: TermSums) {
        let key = TermKey { org_id: slot.org_id.0, day: slot.day, series_id: slot.series_id, meter, term_id };
        *self.terms.entry(key).or_default() += sums;
    }

    /// Adds the sums of new events to all tables; what moved.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn add(self, connection: &mut PgConnection) -> Result<ChangedDays, Error> {
        let days = days_of(&self.moved);
        self.write(connection, &days).await
    }

    /// Adds the sums of new events and of what they take the place of, which was taken away here: rows that come to nothing go. Answers with what moved.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn replace(mut self, connection: &mut PgConnection) -> Result<ChangedDays, Error> {
        let terms = sorted(std::mem::take(&mut self.terms));
        let days = days_of(&self.moved);
        let written = self.write_sorted(connection, &Days::new()).await?;
        TERMS.add_and_prune(connection, &terms).await?;
        // These rows are locked already, so their order says nothing any more.
        QUARTERS.prune(connection, &written.quarters).await?;
        DAYS.prune(connection, &written.days).await?;
        COARSE_DAYS.prune(connection, &written.days).await?;
        LABELS.prune(connection, &written.labels).await?;
        COARSE_LABELS.prune(connection, &written.labels).await?;
        METERS.prune(connection, &written.meters).await?;
        COARSE_METERS.prune(connection, &written.meters).await?;
        LATENCIES.prune(connection, &written.latencies).await?;
        renew(connection, &days).await?;
        Ok(written.moved)
    }

    async fn write(self, connection: &mut PgConnection, renewed: &Days) -> Result<ChangedDays, Error> {
        Ok(self.write_sorted(connection, renewed).await?.moved)
    }

    async fn write_sorted(self, connection: &mut PgConnection, renewed: &Days) -> Result<WrittenSums, Error> {
        let rows = WrittenSums {
            quarters: sorted(self.quarters),
            days: sorted(self.days),
            labels: sorted(self.labels),
            meters: sorted(self.meters),
            latencies: sorted(self.latencies),
            moved: self.moved,
        };
        sql::add(connection, &rows, renewed, &self.newest).await?;
        Ok(rows)
    }

    /// Moves sums of events that are recorded: a receipt may charge a meter that no receipt of the day charged before, and such a row goes when that is taken back. Answers with what moved.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn adjust(mut self, connection: &mut PgConnection) -> Result<ChangedDays, Error> {
        let (meters, terms) = (sorted(std::mem::take(&mut self.meters)), sorted(std::mem::take(&mut self.terms)));
        // No event is new; and versions come last, after the rows below.
        self.newest = Newest::new();
        let moved = self.write(connection, &Days::new()).await?;
        METERS.add_and_prune(connection, &meters).await?;
        TERMS.add_and_prune(connection, &terms).await?;
        COARSE_METERS.add_and_prune(connection, &meters).await?;
        renew(connection, &days_of(&moved)).await?;
        Ok(moved)
    }
}

impl From<CallSums> for LabelSums {
    fn from(calls: CallSums) -> Self {
        Self {
            requests: calls.requests,
            tokens: calls.tokens,
            unpriced_requests: calls.unpriced_requests,
            booked: calls.booked,
            adjusted: calls.adjusted,
            unpriced_upper_bound: calls.unpriced_upper_bound,
            avoided_cost: calls.avoided_cost,
        }
    }
}

fn days_of(moved: &ChangedDays) -> Days {
    moved.iter().map(|(org_id, _, day)| (*org_id, *day)).collect()
}

fn sorted<K: Ord, V>(sums: HashMap<K, V>) -> Rows<K, V> {
    let mut rows: Rows<K, V> = sums.into_iter().collect();
    rows.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    rows
}

/// The start of the quarter of an hour (UTC) that holds an instant.
fn quarter_of(at: DateTime<Utc>) -> DateTime<Utc> {
    const QUARTER_SECS: i64 = 900;
    DateTime::from_timestamp(at.timestamp().div_euclid(QUARTER_SECS) * QUARTER_SECS, 0).unwrap_or(at)
}
