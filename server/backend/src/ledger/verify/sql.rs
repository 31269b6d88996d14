//! Queries of what is verified: events with what they name, rows of rollups.

use super::check::Contents;
use super::{Day, PAGE};
use crate::ledger::key::first_key;
use crate::ledger::rollup::{Coarse, Columns, QUARTERS, Query, Rollup};
use crate::ledger::stored::{self, Dictionaries, StoredEvent};
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::EventKey;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row, Transaction};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Some events of a day with what they name.
pub(super) struct Page {
    pub(super) events: Vec<StoredEvent>,
    /// Those that cannot be put together from what their rows name.
    pub(super) unread: Vec<(EventKey, Error)>,
    pub(super) last: Option<EventKey>,
    /// Whether no more follow.
    pub(super) is_last: bool,
    pub(super) named: Dictionaries,
    pub(super) contents: Contents,
}

/// The next events of a day.
pub(super) async fn page(
    connection: &mut PgConnection,
    scope: &OrgScope,
    day: Day,
    after: Option<EventKey>,
) -> Result<Page, Error> {
    let sql = format!(
        "select {} from events as e where e.org_id = $1 and e.event_key >= $2 and e.event_key < $3
            and ($4::uuid is null or e.event_key > $4) order by e.event_key limit $5",
        stored::COLUMNS
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(scope.org_id().0)
        .bind(first_key(day.begins))
        .bind(first_key(day.ends))
        .bind(after.map(|key| key.0))
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
    let named = Dictionaries::of(connection, scope, &rows).await?;
    let (mut events, mut unread, mut last) = (Vec::with_capacity(rows.len()), Vec::new(), None);
    for row in &rows {
        let key = EventKey(row.try_get("event_key")?);
        last = Some(key);
        match named.event(row) {
            Ok(event) => events.push(event),
            Err(error) => unread.push((key, error)),
        }
    }
    let contents = contents(connection, scope, &events).await?;
    let is_last = i64::try_from(rows.len()).is_ok_and(|read| read < PAGE);
    Ok(Page { events, unread, last, is_last, named, contents })
}

/// What is remembered under the ids of events.
async fn contents(connection: &mut PgConnection, scope: &OrgScope, events: &[StoredEvent]) -> Result<Contents, Error> {
    let hash = |event: &StoredEvent| Uuid::from_bytes(crate::ledger::content::id_hash(&event.id()));
    let rows =
        sqlx::query("select event_key, id_hash, content_hash from event_ids where org_id = $1 and id_hash = any($2)")
            .bind(scope.org_id().0)
            .bind(events.iter().map(hash).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
    rows.iter()
        .map(|row| {
            let content: Uuid = row.try_get("content_hash")?;
            Ok((EventKey(row.try_get("event_key")?), (row.try_get("id_hash")?, content.into_bytes())))
        })
        .collect()
}

/// Which rows of a rollup belong to a day.
fn within(table: &str) -> &'static str {
    if table == QUARTERS.table { "quarter >= $2 and quarter < $3" } else { "day = $2" }
}

fn of_day<'q>(sql: String, scope: &OrgScope, table: &str, day: Day) -> Query<'q> {
    let query = sqlx::query(AssertSqlSafe(sql)).bind(scope.org_id().0);
    if table == QUARTERS.table { query.bind(day.begins).bind(day.ends) } else { query.bind(day.day) }
}

/// The rows of a rollup that are stored of a day.
pub(super) async fn rows<K: Columns + Ord, S: Columns>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rollup: &Rollup<K, S>,
    day: Day,
) -> Result<BTreeMap<K, S>, Error> {
    let select = rollup.select(within(rollup.table));
    let rows = of_day(select, scope, rollup.table, day).fetch_all(connection).await?;
    rows.iter().map(Rollup::read).collect()
}

/// Puts rows in place of what is stored of a day.
pub(super) async fn replace<K: Columns + Ord, S: Columns>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rollup: &Rollup<K, S>,
    day: Day,
    rows: BTreeMap<K, S>,
) -> Result<(), Error> {
    let delete = format!("delete from {} where org_id = $1 and {}", rollup.table, within(rollup.table));
    of_day(delete, scope, rollup.table, day).execute(&mut *connection).await?;
    rollup.add(connection, &rows.into_iter().collect()).await
}

/// Rows of a coarser rollup on a day that do not follow from the finer one: as they are stored, and as they should be.
pub(super) async fn coarse_differences<K: Columns, S: Columns>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    coarse: &Coarse<K, S>,
    day: NaiveDate,
) -> Result<Vec<(bool, String)>, Error> {
    let (names, table) = (coarse.names(), coarse.table);
    let sql = format!(
        "with expected as ({}), stored as (select {names} from {table} where org_id = $1 and day = $2)
         select true as is_stored, to_jsonb(wrong)::text as row from (select * from stored except select * from expected) as wrong
         union all
         select false, to_jsonb(wrong)::text from (select * from expected except select * from stored) as wrong
         order by 1, 2",
        coarse.expected("r.day = $2")
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(scope.org_id().0).bind(day).fetch_all(connection).await?)
}

/// Puts what follows from the finer rollup in place of what is stored of a day, or of all.
pub(super) async fn rebuild_coarse<K: Columns, S: Columns>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    coarse: &Coarse<K, S>,
    day: Option<NaiveDate>,
) -> Result<(), Error> {
    const WITHIN: &str = "($2::date is null or r.day = $2)";
    let table = coarse.table;
    for sql in [
        format!("delete from {table} as r where r.org_id = $1 and {WITHIN}"),
        format!("insert into {table} ({}) {}", coarse.names(), coarse.expected(WITHIN)),
    ] {
        sqlx::query(AssertSqlSafe(sql)).bind(scope.org_id().0).bind(day).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A transaction that sees one moment and changes nothing.
pub(super) async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    Ok(pool.begin_with("begin isolation level repeatable read read only").await?)
}

/// First and last instant with an event or a rollup, from the first month on whose events are still kept.
pub(super) async fn first_and_last_of_all(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, Error> {
    let row = sqlx::query(
        "with kept as (
             select coalesce(events_from::timestamp at time zone 'UTC', '-infinity') as since from organizations where org_id = $1
         ), found as (
             select min(quarter) as first, max(quarter) as last from rollup_quarter, kept where org_id = $1 and quarter >= since
             union all
             select event_time((select event_key from events where org_id = $1 order by event_key limit 1)),
                 event_time((select event_key from events where org_id = $1 order by event_key desc limit 1))
         )
         select min(greatest(first, since)) as first, max(last) as last from found, kept where last >= since",
    )
    .bind(scope.org_id().0)
    .fetch_one(connection)
    .await?;
    let (first, last): (Option<_>, Option<_>) = (row.try_get("first")?, row.try_get("last")?);
    Ok(first.zip(last))
}

/// The first month whose events are still kept; none means all.
pub(in crate::ledger) async fn events_from(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Option<NaiveDate>, Error> {
    Ok(sqlx::query_scalar("select events_from from organizations where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?)
}
