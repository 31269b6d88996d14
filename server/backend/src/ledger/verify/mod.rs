//! Rollups against events: recomputed by other means to find differences, and rebuilt where days have moved.

mod sql;

use super::commit::lock_organization;
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::meter::Meter;
use domain::period::{Period, Zone};
use domain::problem::Problem;
use sqlx::PgConnection;

/// Most differences that are reported per table.
pub const MAX_DIFFERENCES: i64 = 100;

/// A row that is stored but does not follow from the events, or follows and is not stored as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The rollup; `events` where an event counts under dimensions that it was not sent with, which cannot be repaired.
    pub table: &'static str,
    /// Whether this row is stored (and should not be so) or is what should be stored.
    pub stored: bool,
    /// The row as JSON.
    pub row: String,
}

/// Days with the instants where they begin and end.
struct Days {
    days: Vec<NaiveDate>,
    begins: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
}

impl Days {
    fn of(zone: Zone, period: Period) -> Self {
        let days: Vec<NaiveDate> = period.iter().collect();
        let begins = days.iter().map(|day| zone.start_of(*day)).collect();
        let ends = days.iter().map(|day| zone.start_of(day.succ_opt().unwrap_or(*day))).collect();
        Self { days, begins, ends }
    }

    /// Those from `first` on.
    fn since(self, first: Option<NaiveDate>) -> Self {
        let before = self.days.partition_point(|day| first.is_some_and(|first| *day < first));
        let rest = |all: Vec<DateTime<Utc>>| all[before..].to_vec();
        Self { days: self.days[before..].to_vec(), begins: rest(self.begins), ends: rest(self.ends) }
    }
}

/// Words of token meters, for SQL.
fn token_meters() -> Vec<&'static str> {
    Meter::ALL.iter().filter(|meter| meter.is_token()).map(|meter| meter.as_str()).collect()
}

/// Recomputes every rollup of some days from the events, in SQL, and reports what differs from what is stored: nothing, if all is well.
///
/// Everything is read in one snapshot, so that what is recorded meanwhile makes no difference.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who do not see the whole organization; [`Error::Database`].
pub async fn verify(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<Difference>, Error> {
    require_all(scope)?;
    let days = Days::of(scope.zone(), period);
    let mut snapshot = sql::snapshot(&backend.pool).await?;
    let found = differences(&mut snapshot, scope, &days).await?;
    snapshot.rollback().await?;
    Ok(found)
}

/// Puts every rollup of some days as it follows from the events, adjustments kept; what differed before.
///
/// While it works, the organization's senders are told to come back.
///
/// # Errors
/// As [`verify`].
pub async fn repair(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<Difference>, Error> {
    require_all(scope)?;
    let days = Days::of(scope.zone(), period);
    let mut transaction = backend.pool.begin().await?;
    lock_organization(&mut transaction, scope).await?;
    let found = differences(&mut transaction, scope, &days).await?;
    if !found.is_empty() {
        for rollup in sql::Recomputed::all() {
            rollup.repair(&mut transaction, scope, &days).await?;
        }
    }
    transaction.commit().await?;
    Ok(found)
}

/// The days of the organization in which anything is recorded, as far as all of their events are still kept; none before the first event.
///
/// Retention takes whole months in UTC, so the local day in which the first kept month begins may have lost a part of its events.
///
/// # Errors
/// [`Error::Database`].
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
    if scope.visible_projects().is_none() {
        return Ok(());
    }
    Err(Problem::Forbidden { detail: "Only the whole organization can be verified.".to_owned() }.into())
}

async fn differences(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<Vec<Difference>, Error> {
    let mut found = sql::misplaced(connection, scope, days).await?;
    for rollup in sql::Recomputed::all() {
        found.extend(rollup.differing(connection, scope, days).await?);
    }
    Ok(found)
}

/// Rebuilds everything that is kept by day, for a new zone.
///
/// To be called in the transaction that changes the organization's zone: until that ends, its senders are told to come back.
/// Quarters of an hour do not change: every zone's offset is a multiple of 15 minutes.
///
/// # Errors
/// [`Error::Database`].
pub async fn rebuild_days(connection: &mut PgConnection, scope: &OrgScope, zone: Zone) -> Result<(), Error> {
    lock_organization(connection, scope).await?;
    let Some((first, last)) = sql::first_and_last(connection, scope).await? else { return Ok(()) };
    let mut to = zone.day_of(last);
    to = to.succ_opt().unwrap_or(to);
    let days = Days::of(zone, Period { from: zone.day_of(first), to });
    sql::rebuild_days(connection, scope, &days).await?;
    // Labels, meters and terms follow from events alone: where those have left by retention, the days of the old zone stay.
    let days = days.since(sql::events_from(connection, scope).await?);
    for rollup in sql::Recomputed::of_events() {
        rollup.rebuild(connection, scope, &days).await?;
    }
    Ok(())
}
