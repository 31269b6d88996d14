//! Days of another time zone: summed beside those that count, in bounded steps, and put in their place in one transaction.
//!
//! Whatever moves a day's sums gives the day another version, in the same transaction. So a day of the new zone is still right
//! if the days of the old one that it touches have the versions that they had when it was summed; where not, it is summed again
//! under the lock that keeps everybody out. Quarters of an hour do not change: every zone's offset is a multiple of 15 minutes.

mod sql;

use super::commit::lock_organization;
use super::rollup::{
    LABELS, LATENCIES, METERS, STAGED_LABELS, STAGED_LATENCIES, STAGED_METERS, STAGED_TERMS, TERMS, renew_all,
};
use super::verify::{Day, Found, Recomputed, days_of, events_from, rebuild_coarse, recompute, recompute_page};
use crate::{Error, OrgScope};
use chrono::{Duration, NaiveDate};
use domain::ids::EventKey;
use domain::period::{Period, Zone};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// How many days are summed beside those that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Staged {
    pub(crate) done: usize,
    pub(crate) days: usize,
}

impl Staged {
    /// Whether [`rebuild_days`] has little to do itself.
    pub(crate) const fn is_complete(self) -> bool {
        self.done >= self.days
    }
}

/// A day that was summed, or is being summed, for the new zone.
struct StagedDay {
    /// The versions of the old zone's days when it was begun.
    versions: Vec<i64>,
    /// The last event that is in its sums.
    last: Option<EventKey>,
    is_complete: bool,
}

/// Sums the next events by days of `zone`, in the caller's transaction; the scope has the zone that counts.
///
/// # Errors
/// [`Error::Inconsistent`] where an event cannot be read; [`Error::Database`].
pub(crate) async fn stage_days(connection: &mut PgConnection, scope: &OrgScope, zone: Zone) -> Result<Staged, Error> {
    let days = days(connection, scope, zone).await?;
    let days = with_events(connection, scope, &days).await?;
    let staged = sql::staged(connection, scope).await?;
    let is_complete = |day: &&Day| staged.get(&day.day).is_some_and(|staged| staged.is_complete);
    let done = days.iter().filter(is_complete).count();
    let Some(day) = days.iter().find(|day| !is_complete(day)).copied() else {
        return Ok(Staged { done, days: days.len() });
    };
    let after = match staged.get(&day.day) {
        Some(begun) => begun.last,
        None => {
            // Before its events are read: what comes meanwhile makes the versions differ.
            let versions = touched(scope.zone(), day, &sql::versions(connection, scope).await?);
            sql::begin(connection, scope, day.day, &versions).await?;
            None
        }
    };
    let mut page = Recomputed::default();
    let read = recompute_page(connection, scope, day, after, &mut page, &mut Found::default()).await?;
    page.unread.map_or(Ok(()), Err)?;
    STAGED_LABELS.add(connection, &page.sums.labels.into_iter().collect()).await?;
    STAGED_METERS.add(connection, &page.sums.meters.into_iter().collect()).await?;
    STAGED_LATENCIES.add(connection, &page.sums.latencies.into_iter().collect()).await?;
    STAGED_TERMS.add(connection, &page.sums.terms.into_iter().collect()).await?;
    sql::advance(connection, scope, day.day, read.last, read.is_last).await?;
    Ok(Staged { done: done + usize::from(read.is_last), days: days.len() })
}

/// Puts days of `zone` in the place of those that count: what was staged and is still right, and the rest summed now.
///
/// To be called in the transaction that changes the organization's zone: until that ends, its senders are told to come back.
///
/// # Errors
/// [`Error::Inconsistent`] where an event cannot be read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn rebuild_days(connection: &mut PgConnection, scope: &OrgScope, zone: Zone) -> Result<(), Error> {
    lock_organization(connection, scope).await?;
    let days = days(connection, scope, zone).await?;
    if !days.is_empty() {
        sql::rebuild_days(connection, scope, &days).await?;
        rebuild_from_events(connection, scope, &days).await?;
        rebuild_coarse(connection, scope, None).await?;
        renew_all(connection, scope).await?;
    }
    unstage_days(connection, scope).await
}

/// Throws away what [`stage_days`] summed.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn unstage_days(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    sql::unstage(connection, scope).await
}

/// Labels, meters, latencies and terms follow from events alone: where those have left by retention, the days of the old zone stay.
async fn rebuild_from_events(connection: &mut PgConnection, scope: &OrgScope, days: &[Day]) -> Result<(), Error> {
    let since = events_from(connection, scope).await?;
    sql::delete_since(connection, scope, &LABELS, since).await?;
    sql::delete_since(connection, scope, &METERS, since).await?;
    sql::delete_since(connection, scope, &LATENCIES, since).await?;
    sql::delete_since(connection, scope, &TERMS, since).await?;
    let versions = sql::versions(connection, scope).await?;
    let staged = sql::staged(connection, scope).await?;
    let is_right = |day: &Day| {
        let staged = staged.get(&day.day).filter(|staged| staged.is_complete);
        staged.is_some_and(|staged| staged.versions == touched(scope.zone(), *day, &versions))
    };
    let days = with_events(connection, scope, days).await?;
    let (right, moved): (Vec<Day>, Vec<Day>) = days.into_iter().partition(is_right);
    let right: Vec<NaiveDate> = right.into_iter().map(|day| day.day).collect();
    sql::take_over(connection, scope, &STAGED_LABELS, &LABELS, &right).await?;
    sql::take_over(connection, scope, &STAGED_METERS, &METERS, &right).await?;
    sql::take_over(connection, scope, &STAGED_LATENCIES, &LATENCIES, &right).await?;
    sql::take_over(connection, scope, &STAGED_TERMS, &TERMS, &right).await?;
    for day in moved {
        let Recomputed { sums, unread } = recompute(connection, scope, day, &mut Found::default()).await?;
        unread.map_or(Ok(()), Err)?;
        LABELS.add(connection, &sums.labels.into_iter().collect()).await?;
        METERS.add(connection, &sums.meters.into_iter().collect()).await?;
        LATENCIES.add(connection, &sums.latencies.into_iter().collect()).await?;
        TERMS.add(connection, &sums.terms.into_iter().collect()).await?;
    }
    Ok(())
}

/// The days of a zone from the first quarter of an hour that has anything in it to the last.
async fn days(connection: &mut PgConnection, scope: &OrgScope, zone: Zone) -> Result<Vec<Day>, Error> {
    let Some((first, last)) = sql::first_and_last(connection, scope).await? else { return Ok(Vec::new()) };
    let to = zone.day_of(last);
    Ok(days_of(zone, Period { from: zone.day_of(first), to: to.succ_opt().unwrap_or(to) }))
}

/// Those whose events are still kept.
async fn with_events(connection: &mut PgConnection, scope: &OrgScope, days: &[Day]) -> Result<Vec<Day>, Error> {
    let since = events_from(connection, scope).await?;
    Ok(days.iter().filter(|day| since.is_none_or(|since| day.day >= since)).copied().collect())
}

/// The versions of the old zone's days in which a day of the new one lies.
fn touched(old: Zone, day: Day, versions: &BTreeMap<NaiveDate, i64>) -> Vec<i64> {
    let (first, last) = (old.day_of(day.begins), old.day_of(day.ends - Duration::microseconds(1)));
    // A day that nothing was recorded on has no version; one more would be another list.
    versions.range(first..=last).map(|(_, version)| *version).collect()
}
