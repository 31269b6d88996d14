//! Queries of days that are summed for another zone (`staged_days` and the tables of sums beside it), and of what takes their place.

use super::{Day, StagedDay};
use crate::ledger::rollup::{Columns, Rollup, STAGED_LABELS, STAGED_LATENCIES, STAGED_METERS, STAGED_TERMS};
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::EventKey;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The days that were begun.
pub(super) async fn staged(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<BTreeMap<NaiveDate, StagedDay>, Error> {
    let rows = sqlx::query("select day, versions, last_key, is_complete from staged_days where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let last = row.try_get::<Option<Uuid>, _>("last_key")?.map(EventKey);
            let day = StagedDay { versions: row.try_get("versions")?, last, is_complete: row.try_get("is_complete")? };
            Ok((row.try_get("day")?, day))
        })
        .collect()
}

/// Notes that a day is begun.
pub(super) async fn begin(
    connection: &mut PgConnection,
    scope: &OrgScope,
    day: NaiveDate,
    versions: &[i64],
) -> Result<(), Error> {
    sqlx::query("insert into staged_days (org_id, day, versions) values ($1, $2, $3)")
        .bind(scope.org_id().0)
        .bind(day)
        .bind(versions)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes how far a day is.
pub(super) async fn advance(
    connection: &mut PgConnection,
    scope: &OrgScope,
    day: NaiveDate,
    last: Option<EventKey>,
    is_complete: bool,
) -> Result<(), Error> {
    sqlx::query(
        "update staged_days set last_key = coalesce($3, last_key), is_complete = $4 where org_id = $1 and day = $2",
    )
    .bind(scope.org_id().0)
    .bind(day)
    .bind(last.map(|key| key.0))
    .bind(is_complete)
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes all that was staged.
pub(super) async fn unstage(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    let tables = [STAGED_LABELS.table, STAGED_METERS.table, STAGED_LATENCIES.table, STAGED_TERMS.table];
    for table in std::iter::once("staged_days").chain(tables) {
        let delete = format!("delete from {table} where org_id = $1");
        sqlx::query(AssertSqlSafe(delete)).bind(scope.org_id().0).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Puts the staged rows of some days into a rollup that has none of these days.
pub(super) async fn take_over<K: Columns, S: Columns>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    staged: &Rollup<K, S>,
    rollup: &Rollup<K, S>,
    days: &[NaiveDate],
) -> Result<(), Error> {
    sqlx::query(AssertSqlSafe(rollup.take_over(staged, "day = any($2)")))
        .bind(scope.org_id().0)
        .bind(days)
        .execute(connection)
        .await?;
    Ok(())
}

/// The versions of the days that count.
pub(super) async fn versions(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<BTreeMap<NaiveDate, i64>, Error> {
    let rows: Vec<(NaiveDate, i64)> = sqlx::query_as("select day, version from rollup_version where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Deletes what is kept by day since the first whose events are kept.
pub(super) async fn delete_since<K: Columns, S: Columns>(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rollup: &Rollup<K, S>,
    since: Option<NaiveDate>,
) -> Result<(), Error> {
    let delete = format!("delete from {} where org_id = $1 and day >= coalesce($2, '-infinity')", rollup.table);
    sqlx::query(AssertSqlSafe(delete)).bind(scope.org_id().0).bind(since).execute(connection).await?;
    Ok(())
}

/// First and last quarter with anything in it.
pub(super) async fn first_and_last(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, Error> {
    let row = sqlx::query("select min(quarter) as first, max(quarter) as last from rollup_quarter where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    let (first, last): (Option<_>, Option<_>) = (row.try_get("first")?, row.try_get("last")?);
    Ok(first.zip(last))
}

/// Days are sums of quarters, adjustments included; also of those whose events have left by retention.
pub(super) async fn rebuild_days(connection: &mut PgConnection, scope: &OrgScope, days: &[Day]) -> Result<(), Error> {
    sqlx::query("delete from rollup_day where org_id = $1").bind(scope.org_id().0).execute(&mut *connection).await?;
    sqlx::query(
        "insert into rollup_day (org_id, day, series_id, requests, tokens, unpriced_requests, retries, cache_hits, booked, adjusted,
            unpriced_upper_bound, avoided_cost, retry_cost)
         select $1, days.day, series_id, sum(requests)::integer, sum(tokens)::bigint, sum(unpriced_requests)::integer,
            sum(retries)::integer, sum(cache_hits)::integer, sum(booked), sum(adjusted), sum(unpriced_upper_bound), sum(avoided_cost),
            sum(retry_cost)
         from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) as days (day, begins, ends)
         join rollup_quarter on org_id = $1 and quarter >= days.begins and quarter < days.ends
         group by days.day, series_id",
    )
    .bind(scope.org_id().0)
    .bind(days.iter().map(|day| day.day).collect::<Vec<_>>())
    .bind(days.iter().map(|day| day.begins).collect::<Vec<_>>())
    .bind(days.iter().map(|day| day.ends).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
