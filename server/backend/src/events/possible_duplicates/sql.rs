//! Queries about answers that came twice.

use crate::ledger::adjust::{CURRENT_COST, LAST, event_of};
use crate::ledger::push_seen_events;
use crate::{Error, OrgScope};
use domain::event::PossibleDuplicateTotals;
use domain::ids::EventKey;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// Rows of `possible_duplicates`, as `doubles`, with their events `e`, as far as they are kept and the caller sees them.
fn push_seen(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope) {
    sql.push(concat!(" from possible_duplicates as doubles ", event_of!("doubles")));
    sql.push(LAST).push(" where doubles.org_id = ").push_bind(scope.org_id().0);
    push_seen_events(sql, scope);
}

/// Whether the organization leaves possible duplicates out.
pub(super) async fn is_dropping(pool: &PgPool, scope: &OrgScope) -> Result<bool, Error> {
    let drops = sqlx::query_scalar("select drop_possible_duplicates from organizations where org_id = $1");
    Ok(drops.bind(scope.org_id().0).fetch_optional(pool).await?.unwrap_or_default())
}

/// Sets it; tells whether that changed anything.
pub(super) async fn set_dropping(connection: &mut PgConnection, scope: &OrgScope, drop: bool) -> Result<bool, Error> {
    let changed = sqlx::query(
        "update organizations set drop_possible_duplicates = $2 where org_id = $1 and drop_possible_duplicates <> $2",
    )
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
             select coalesce((select first_key from possible_duplicates where org_id = $1 and event_key = $2), $2) as key
         )
         select others.event_key from (
             select first.key as event_key, 0 as place from first
             union all
             select doubles.event_key, 1 from first
             join possible_duplicates as doubles on doubles.org_id = $1 and doubles.first_key = first.key
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

/// Possible duplicates that the caller sees, each with the event that came first, newest first.
pub(super) async fn pairs(
    pool: &PgPool,
    scope: &OrgScope,
    before: Option<EventKey>,
    limit: usize,
) -> Result<Vec<(EventKey, EventKey)>, Error> {
    let mut sql = QueryBuilder::new("select doubles.event_key, doubles.first_key");
    push_seen(&mut sql, scope);
    if let Some(before) = before {
        sql.push(" and doubles.event_key < ").push_bind(before.0);
    }
    sql.push(" order by doubles.event_key desc limit ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter().map(|row| Ok((EventKey(row.try_get("event_key")?), EventKey(row.try_get("first_key")?)))).collect()
}

/// All possible duplicates that the caller sees together.
pub(super) async fn sum(pool: &PgPool, scope: &OrgScope) -> Result<PossibleDuplicateTotals, Error> {
    let mut sql = QueryBuilder::new(format!(
        "select count(*) as events, coalesce(sum(current_cost), 0) as cost,
             count(*) filter (where current_cost is null) as unpriced
         from (select {CURRENT_COST} as current_cost"
    ));
    push_seen(&mut sql, scope);
    let row = sql.push(") as costs").build().fetch_one(pool).await?;
    let count = |column: &'static str| {
        let count: i64 = row.try_get(column)?;
        u64::try_from(count).map_err(|error| Error::inconsistent("possible_duplicates", column, error))
    };
    Ok(PossibleDuplicateTotals {
        events: count("events")?,
        cost: row.try_get("cost")?,
        unpriced: count("unpriced")?,
        drops: false,
    })
}
