//! Rollups against events and events against what was sent: recomputed by other means to find differences.

mod check;
mod recompute;
mod sql;

pub(super) use sql::events_from;

use super::adjust;
use super::commit::lock_organization;
use super::rollup::{
    COARSE_DAYS, COARSE_LABELS, COARSE_METERS, Coarse, Columns, DAYS, LABELS, LATENCIES, METERS, QUARTERS, Rollup,
    TERMS, renew,
};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::ids::EventKey;
use domain::period::{Period, Zone};
use domain::problem::Problem;
use recompute::Sums;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};

/// Most differences that are reported per table.
pub const MAX_DIFFERENCES: usize = 100;

/// A row that is stored but does not follow from the events, or follows and is not stored as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The rollup; `events` where an event is not what it says, which cannot be repaired.
    pub table: &'static str,
    /// Whether this row is stored (and should not be so) or is what should be stored.
    pub stored: bool,
    /// The row as JSON.
    pub row: String,
}

/// Events that are read at once.
const PAGE: i64 = 2_000;

/// A day with the instants where it begins and ends.
#[derive(Clone, Copy)]
pub(super) struct Day {
    pub(super) day: NaiveDate,
    pub(super) begins: DateTime<Utc>,
    pub(super) ends: DateTime<Utc>,
}

pub(super) fn days_of(zone: Zone, period: Period) -> Vec<Day> {
    let next = |day: NaiveDate| day.succ_opt().unwrap_or(day);
    let day = |day: NaiveDate| Day { day, begins: zone.start_of(day), ends: zone.start_of(next(day)) };
    period.iter().map(day).collect()
}

/// Reads every event of some days and recomputes its receipt and every rollup, and reports what differs from what is stored: nothing, if all is well.
///
/// Everything is read in one snapshot, so that what is recorded meanwhile makes no difference.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who do not see the whole organization; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn verify(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<Difference>, Error> {
    require_all(scope)?;
    let mut snapshot = sql::snapshot(&backend.pool).await?;
    let mut found = Found::default();
    for day in days_of(scope.zone(), period) {
        let Recomputed { sums, .. } = recompute(&mut snapshot, scope, day, &mut found).await?;
        compare(&mut snapshot, scope, day, &sums, &mut found).await?;
    }
    snapshot.rollback().await?;
    Ok(found.differences)
}

/// Puts every rollup of some days as it follows from the events, adjustments kept; what differed before. An event that is not what it says stays as it is, and a day with one that cannot be read keeps its sums.
///
/// While it works, the organization's senders are told to come back.
///
/// # Errors
/// As [`verify`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn repair(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<Difference>, Error> {
    require_all(scope)?;
    let mut transaction = backend.pool.begin().await?;
    lock_organization(&mut transaction, scope).await?;
    let mut found = Found::default();
    for day in days_of(scope.zone(), period) {
        let Recomputed { sums, unread } = recompute(&mut transaction, scope, day, &mut found).await?;
        let differs = compare(&mut transaction, scope, day, &sums, &mut found).await?;
        if differs && unread.is_none() {
            sql::replace(&mut transaction, scope, &QUARTERS, day, sums.quarters).await?;
            sql::replace(&mut transaction, scope, &DAYS, day, sums.days).await?;
            sql::replace(&mut transaction, scope, &LABELS, day, sums.labels).await?;
            sql::replace(&mut transaction, scope, &METERS, day, sums.meters).await?;
            sql::replace(&mut transaction, scope, &LATENCIES, day, sums.latencies).await?;
            sql::replace(&mut transaction, scope, &TERMS, day, sums.terms).await?;
            rebuild_coarse(&mut transaction, scope, Some(day.day)).await?;
            renew(&mut transaction, &[(scope.org_id(), day.day)].into()).await?;
        }
    }
    transaction.commit().await?;
    Ok(found.differences)
}

/// Differences, at most so many of each table as are reported.
#[derive(Default)]
pub(super) struct Found {
    differences: Vec<Difference>,
    counts: HashMap<&'static str, usize>,
}

impl Found {
    fn push(&mut self, table: &'static str, stored: bool, row: impl FnOnce() -> String) {
        let count = self.counts.entry(table).or_default();
        *count += 1;
        if *count <= MAX_DIFFERENCES {
            self.differences.push(Difference { table, stored, row: row() });
        }
    }
}

/// What the events of a day come to.
#[derive(Default)]
pub(super) struct Recomputed {
    pub(super) sums: Sums,
    /// Why an event could not be read, if one could not: then the sums lack it.
    pub(super) unread: Option<Error>,
}

/// What the events of a day come to; events that are not what they say are told.
pub(super) async fn recompute(
    connection: &mut PgConnection,
    scope: &OrgScope,
    day: Day,
    found: &mut Found,
) -> Result<Recomputed, Error> {
    let mut recomputed = Recomputed::default();
    let mut after = None;
    loop {
        let read = recompute_page(connection, scope, day, after, &mut recomputed, found).await?;
        after = read.last;
        if read.is_last {
            return Ok(Recomputed { sums: recomputed.sums.close(), ..recomputed });
        }
    }
}

/// How far the events of a day were read.
pub(super) struct Read {
    pub(super) last: Option<EventKey>,
    /// Whether no more follow.
    pub(super) is_last: bool,
}

/// Adds the next events of a day, at most so many as are read at once.
pub(super) async fn recompute_page(
    connection: &mut PgConnection,
    scope: &OrgScope,
    day: Day,
    after: Option<EventKey>,
    recomputed: &mut Recomputed,
    found: &mut Found,
) -> Result<Read, Error> {
    let page = sql::page(connection, scope, day, after).await?;
    let adjustments = adjust::adjustments(connection, scope, &page.events).await?;
    let mut adjustments = adjustments.as_slice();
    for event in &page.events {
        // Both stand in the order of their keys.
        let own = adjustments.partition_point(|adjustment| adjustment.event_key <= event.event_key);
        let (own, others) = adjustments.split_at(own);
        adjustments = others;
        if let Some(wrong) = check::wrong(event, own, &page.named, &page.contents) {
            found.push("events", true, || told(event.event_key, wrong));
        }
        recomputed.sums.add(scope.org_id().0, day.day, event, own);
    }
    for (event_key, error) in page.unread {
        found.push("events", true, || told(event_key, &error.to_string()));
        recomputed.unread = Some(error);
    }
    Ok(Read { last: page.last, is_last: page.is_last })
}

fn told(event_key: EventKey, wrong: &str) -> String {
    serde_json::json!({"event_key": event_key, "wrong": wrong}).to_string()
}

/// What is computed of a day and not stored, and what is stored and not computed; whether there is any.
async fn compare(
    connection: &mut PgConnection,
    scope: &OrgScope,
    day: Day,
    computed: &Sums,
    found: &mut Found,
) -> Result<bool, Error> {
    Ok(differing(&QUARTERS, &computed.quarters, &sql::rows(connection, scope, &QUARTERS, day).await?, found)
        | differing(&DAYS, &computed.days, &sql::rows(connection, scope, &DAYS, day).await?, found)
        | differing(&LABELS, &computed.labels, &sql::rows(connection, scope, &LABELS, day).await?, found)
        | differing(&METERS, &computed.meters, &sql::rows(connection, scope, &METERS, day).await?, found)
        | differing(&LATENCIES, &computed.latencies, &sql::rows(connection, scope, &LATENCIES, day).await?, found)
        | differing(&TERMS, &computed.terms, &sql::rows(connection, scope, &TERMS, day).await?, found)
        | coarse(connection, scope, &COARSE_DAYS, day, found).await?
        | coarse(connection, scope, &COARSE_LABELS, day, found).await?
        | coarse(connection, scope, &COARSE_METERS, day, found).await?)
}

/// Puts what follows from the finer sums in place of the coarser ones of a day, or of all.
pub(super) async fn rebuild_coarse(
    connection: &mut PgConnection,
    scope: &OrgScope,
    day: Option<NaiveDate>,
) -> Result<(), Error> {
    sql::rebuild_coarse(connection, scope, &COARSE_DAYS, day).await?;
    sql::rebuild_coarse(connection, scope, &COARSE_LABELS, day).await?;
    sql::rebuild_coarse(connection, scope, &COARSE_METERS, day).await
}

/// Coarser sums have to follow from the finer ones, which are compared with the events.
async fn coarse<K: Columns, S: Columns>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    coarse: &Coarse<K, S>,
    day: Day,
    found: &mut Found,
) -> Result<bool, Error> {
    let wrong = sql::coarse_differences(connection, scope, coarse, day.day).await?;
    let any = !wrong.is_empty();
    wrong.into_iter().for_each(|(is_stored, row)| found.push(coarse.table, is_stored, || row));
    Ok(any)
}

fn differing<K: Columns + Ord, S: Columns + PartialEq>(
    rollup: &Rollup<K, S>,
    computed: &BTreeMap<K, S>,
    stored: &BTreeMap<K, S>,
    found: &mut Found,
) -> bool {
    let mut any = false;
    for (these, those, is_stored) in [(computed, stored, false), (stored, computed, true)] {
        for (key, sums) in these.iter().filter(|(key, sums)| those.get(key) != Some(sums)) {
            found.push(rollup.table, is_stored, || Rollup::show(key, sums));
            any = true;
        }
    }
    any
}

/// The days of the organization in which anything is recorded, as far as all of their events are still kept; none before the first event.
///
/// Retention takes whole months in UTC, so the local day in which the first kept month begins may have lost a part of its events.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn recorded_days(backend: &Backend, scope: &OrgScope) -> Result<Option<Period>, Error> {
    let mut connection = backend.pool.acquire().await?;
    let Some((first, last)) = sql::first_and_last_of_all(&mut connection, scope).await? else { return Ok(None) };
    let zone = scope.zone();
    let (mut from, to) = (zone.day_of(first), zone.day_of(last));
    let kept = first_kept(&mut connection, scope).await?;
    if kept.is_some_and(|kept| zone.start_of(from) < kept) {
        from = from.succ_opt().unwrap_or(from);
    }
    Ok(Some(Period { from, to: to.succ_opt().unwrap_or(to) }))
}

/// The instant from which on all events are still kept; none means that none have left yet.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn kept_from(backend: &Backend, scope: &OrgScope) -> Result<Option<DateTime<Utc>>, Error> {
    let mut connection = backend.pool.acquire().await?;
    first_kept(&mut connection, scope).await
}

/// Retention takes whole months in UTC.
async fn first_kept(connection: &mut PgConnection, scope: &OrgScope) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(sql::events_from(connection, scope).await?.map(|month| month.and_time(NaiveTime::MIN).and_utc()))
}

fn require_all(scope: &OrgScope) -> Result<(), Error> {
    if scope.sees_all() {
        return Ok(());
    }
    Err(Problem::Forbidden { detail: "Only the whole organization can be verified.".to_owned() }.into())
}
