//! The fast loader: copies of the recorded events, made in the database, and what proves that they are as if recorded.

use crate::Failure;
use crate::place::{self, DAYS, Place};
use crate::print::line;
use backend::ledger;
use chrono::{DateTime, Datelike, Days, Utc};
use domain::period::Period;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Connections that copy: as many as this machine has cores is enough.
const COPIERS: usize = 2;

/// Makes the copies with these numbers, all of their events or those of the last month, and the sums of all copies.
pub(crate) async fn grow(
    place: &Place,
    Range { start: loaded, end: copies }: Range<u64>,
    keeps_all: bool,
) -> Result<(), Failure> {
    let begun = Instant::now();
    if !keeps_all {
        sqlx::raw_sql(include_str!("retain.sql")).execute(&place.pool).await?;
        line("\nevents before the last month leave, as by retention; their sums stay");
    }
    let since = if keeps_all { place::start() } else { place::kept() };
    let next = AtomicU64::new(loaded);
    futures::future::try_join_all((0..COPIERS).map(|_| copy(place, &next, copies, since))).await?;
    let copied = begun.elapsed().as_secs_f64();
    let mut connection = place.pool.acquire().await?;
    set(&mut connection).await?;
    sqlx::raw_sql("alter table event_ids drop constraint if exists event_ids_pkey, add constraint event_ids_pkey primary key (org_id, id_hash)")
        .execute(&mut *connection)
        .await?;
    let sums = include_str!("sums.sql")
        .replace(":copies", &copies.to_string())
        .replace(":since", &format!("timestamptz '{}'", place::start().to_rfc3339()))
        .replace(":first", &format!("date '{}'", first()));
    sqlx::raw_sql(AssertSqlSafe(sums)).execute(&mut *connection).await?;
    let summed = begun.elapsed().as_secs_f64() - copied;
    // As autovacuum would leave it.
    sqlx::raw_sql("vacuum analyze").execute(&mut *connection).await?;
    connection.close().await?;
    let whole = begun.elapsed().as_secs_f64();
    line(&format!(
        "\ncopies {loaded} to {copies}: events {copied:.0} s, their index and all sums {summed:.0} s, vacuum {:.0} s",
        whole - copied - summed
    ));
    weigh(place).await
}

/// Makes one copy after the other, as long as there is one left to make.
async fn copy(place: &Place, next: &AtomicU64, copies: u64, since: DateTime<Utc>) -> Result<(), Failure> {
    let mut connection = place.pool.acquire().await?;
    set(&mut connection).await?;
    if copies > next.load(Ordering::Relaxed) {
        // Not kept up while it grows: ids are in no order, and one sort costs less than so many random inserts.
        sqlx::raw_sql("alter table event_ids drop constraint if exists event_ids_pkey")
            .execute(&mut *connection)
            .await?;
    }
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= copies {
            return Ok(());
        }
        sqlx::query(include_str!("copies.sql"))
            .bind(number.to_string())
            .bind(place::start())
            .bind(since)
            .execute(&mut *connection)
            .await?;
    }
}

/// Room for sorts: a loader may take more than a page.
async fn set(connection: &mut PgConnection) -> Result<(), Failure> {
    sqlx::raw_sql("set work_mem = '512MB'; set maintenance_work_mem = '1GB'").execute(connection).await?;
    Ok(())
}

fn first() -> chrono::NaiveDate {
    place::today() - Days::new(DAYS - 1)
}

/// What tables and indexes take.
async fn weigh(place: &Place) -> Result<(), Failure> {
    let rows = sqlx::query(
        "select replace(replace(relname, 'events_2026', 'events'), 'rollup_', '') as name, sum(greatest(reltuples, 0))::bigint as rows,
            (sum(pg_table_size(oid)) / 1e6)::bigint as heap, (sum(pg_indexes_size(oid)) / 1e6)::bigint as indexes
         from pg_class where relkind = 'r' and (relname ~ '^(rollup|events_|event_ids)') group by name order by sum(pg_total_relation_size(oid)) desc",
    );
    let mut whole = 0;
    let mut told = Vec::new();
    // One line for all months.
    let mut events = (0, 0, 0);
    for row in rows.fetch_all(&place.pool).await? {
        let (name, rows, heap, indexes): (String, i64, i64, i64) =
            (row.try_get("name")?, row.try_get("rows")?, row.try_get("heap")?, row.try_get("indexes")?);
        whole += heap + indexes;
        if name.starts_with("events") {
            events = (events.0 + rows, events.1 + heap, events.2 + indexes);
        } else if heap + indexes > 0 {
            told.push(format!("{name} {rows} rows {heap} + {indexes} MB"));
        }
    }
    line(&format!(
        "disk: events {} rows {} + {} MB, {}; {whole} MB in all",
        events.0,
        events.1,
        events.2,
        told.join(", ")
    ));
    Ok(())
}

/// How many events so many copies are, of those that are kept.
async fn expected(place: &Place, copies: u64, since: DateTime<Utc>) -> Result<i64, Failure> {
    let expected = sqlx::query_scalar(
        "select count(*) from template cross join generate_series(0, least($1, 7) - 1) as shift
         cross join generate_series(shift + 1, $1, 7) where moved_time(at, shift, $2) >= $3",
    );
    Ok(expected.bind(i32::try_from(copies)?).bind(place::start()).bind(since).fetch_one(&place.pool).await?)
}

/// Whether all events are there, each with its id, and `verify` finds nothing: on all days, or on three of those whose events are kept.
pub(crate) async fn verify(place: &Place, copies: u64, keeps_all: bool, whole: bool) -> Result<(), Failure> {
    let row = sqlx::query("select (select count(*) from events) as events, (select count(*) from event_ids) as ids")
        .fetch_one(&place.pool)
        .await?;
    let (stored, ids): (i64, i64) = (row.try_get("events")?, row.try_get("ids")?);
    let events = expected(place, copies, if keeps_all { place::start() } else { place::kept() }).await?;
    if (stored, ids) != (events, events) {
        return Err(format!("void: {events} events wanted, {stored} stored, {ids} ids").into());
    }
    let last = DAYS - 1;
    // The day in which the kept month begins has lost its first hours.
    let kept = if keeps_all { 0 } else { DAYS - u64::from(place::today().day()) + 1 };
    let day = |number: u64| Period { from: first() + Days::new(number), to: first() + Days::new(number + 1) };
    let periods = if whole && keeps_all {
        vec![Period { from: first(), to: day(last).to }]
    } else {
        [kept, kept.midpoint(last), last].map(day).into()
    };
    let begun = Instant::now();
    for period in &periods {
        let differences = ledger::verify(&place.backend.for_work(), &place.scope, *period).await?;
        if let Some(first) = differences.first() {
            let stored = if first.stored { "stored" } else { "missing" };
            let count = differences.len();
            return Err(format!(
                "void: verify found {count} differences, first {stored} in {}: {}",
                first.table, first.row
            )
            .into());
        }
    }
    let days: i64 = periods.iter().map(Period::days).sum();
    line(&format!(
        "{events} events stored, each with its id; verify: {days} of {DAYS} days looked at in {:.0} s, no difference",
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}
