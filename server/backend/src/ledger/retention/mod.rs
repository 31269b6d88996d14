//! Retention: how long an organization keeps its events, what bounds its rejected list, and for how long traces are remembered. Rollups stay, so no total changes.
//!
//! Events leave by whole months (UTC), with the ids that made them idempotent; what is older than the limit is not taken any more, so that nothing forgotten can be counted twice.

mod sql;

use super::commit::{lock_organization, month_of, next_month};
use super::{rejected, running, traces};
use crate::locks::{self, Lock};
use crate::{Backend, Error, OrgScope, audit, identity};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::event::MIN_RETENTION_DAYS;
use domain::identity::Permission;
use domain::ids::OrgId;
use domain::problem::Problem;
use tokio_util::sync::CancellationToken;

/// Between two looks at what has become too old.
const EVERY: std::time::Duration = std::time::Duration::from_secs(3_600);
/// Events deleted in one transaction.
const AT_ONCE: i64 = 20_000;
/// Longest retention that can be set; for longer there is "for ever".
const MAX_DAYS: u32 = 3_653;

/// What [`enforce`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enforced {
    /// Events deleted.
    pub events: u64,
    /// Partitions dropped.
    pub partitions: u32,
    /// Entries of rejected lists deleted.
    pub rejected: u64,
    /// Traces forgotten.
    pub traces: u64,
}

/// For how many days the organization keeps its events; none means for ever.
///
/// # Errors
/// [`Problem::Forbidden`] without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn retention(backend: &Backend, scope: &OrgScope) -> Result<Option<u32>, Error> {
    scope.require(Permission::Read)?;
    sql::retention_days(&mut *backend.pool.acquire().await?, scope).await
}

/// Keeps events for so many days from now on; none means for ever. What was deleted does not come back.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `days`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn set_retention(backend: &Backend, scope: &OrgScope, days: Option<u32>) -> Result<(), Error> {
    scope.require(Permission::ManageOrganization)?;
    if days.is_some_and(|days| !(MIN_RETENTION_DAYS..=MAX_DAYS).contains(&days)) {
        let detail =
            format!("Keep events for {MIN_RETENTION_DAYS} to {MAX_DAYS} days, or leave it empty to keep them.");
        return Err(Problem::field("days", "out_of_range", detail).into());
    }
    let mut transaction = backend.pool.begin().await?;
    // No committer is in the organization while its limit changes.
    lock_organization(&mut transaction, scope).await?;
    if sql::retention_days(&mut transaction, scope).await? != days {
        sql::set_retention_days(&mut transaction, scope, days).await?;
        let words = days.map_or_else(|| "for ever".to_owned(), |days| format!("for {days} days"));
        let detail = format!("Keeps events {words} from now on.");
        audit::record(backend, scope, &mut transaction, "organization.retention_changed", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Deletes what has become too old, now and every hour until `stop`. Any number of servers may run it.
///
/// # Errors
/// [`Error::Database`]: start it again after a while.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_worker(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    while !stop.is_cancelled() {
        let done = enforce(backend, stop).await?;
        if done != Enforced::default() {
            let Enforced { events, partitions, rejected, traces } = done;
            tracing::info!(events, partitions, rejected, traces, "events left by retention");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    Ok(())
}

/// Deletes whole months that are too old for their organization and what bounds rejected lists, unless another server is at it, and drops partitions that nobody needs.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn enforce(backend: &Backend, stop: &CancellationToken) -> Result<Enforced, Error> {
    let mut done = Enforced::default();
    let mut lock = backend.pool.begin().await?;
    if !locks::try_hold(&mut lock, Lock::Retention.of_all()).await? {
        return Ok(done);
    }
    done.rejected = rejected::enforce(backend, stop).await?;
    done.traces = traces::forget(backend, stop).await?;
    let now = backend.clock.now();
    running::forget_before(&backend.pool, now - Duration::days(running::SILENT_DAYS)).await?;
    for (org_id, days) in sql::limited(&backend.pool).await? {
        if stop.is_cancelled() {
            return Ok(done);
        }
        match forget(backend, org_id, now - Duration::days(days.into()), stop).await {
            Ok(events) => done.events += events,
            // One organization that cannot be looked after must not keep the events of all others.
            Err(error) => tracing::error!(%org_id, %error, "events of an organization were not left by retention"),
        }
    }
    for month in sql::months(&backend.pool).await? {
        if month < month_of(now) && sql::drop_if_empty(&backend.pool, month).await? {
            done.partitions += 1;
        }
    }
    lock.rollback().await?;
    Ok(done)
}

/// Deletes one organization's whole months before `limit`.
async fn forget(
    backend: &Backend,
    org_id: OrgId,
    limit: DateTime<Utc>,
    stop: &CancellationToken,
) -> Result<u64, Error> {
    let Some(scope) = identity::system_scope_if_there(backend, org_id).await? else { return Ok(0) };
    rejected::forget_before(backend, &scope, limit).await?;
    let kept = month_of(limit);
    let mut deleted = 0;
    while let Some(month) = sql::oldest_month(&backend.pool, &scope, kept).await? {
        close_before(backend, &scope, next_month(month)).await?;
        loop {
            let events = sql::delete_events(&backend.pool, &scope, month, next_month(month), AT_ONCE).await?;
            deleted += events;
            if events == 0 {
                break;
            }
            if stop.is_cancelled() {
                return Ok(deleted);
            }
        }
        sql::delete_ids(&backend.pool, &scope, month).await?;
    }
    Ok(deleted)
}

/// Takes no events from before `month` any more: before any of them is deleted.
async fn close_before(backend: &Backend, scope: &OrgScope, month: NaiveDate) -> Result<(), Error> {
    let mut transaction = backend.pool.begin().await?;
    lock_organization(&mut transaction, scope).await?;
    sql::raise_events_from(&mut transaction, scope, month).await?;
    transaction.commit().await?;
    Ok(())
}
