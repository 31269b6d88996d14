//! Queries about answers that came twice.

use super::Doubles;
use crate::events::adjust::{CURRENT_COST, LAST, event_of};
use crate::events::commit::month_of;
use crate::events::ingest::NewEvent;
use crate::events::ingest::content::IdHash;
use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::event::Suspicion;
use domain::ids::{EventKey, OrgId};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Suspected doubles `doubles` with their events `e`, as far as they are kept and the caller sees them.
fn seen() -> String {
    let event = event_of!("doubles");
    format!(
        "from suspected_doubles as doubles {event} {LAST}
         where doubles.org_id = $1 and ($2::uuid[] is null or e.project_id = any ($2))"
    )
}

/// A new event and the hash of the provider's id of its answer.
pub(in crate::events) struct Answer<'a> {
    pub(in crate::events) event: &'a NewEvent,
    pub(in crate::events) hash: IdHash,
}

/// Which answers were claimed by another event, and by which.
pub(super) async fn claimed_before(connection: &mut PgConnection, answers: &[Answer<'_>]) -> Result<Doubles, Error> {
    if answers.is_empty() {
        return Ok(Doubles::new());
    }
    let orgs: Vec<Uuid> = answers.iter().map(|answer| answer.event.org_id.0).collect();
    let hashes: Vec<&[u8]> = answers.iter().map(|answer| &answer.hash[..]).collect();
    let keys: Vec<Uuid> = answers.iter().map(|answer| answer.event.event_key.0).collect();
    let rows = sqlx::query(
        "select wanted.event_key, known.event_key as first_key
         from unnest($1::uuid[], $2::bytea[], $3::uuid[]) as wanted (org_id, response_hash, event_key)
         join provider_responses as known
           on known.org_id = wanted.org_id and known.response_hash = wanted.response_hash
         where known.event_key <> wanted.event_key",
    )
    .bind(&orgs)
    .bind(&hashes)
    .bind(&keys)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((EventKey(row.try_get("event_key")?), EventKey(row.try_get("first_key")?)))).collect()
}

/// Marks recorded events as suspected doubles.
pub(in crate::events) async fn mark(
    connection: &mut PgConnection,
    events: &[&NewEvent],
    doubles: &Doubles,
) -> Result<(), Error> {
    let marked: Vec<(&NewEvent, EventKey)> =
        events.iter().filter_map(|event| Some((*event, *doubles.get(&event.event_key)?))).collect();
    if marked.is_empty() {
        return Ok(());
    }
    let orgs: Vec<Uuid> = marked.iter().map(|(event, _)| event.org_id.0).collect();
    let keys: Vec<Uuid> = marked.iter().map(|(event, _)| event.event_key.0).collect();
    let firsts: Vec<Uuid> = marked.iter().map(|(_, first)| first.0).collect();
    let months: Vec<NaiveDate> = marked.iter().map(|(event, _)| month_of(event.timestamp)).collect();
    sqlx::query(
        "insert into suspected_doubles (org_id, event_key, first_key, month)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::date[])",
    )
    .bind(orgs)
    .bind(keys)
    .bind(firsts)
    .bind(months)
    .execute(connection)
    .await?;
    Ok(())
}

/// Which of these organizations leave doubles out.
pub(in crate::events) async fn dropping(
    connection: &mut PgConnection,
    organizations: &BTreeSet<OrgId>,
) -> Result<BTreeSet<OrgId>, Error> {
    let ids: Vec<Uuid> = organizations.iter().map(|org_id| org_id.0).collect();
    let dropping: Vec<Uuid> =
        sqlx::query_scalar("select org_id from organizations where org_id = any($1) and drop_doubles")
            .bind(ids)
            .fetch_all(connection)
            .await?;
    Ok(dropping.into_iter().map(OrgId).collect())
}

/// Sets it; tells whether that changed anything.
pub(super) async fn set_dropping(connection: &mut PgConnection, scope: &OrgScope, drop: bool) -> Result<bool, Error> {
    let changed = sqlx::query("update organizations set drop_doubles = $2 where org_id = $1 and drop_doubles <> $2")
        .bind(scope.org_id().0)
        .bind(drop)
        .execute(connection)
        .await?
        .rows_affected();
    Ok(changed > 0)
}

/// Keys of other events with the same answer, the first one first.
pub(super) async fn others(pool: &PgPool, scope: &OrgScope, key: EventKey, limit: i64) -> Result<Vec<EventKey>, Error> {
    let keys: Vec<Uuid> = sqlx::query_scalar(
        "with first as (
             select coalesce((select first_key from suspected_doubles where org_id = $1 and event_key = $2), $2) as key
         )
         select others.event_key from (
             select first.key as event_key, 0 as place from first
             union all
             select doubles.event_key, 1 from first
             join suspected_doubles as doubles on doubles.org_id = $1 and doubles.first_key = first.key
         ) as others
         where others.event_key <> $2
         order by others.place, others.event_key limit $3",
    )
    .bind(scope.org_id().0)
    .bind(key.0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(keys.into_iter().map(EventKey).collect())
}

/// Suspected doubles that the caller sees, each with the event that came first, newest first.
pub(super) async fn pairs(
    pool: &PgPool,
    scope: &OrgScope,
    before: Option<EventKey>,
    limit: usize,
) -> Result<Vec<(EventKey, EventKey)>, Error> {
    let sql = format!(
        "select doubles.event_key, doubles.first_key {} and ($3::uuid is null or doubles.event_key < $3)
         order by doubles.event_key desc limit $4",
        seen()
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(scope.org_id().0)
        .bind(scope.visible_projects())
        .bind(before.map(|key| key.0))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| Ok((EventKey(row.try_get("event_key")?), EventKey(row.try_get("first_key")?)))).collect()
}

/// All suspected doubles that the caller sees together.
pub(super) async fn sum(pool: &PgPool, scope: &OrgScope) -> Result<Suspicion, Error> {
    let sql = format!(
        "select count(*) as events, coalesce(sum(current_cost), 0) as cost,
             count(*) filter (where current_cost is null) as unpriced
         from (select {CURRENT_COST} as current_cost {}) as costs",
        seen()
    );
    let row =
        sqlx::query(AssertSqlSafe(sql)).bind(scope.org_id().0).bind(scope.visible_projects()).fetch_one(pool).await?;
    let count = |column: &'static str| {
        let count: i64 = row.try_get(column)?;
        u64::try_from(count).map_err(|error| Error::inconsistent("suspected_doubles", column, error))
    };
    Ok(Suspicion { events: count("events")?, cost: row.try_get("cost")?, unpriced: count("unpriced")?, drops: false })
}

/// Everything of this table that belongs to the organization.
pub(in crate::events) async fn delete_all(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    for sql in ["delete from provider_responses where org_id = $1", "delete from suspected_doubles where org_id = $1"] {
        sqlx::query(sql).bind(scope.org_id().0).execute(&mut *connection).await?;
    }
    Ok(())
}
