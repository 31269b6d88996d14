//! Queries about what series stand at.

use super::Standing;
use crate::ledger::content::IdHash;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::Totals;
use domain::ids::{EventKey, OrgId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// Most rows that are forgotten at once.
const AT_ONCE: i64 = 10_000;

/// What series of an organization stand at.
pub(super) async fn standings(
    pool: &PgPool,
    scope: &OrgScope,
    series: &[IdHash],
) -> Result<HashMap<IdHash, Standing>, Error> {
    let hashes: Vec<Uuid> = series.iter().map(|hash| Uuid::from_bytes(*hash)).collect();
    let rows = sqlx::query(
        "select series_hash, event_key, totals from running_totals where org_id = $1 and series_hash = any($2)",
    );
    let rows = rows.bind(scope.org_id().0).bind(hashes).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let Json(totals) = row.try_get("totals")?;
            let standing = Standing { event_key: EventKey(row.try_get("event_key")?), totals };
            Ok((row.try_get::<Uuid, _>("series_hash")?.into_bytes(), standing))
        })
        .collect()
}

/// A series that events of a transaction bring from one event to another.
pub(super) struct Step<'a> {
    pub(super) place: (OrgId, IdHash),
    /// The event that it stands at; none where it is the first.
    pub(super) first: Option<EventKey>,
    pub(super) last: EventKey,
    pub(super) totals: &'a Totals,
}

/// Moves series on that stand where they are said to stand; how many do. Sorted, so that everybody locks them in one order.
///
/// Where a series is said to stand is written with it, because a cluster takes no bound value to where a conflict is decided; and rows are counted as they come back, because what a cluster says of such a statement counts those as well that stayed.
pub(super) async fn advance(
    connection: &mut PgConnection,
    steps: &[Step<'_>],
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    macro_rules! all {
        ($step:ident => $value:expr) => {
            steps.iter().map(|$step| $value).collect::<Vec<_>>()
        };
    }
    let moved = sqlx::query(
        "insert into running_totals (org_id, series_hash, event_key, moved_from, totals, updated_at)
         select step.org_id, step.series_hash, step.last_key, step.first_key, step.totals, $6
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[])
             as step (org_id, series_hash, first_key, last_key, totals)
         where step.first_key is null or (step.org_id, step.series_hash) in (
             select known.org_id, known.series_hash from unnest($1::uuid[], $2::uuid[]) as wanted (org_id, series_hash)
             join running_totals as known using (org_id, series_hash))
         on conflict on constraint running_totals_pkey do update
             set event_key = excluded.event_key, moved_from = excluded.moved_from, totals = excluded.totals,
                 updated_at = excluded.updated_at
             where running_totals.event_key = excluded.moved_from
         returning 1",
    )
    .bind(all!(step => step.place.0.0))
    .bind(all!(step => Uuid::from_bytes(step.place.1)))
    .bind(all!(step => step.first.map(|key| key.0)))
    .bind(all!(step => step.last.0))
    .bind(all!(step => Json(step.totals)))
    .bind(now)
    .fetch_all(connection)
    .await?;
    Ok(moved.len())
}

/// Forgets what did not move since an instant (across organizations: the worker's own view, no caller's).
pub(in crate::ledger) async fn forget_before(pool: &PgPool, before: DateTime<Utc>) -> Result<(), Error> {
    loop {
        let forgotten = sqlx::query(
            "delete from running_totals where updated_at < $1 and series_hash = any(array(
                 select series_hash from running_totals where updated_at < $1 order by updated_at limit $2))",
        );
        let forgotten = forgotten.bind(before).bind(AT_ONCE).execute(pool).await?.rows_affected();
        if forgotten < AT_ONCE.unsigned_abs() {
            return Ok(());
        }
    }
}
