//! Queries that recompute rollups from events. They share nothing with the committer but the tables and the names of their columns.

use super::{Days, Difference, MAX_DIFFERENCES, token_meters};
use crate::ledger::rollup::{Columns, DAYS, LABELS, METERS, QUARTERS, Rollup, TERMS};
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row, Transaction};

/// Events of the asked days with what each adds: `$1` organization, `$2`–`$4` days, `$5` token meters.
const EVENTS: &str = "with days as (
        select * from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) as days (day, begins, ends)
    ), moved as (
        -- The sum of what every adjustment says that it moved, and what the last one left.
        select event_key, sum(coalesce(new_cost, 0) - coalesce(old_cost, 0)) as adjusted,
            (array_agg(new_cost order by revision desc))[1] as cost,
            (array_agg(new_upper_bound order by revision desc))[1] as upper_bound,
            (array_agg(receipt order by revision desc))[1] as receipt
        from adjustments where org_id = $1 group by event_key
    ), counted as (
        select days.day, date_bin('15 minutes', e.\"timestamp\", timestamptz '2000-01-01 00:00:00+00') as quarter,
            e.event_key, e.series_id, e.labels, e.meters, e.receipt, moved.receipt as moved_receipt, e.attempt, e.response_cache_hit,
            coalesce(e.cost, 0) as booked, coalesce(moved.adjusted, 0) as adjusted,
            case when moved.event_key is null then e.cost else moved.cost end is null as is_unpriced,
            coalesce(case when moved.event_key is null then e.upper_bound else moved.upper_bound end, 0) as upper_bound,
            coalesce(e.avoided_cost, 0) as avoided_cost,
            (select coalesce(sum(used.value::numeric), 0)::bigint from jsonb_each_text(e.meters) as used where used.key = any($5))
                as tokens
        from days
        join events as e on e.org_id = $1 and e.\"timestamp\" >= days.begins and e.\"timestamp\" < days.ends
        left join moved on moved.event_key = e.event_key
    )";

/// Calls by quarter or day.
macro_rules! calls {
    ($slot:literal) => {
        concat!(
            "select ", $slot, ", series_id, count(*) as requests, sum(tokens)::bigint as tokens,
                count(*) filter (where is_unpriced) as unpriced_requests, count(*) filter (where attempt > 1) as retries,
                count(*) filter (where response_cache_hit) as cache_hits, sum(booked) as booked, sum(adjusted) as adjusted,
                sum(upper_bound) as unpriced_upper_bound, sum(avoided_cost) as avoided_cost
             from counted group by 1, 2"
        )
    };
}

const LABELLED: &str = "select day, label_id, series_id, count(*) as requests, sum(tokens)::bigint as tokens,
        count(*) filter (where is_unpriced) as unpriced_requests, sum(booked) as booked, sum(adjusted) as adjusted,
        sum(upper_bound) as unpriced_upper_bound, sum(avoided_cost) as avoided_cost
     from counted cross join lateral unnest(labels) as label_id group by 1, 2, 3";

/// What was used at the provider, what each line of the receipts booked, and what the last receipts charge beside that.
const METERED: &str =
    "select day, series_id, line.meter, sum(line.requests)::bigint as requests, sum(line.quantity) as quantity,
        sum(line.booked) as booked, sum(line.charged - line.booked) as adjusted
     from counted
     cross join lateral (
         select meter, coalesce(used.quantity, charged.quantity, 0) as quantity, coalesce(booked.amount, 0) as booked,
             coalesce(charged.amount, 0) as charged,
             case when used.quantity is null and charged.quantity is null then 0 else 1 end as requests
         from (select key as meter, value::numeric as quantity from jsonb_each_text(counted.meters)) as used
         full join (
             select line ->> 0 as meter, max((line ->> 1)::numeric) as quantity, sum((line ->> 2)::numeric) as amount
             from jsonb_array_elements(coalesce(moved_receipt, receipt)) as line group by 1
         ) as charged using (meter)
         full join (
             select line ->> 0 as meter, sum((line ->> 2)::numeric) as amount
             from jsonb_array_elements(receipt) as line group by 1
         ) as booked using (meter)
     ) as line
     where not response_cache_hit
     group by 1, 2, 3";

/// The lines of the last receipts that name a term of the contract, by their numbers: see the migration of contract_terms.
const TERMED: &str = "select day, series_id, line ->> 0 as meter, (line ->> 3)::bigint as term_id, sum((line ->> 2)::numeric) as adjusted
     from counted cross join lateral jsonb_array_elements(moved_receipt) as line
     where (line ->> 3)::bigint >= 6755399441055744
     group by 1, 2, 3, 4
     having sum((line ->> 2)::numeric) <> 0";

const ON_DAYS: &str = "day = any($2)";
const IN_DAYS: &str = "exists (
    select 1 from unnest($3::timestamptz[], $4::timestamptz[]) as days (begins, ends) where quarter >= begins and quarter < ends)";

/// A rollup with the query that recomputes it.
pub(super) struct Recomputed {
    table: &'static str,
    columns: String,
    /// Which of its rows belong to the days.
    within: &'static str,
    computed: &'static str,
}

impl Recomputed {
    fn new<K: Columns, S: Columns>(rollup: &Rollup<K, S>, within: &'static str, computed: &'static str) -> Self {
        Self { table: rollup.table, columns: Rollup::<K, S>::columns(), within, computed }
    }

    /// All rollups.
    pub(super) fn all() -> [Self; 5] {
        [
            Self::new(&QUARTERS, IN_DAYS, calls!("quarter")),
            Self::new(&DAYS, ON_DAYS, calls!("day")),
            Self::new(&LABELS, ON_DAYS, LABELLED),
            Self::new(&METERS, ON_DAYS, METERED),
            Self::new(&TERMS, ON_DAYS, TERMED),
        ]
    }

    /// Those that can only be had from events; days of calls are sums of quarters.
    pub(super) fn of_events() -> impl Iterator<Item = Self> {
        Self::all().into_iter().skip(2)
    }

    /// What is computed and not stored, and what is stored and not computed.
    pub(super) async fn differing(
        &self,
        connection: &mut PgConnection,
        scope: &OrgScope,
        days: &Days,
    ) -> Result<Vec<Difference>, Error> {
        let Self { table, columns, within, computed } = self;
        let sql = format!(
            "{EVENTS}, computed as ({computed}), stored as (select {columns} from {table} where org_id = $1 and {within})
             select false as stored, to_jsonb(missing)::text as row from (select * from computed except select * from stored) as missing
             union all
             select true as stored, to_jsonb(extra)::text as row from (select * from stored except select * from computed) as extra
             limit $6"
        );
        let rows = bind(sql, scope, days).bind(MAX_DIFFERENCES).fetch_all(connection).await?;
        rows.iter()
            .map(|row| Ok(Difference { table, stored: row.try_get("stored")?, row: row.try_get("row")? }))
            .collect()
    }

    /// Puts the rows of the days as they follow from the events.
    pub(super) async fn repair(
        &self,
        connection: &mut PgConnection,
        scope: &OrgScope,
        days: &Days,
    ) -> Result<(), Error> {
        let delete = format!("delete from {} where org_id = $1 and {}", self.table, self.within);
        bind(delete, scope, days).execute(&mut *connection).await?;
        self.insert(connection, scope, days).await
    }

    /// Puts everything since the first day whose events are kept as it follows from them, by other days than before.
    pub(super) async fn rebuild(
        &self,
        connection: &mut PgConnection,
        scope: &OrgScope,
        days: &Days,
    ) -> Result<(), Error> {
        let since = events_from(connection, scope).await?;
        let delete = format!("delete from {} where org_id = $1 and day >= coalesce($2, '-infinity')", self.table);
        let delete = sqlx::query(AssertSqlSafe(delete)).bind(scope.org_id().0).bind(since);
        delete.execute(&mut *connection).await?;
        self.insert(connection, scope, days).await
    }

    async fn insert(&self, connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
        let Self { table, columns, computed, .. } = self;
        let sql = format!(
            "{EVENTS}, computed as ({computed}) insert into {table} (org_id, {columns}) select $1, computed.* from computed"
        );
        bind(sql, scope, days).execute(connection).await?;
        Ok(())
    }
}

fn bind<'q>(sql: String, scope: &OrgScope, days: &Days) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(AssertSqlSafe(sql))
        .bind(scope.org_id().0)
        .bind(days.days.clone())
        .bind(days.begins.clone())
        .bind(days.ends.clone())
        .bind(token_meters())
}

/// Events whose series or labels are not those that they were sent with, as far as these have not become "(other)".
pub(super) async fn misplaced(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
) -> Result<Vec<Difference>, Error> {
    let rows = sqlx::query(
        "with days as (
            select * from unnest($2::timestamptz[], $3::timestamptz[]) as days (begins, ends)
        )
        select jsonb_build_object('event_key', e.event_key, 'series_id', e.series_id, 'labels', e.labels)::text as row
        from days
        join events as e on e.org_id = $1 and e.\"timestamp\" >= days.begins and e.\"timestamp\" < days.ends
        left join series as s on s.org_id = e.org_id and s.series_id = e.series_id
        where s.series_id is null
           or (s.project_id, s.key_id, s.status) <> (e.project_id, e.key_id, e.status)
           or s.provider not in (e.provider, '(other)') or s.model not in (e.model, '(other)')
           or s.operation not in (e.operation, '(other)')
           or s.feature not in (coalesce(e.feature, ''), '(other)') or s.environment not in (coalesce(e.environment, ''), '(other)')
           or s.cohort not in (coalesce(e.cohort, ''), '(other)') or s.step not in (coalesce(e.step, ''), '(other)')
           or exists (
               with sent as (
                   select 'customer' as label, e.customer as value where e.customer is not null
                   union all select 'user', e.\"user\" where e.\"user\" is not null
                   union all select 'tag.' || tag.key, tag.value from jsonb_each_text(e.tags) as tag
               ), placed as (
                   select place.label_id, l.label, l.value from unnest(e.labels) as place (label_id)
                   left join labels as l on l.org_id = e.org_id and l.label_id = place.label_id
               )
               select 1 from sent where not exists (
                   select 1 from placed where placed.label = sent.label and placed.value in (sent.value, '(other)')
                      or placed.label = 'tag.(other)' and sent.label like 'tag.%')
               union all
               select 1 from placed where not exists (
                   select 1 from sent where placed.label = sent.label and placed.value in (sent.value, '(other)')
                      or placed.label = 'tag.(other)' and sent.label like 'tag.%'))
        limit $4",
    )
    .bind(scope.org_id().0)
    .bind(days.begins.clone())
    .bind(days.ends.clone())
    .bind(MAX_DIFFERENCES)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(Difference { table: "events", stored: true, row: row.try_get("row")? })).collect()
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
             select min(\"timestamp\"), max(\"timestamp\") from events, kept where org_id = $1 and \"timestamp\" >= since
         )
         select min(first) as first, max(last) as last from found",
    )
    .bind(scope.org_id().0)
    .fetch_one(connection)
    .await?;
    let (first, last): (Option<_>, Option<_>) = (row.try_get("first")?, row.try_get("last")?);
    Ok(first.zip(last))
}

/// The first month whose events are still kept; none means all.
pub(super) async fn events_from(connection: &mut PgConnection, scope: &OrgScope) -> Result<Option<NaiveDate>, Error> {
    Ok(sqlx::query_scalar("select events_from from organizations where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?)
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
pub(super) async fn rebuild_days(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    sqlx::query("delete from rollup_day where org_id = $1").bind(scope.org_id().0).execute(&mut *connection).await?;
    sqlx::query(
        "insert into rollup_day (org_id, day, series_id, requests, tokens, unpriced_requests, retries, cache_hits, booked, adjusted,
            unpriced_upper_bound, avoided_cost)
         select $1, days.day, series_id, sum(requests)::bigint, sum(tokens)::bigint, sum(unpriced_requests)::bigint,
            sum(retries)::bigint, sum(cache_hits)::bigint, sum(booked), sum(adjusted), sum(unpriced_upper_bound), sum(avoided_cost)
         from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) as days (day, begins, ends)
         join rollup_quarter on org_id = $1 and quarter >= days.begins and quarter < days.ends
         group by days.day, series_id",
    )
    .bind(scope.org_id().0)
    .bind(&days.days)
    .bind(&days.begins)
    .bind(&days.ends)
    .execute(connection)
    .await?;
    Ok(())
}
