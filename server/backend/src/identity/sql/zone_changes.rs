//! Queries of `zone_changes`.

use super::organizations::zone;
use crate::ledger::Staged;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::identity::{ZoneChange, ZoneChangeState};
use domain::ids::OrgId;
use domain::period::Zone;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// Changes that wait, looked at until one is found that nobody is at: more than there are servers.
const AT_HAND: i64 = 100;

/// PostgreSQL's channel that says that a change of a zone waits.
pub(in crate::identity) const ZONE_CHANNEL: &str = "tallystick_zones";

pub(in crate::identity) async fn notify_of_zone_change(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select pg_notify($1, '')").bind(ZONE_CHANNEL).execute(connection).await?;
    Ok(())
}

/// False while another one is under way; one that failed makes room.
pub(in crate::identity) async fn begin_zone_change(
    connection: &mut PgConnection,
    scope: &OrgScope,
    zone: Zone,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into zone_changes (org_id, time_zone, state, begun_at) values ($1, $2, 'running', $3)
         on conflict on constraint zone_changes_pkey do update
         set time_zone = excluded.time_zone, state = 'running', begun_at = excluded.begun_at, days_done = 0, days = 0, failure = null
         where zone_changes.state = 'failed'",
    )
    .bind(scope.org_id().0)
    .bind(zone.name())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(in crate::identity) async fn zone_change(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Option<ZoneChange>, Error> {
    let row = sqlx::query("select time_zone, state, days_done, days, failure from zone_changes where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let count = |column: &str| Ok::<_, Error>(u32::try_from(row.try_get::<i32, _>(column)?).unwrap_or_default());
    let state = match row.try_get("state")? {
        "running" => ZoneChangeState::Running { done: count("days_done")?, days: count("days")? },
        "failed" => ZoneChangeState::Failed { detail: row.try_get("failure")? },
        word => return Err(Error::inconsistent("zone_changes", "state", word)),
    };
    Ok(Some(ZoneChange { time_zone: row.try_get("time_zone")?, state }))
}

/// The zone of the change that is under way.
pub(in crate::identity) async fn running_zone_change(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Option<Zone>, Error> {
    let row = sqlx::query("select time_zone from zone_changes where org_id = $1 and state = 'running'")
        .bind(scope.org_id().0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(zone).transpose()
}

/// Some organization whose change waits and that nobody changes at the moment, the oldest first (across organizations: the worker's own view, no caller's).
pub(in crate::identity) async fn waiting_zone_change(pool: &PgPool) -> Result<Option<OrgId>, Error> {
    // Each is looked at for itself: a cluster locks rows of one organization at a time.
    let waiting: Vec<Uuid> =
        sqlx::query_scalar("select org_id from zone_changes where state = 'running' order by begun_at limit $1")
            .bind(AT_HAND)
            .fetch_all(pool)
            .await?;
    for org_id in waiting {
        let free = sqlx::query("select 1 from organizations where org_id = $1 for no key update skip locked");
        if free.bind(org_id).fetch_optional(pool).await?.is_some() {
            return Ok(Some(OrgId(org_id)));
        }
    }
    Ok(None)
}

pub(in crate::identity) async fn advance_zone_change(
    connection: &mut PgConnection,
    scope: &OrgScope,
    staged: Staged,
) -> Result<(), Error> {
    sqlx::query("update zone_changes set days_done = $2, days = $3 where org_id = $1")
        .bind(scope.org_id().0)
        .bind(i32::try_from(staged.done).unwrap_or(i32::MAX))
        .bind(i32::try_from(staged.days).unwrap_or(i32::MAX))
        .execute(connection)
        .await?;
    Ok(())
}

/// False where none is under way.
pub(in crate::identity) async fn fail_zone_change(
    connection: &mut PgConnection,
    scope: &OrgScope,
    detail: &str,
) -> Result<bool, Error> {
    let done =
        sqlx::query("update zone_changes set state = 'failed', failure = $2 where org_id = $1 and state = 'running'")
            .bind(scope.org_id().0)
            .bind(detail)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

pub(in crate::identity) async fn end_zone_change(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    sqlx::query("delete from zone_changes where org_id = $1").bind(scope.org_id().0).execute(connection).await?;
    Ok(())
}
