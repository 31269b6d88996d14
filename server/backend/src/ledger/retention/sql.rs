//! Queries of retention: `organizations` (its limit), `events`, `event_ids`, `adjustments`.

use crate::ledger::commit::{first_key_of_month, next_month, partition_name};
use crate::locks::{self, Lock};
use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::ids::OrgId;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

pub(super) async fn retention_days(connection: &mut PgConnection, scope: &OrgScope) -> Result<Option<u32>, Error> {
    let days: Option<i32> = sqlx::query_scalar("select retention_days from organizations where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    Ok(days.and_then(|days| u32::try_from(days).ok()))
}

pub(super) async fn set_retention_days(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: Option<u32>,
) -> Result<(), Error> {
    sqlx::query("update organizations set retention_days = $2 where org_id = $1")
        .bind(scope.org_id().0)
        .bind(days.and_then(|days| i32::try_from(days).ok()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Organizations with a limit (across organizations: the worker's own view, no caller's).
pub(super) async fn limited(pool: &PgPool) -> Result<Vec<(OrgId, u32)>, Error> {
    let rows = sqlx::query(
        "select org_id, retention_days from organizations where retention_days is not null order by org_id",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let days: i32 = row.try_get("retention_days")?;
            Ok((OrgId(row.try_get("org_id")?), u32::try_from(days).unwrap_or(u32::MAX)))
        })
        .collect()
}

/// The organization's oldest month before `kept` that has events or ids left.
pub(super) async fn oldest_month(pool: &PgPool, scope: &OrgScope, kept: NaiveDate) -> Result<Option<NaiveDate>, Error> {
    let month = sqlx::query_scalar(
        "select date_trunc('month', event_time(event_key) at time zone 'UTC')::date from (
             (select event_key from events where org_id = $1 and event_key < $2 order by event_key limit 1)
             union all
             (select event_key from event_ids where org_id = $1 and event_key < $2 order by event_key limit 1)
         ) as oldest order by event_key limit 1",
    );
    Ok(month.bind(scope.org_id().0).bind(first_key_of_month(kept)).fetch_optional(pool).await?)
}

pub(super) async fn raise_events_from(
    connection: &mut PgConnection,
    scope: &OrgScope,
    month: NaiveDate,
) -> Result<(), Error> {
    sqlx::query("update organizations set events_from = greatest(events_from, $2) where org_id = $1")
        .bind(scope.org_id().0)
        .bind(month)
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes at most `limit` events of the month; how many.
pub(super) async fn delete_events(
    pool: &PgPool,
    scope: &OrgScope,
    from: NaiveDate,
    to: NaiveDate,
    limit: i64,
) -> Result<u64, Error> {
    let deleted = sqlx::query(
        "delete from events where org_id = $1 and event_key >= $2 and event_key < $3 and event_key = any(array(
             select event_key from events where org_id = $1 and event_key >= $2 and event_key < $3
             order by event_key limit $4))",
    );
    let [from, to] = [from, to].map(first_key_of_month);
    Ok(deleted.bind(scope.org_id().0).bind(from).bind(to).bind(limit).execute(pool).await?.rows_affected())
}

/// Deletes what is remembered of the month's events beside them: their ids, their adjustments, and the providers' ids of their answers.
pub(super) async fn delete_ids(pool: &PgPool, scope: &OrgScope, month: NaiveDate) -> Result<(), Error> {
    // The ids last: by them the month is found again when this is interrupted.
    for sql in [
        "delete from adjustments where org_id = $1 and event_key >= $2 and event_key < $3",
        "delete from possible_duplicates where org_id = $1 and event_key >= $2 and event_key < $3",
        "delete from event_copies where org_id = $1 and event_key >= $2 and event_key < $3",
        "delete from provider_responses where org_id = $1 and event_key >= $2 and event_key < $3",
        "delete from event_ids where org_id = $1 and event_key >= $2 and event_key < $3",
    ] {
        let [from, to] = [month, next_month(month)].map(first_key_of_month);
        sqlx::query(sql).bind(scope.org_id().0).bind(from).bind(to).execute(pool).await?;
    }
    Ok(())
}

/// The months that have a partition.
pub(super) async fn months(pool: &PgPool) -> Result<Vec<NaiveDate>, Error> {
    let months = sqlx::query_scalar(
        "select to_date(substring(part.relname from 'events_([0-9]{4}_[0-9]{2})$'), 'YYYY_MM') as month
         from pg_inherits join pg_class as part on part.oid = pg_inherits.inhrelid
         where pg_inherits.inhparent = 'events'::regclass and part.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
         order by month",
    );
    Ok(months.fetch_all(pool).await?)
}

/// Drops a month's partition if nothing is in it. Whoever writes there is not waited for: the next hour is soon enough.
pub(super) async fn drop_if_empty(pool: &PgPool, month: NaiveDate) -> Result<bool, Error> {
    let name = partition_name(month);
    let is_empty = format!("select not exists (select 1 from {name})");
    if !sqlx::query_scalar::<_, bool>(AssertSqlSafe(is_empty.clone())).fetch_one(pool).await? {
        return Ok(false);
    }
    let mut transaction = pool.begin().await?;
    locks::hold(&mut transaction, Lock::Partitions.of_all()).await?;
    // The name is made of a date.
    for sql in ["set local lock_timeout = '1s'".to_owned(), format!("lock table {name} in access exclusive mode")] {
        match sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => return Ok(false),
            done => done?,
        };
    }
    let empty = sqlx::query_scalar::<_, bool>(AssertSqlSafe(is_empty)).fetch_one(&mut *transaction).await?;
    if empty {
        sqlx::query(AssertSqlSafe(format!("drop table {name}"))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(empty)
}
