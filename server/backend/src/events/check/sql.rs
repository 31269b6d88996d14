//! Queries that recompute rollups from events. They share nothing with the committer but the tables.

use super::{Days, Difference, Kinds, MAX_DIFFERENCES, latency_bounds};
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, PgPool, Postgres, Row, Transaction};

/// Events of the asked days with what each adds: `$1` organization, `$2`–`$4` days, `$5`–`$8` token meters, `$9` bounds of latency classes.
macro_rules! events {
    () => {
        "with days as (
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
                e.project_id, e.provider, e.model, e.operation, coalesce(e.feature, '') as feature,
                coalesce(e.environment, '') as environment, e.key_id, e.status,
                coalesce(e.cost, 0) as booked, coalesce(moved.adjusted, 0) as adjusted,
                case when moved.event_key is null then e.cost else moved.cost end is null as is_unpriced,
                coalesce(case when moved.event_key is null then e.upper_bound else moved.upper_bound end, 0) as upper_bound,
                coalesce(e.avoided_cost, 0) as avoided_cost, e.attempt, e.response_cache_hit, e.latency_ms,
                width_bucket(e.latency_ms, $9::bigint[]) as class, kinds.*
            from days
            join events as e on e.org_id = $1 and e.\"timestamp\" >= days.begins and e.\"timestamp\" < days.ends
            left join moved on moved.event_key = e.event_key
            cross join lateral (
                select coalesce(sum(used.value::numeric) filter (where used.key = any($5 || $6 || $7 || $8)), 0)::bigint as tokens,
                    coalesce(sum(used.value::numeric) filter (where used.key = any($5)), 0)::bigint as tokens_input_uncached,
                    coalesce(sum(used.value::numeric) filter (where used.key = any($6)), 0)::bigint as tokens_cache_read,
                    coalesce(sum(used.value::numeric) filter (where used.key = any($7)), 0)::bigint as tokens_cache_write,
                    coalesce(sum(used.value::numeric) filter (where used.key = any($8)), 0)::bigint as tokens_output
                from jsonb_each_text(e.meters) as used
            ) as kinds
        )"
    };
}

/// The coarse rollup of `counted` as `computed`.
macro_rules! coarse {
    ($slot:literal) => {
        concat!(
            ", classes as (
                select ", $slot, ", project_id, provider, model, operation, feature, environment, key_id, status, class, count(*) as calls
                from counted where latency_ms is not null group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
            ), latency as (
                select ", $slot, ", project_id, provider, model, operation, feature, environment, key_id, status,
                    array_agg(coalesce(classes.calls, 0) order by class) as latency_counts
                from (
                    select ", $slot, ", project_id, provider, model, operation, feature, environment, key_id, status,
                        generate_series(0, max(class)) as class
                    from classes group by 1, 2, 3, 4, 5, 6, 7, 8, 9
                ) as every
                left join classes using (", $slot, ", project_id, provider, model, operation, feature, environment, key_id, status, class)
                group by 1, 2, 3, 4, 5, 6, 7, 8, 9
            ), summed as (
                select ", $slot, ", project_id, provider, model, operation, feature, environment, key_id, status,
                    count(*) as requests, sum(booked) as booked, sum(adjusted) as adjusted, sum(tokens)::bigint as tokens,
                    sum(tokens_input_uncached)::bigint as tokens_input_uncached, sum(tokens_cache_read)::bigint as tokens_cache_read,
                    sum(tokens_cache_write)::bigint as tokens_cache_write, sum(tokens_output)::bigint as tokens_output,
                    count(*) filter (where is_unpriced) as unpriced_requests, sum(upper_bound) as unpriced_upper_bound,
                    count(*) filter (where status <> 'success') as errors, count(*) filter (where attempt > 1) as retries,
                    count(*) filter (where response_cache_hit) as cache_hits, sum(avoided_cost) as avoided_cost
                from counted group by 1, 2, 3, 4, 5, 6, 7, 8, 9
            ), computed as (
                select summed.*, coalesce(latency.latency_counts, '{}') as latency_counts
                from summed
                left join latency using (", $slot, ", project_id, provider, model, operation, feature, environment, key_id, status)
            )"
        )
    };
}

/// What is computed and not stored, and what is stored and not computed.
macro_rules! differences {
    () => {
        " select false as stored, to_jsonb(missing)::text as row from (select * from computed except select * from stored) as missing
          union all
          select true as stored, to_jsonb(extra)::text as row from (select * from stored except select * from computed) as extra
          limit $10"
    };
}

macro_rules! stored_coarse {
    ($table:literal, $slot:literal, $when:literal) => {
        concat!(
            ", stored as (
                select ",
            $slot,
            ", project_id, provider, model, operation, feature, environment, key_id, status, requests, booked, adjusted, tokens,
                    tokens_input_uncached, tokens_cache_read, tokens_cache_write, tokens_output, unpriced_requests,
                    unpriced_upper_bound, errors, retries, cache_hits, avoided_cost, latency_counts
                from ",
            $table,
            " where org_id = $1 and ",
            $when,
            "
            )"
        )
    };
}

/// The rollup of labels as `computed`.
macro_rules! labels {
    () => {
        ", computed as (
            select days.day, label.name as label, label.value, e.project_id, e.provider, e.model, count(*) as requests,
                sum(coalesce(e.cost, 0)) as booked, sum(coalesce(moved.adjusted, 0)) as adjusted,
                sum(kinds.tokens)::bigint as tokens,
                count(*) filter (where case when moved.event_key is null then e.cost else moved.cost end is null)
                    as unpriced_requests,
                sum(coalesce(case when moved.event_key is null then e.upper_bound else moved.upper_bound end, 0))
                    as unpriced_upper_bound, count(*) filter (where e.status <> 'success') as errors,
                sum(coalesce(e.avoided_cost, 0)) as avoided_cost
            from days
            join events as e on e.org_id = $1 and e.\"timestamp\" >= days.begins and e.\"timestamp\" < days.ends
            left join moved on moved.event_key = e.event_key
            cross join lateral (
                select 'customer' as name, e.customer as value where e.customer is not null
                union all select 'user', e.\"user\" where e.\"user\" is not null
                union all select 'cohort', e.cohort where e.cohort is not null
                union all select 'step', e.step where e.step is not null
                union all select 'tag.' || tag.key, tag.value from jsonb_each_text(e.tags) as tag
            ) as label
            cross join lateral (
                select coalesce(sum(used.value::numeric), 0)::bigint as tokens
                from jsonb_each_text(e.meters) as used where used.key = any($5 || $6 || $7 || $8)
            ) as kinds
            group by 1, 2, 3, 4, 5, 6
        )"
    };
}

/// The rollup of meters as `computed`: what was used at the provider, what each line of the receipts booked, and what the last receipts charge beside that.
macro_rules! meters {
    () => {
        ", computed as (
            select days.day, e.project_id, e.provider, e.model, line.meter, sum(line.requests)::bigint as requests,
                sum(line.quantity) as quantity, sum(line.booked) as booked, sum(line.charged - line.booked) as adjusted
            from days
            join events as e on e.org_id = $1 and e.\"timestamp\" >= days.begins and e.\"timestamp\" < days.ends
            left join moved on moved.event_key = e.event_key
            cross join lateral (
                select meter, coalesce(used.quantity, charged.quantity, 0) as quantity, coalesce(booked.amount, 0) as booked,
                    coalesce(charged.amount, 0) as charged,
                    case when used.quantity is null and charged.quantity is null then 0 else 1 end as requests
                from (select key as meter, value::numeric as quantity from jsonb_each_text(e.meters)) as used
                full join (
                    select line ->> 0 as meter, max((line ->> 1)::numeric) as quantity, sum((line ->> 2)::numeric) as amount
                    from jsonb_array_elements(coalesce(moved.receipt, e.receipt)) as line group by 1
                ) as charged using (meter)
                full join (
                    select line ->> 0 as meter, sum((line ->> 2)::numeric) as amount
                    from jsonb_array_elements(e.receipt) as line group by 1
                ) as booked using (meter)
            ) as line
            where not e.response_cache_hit
            group by 1, 2, 3, 4, 5
        )"
    };
}

/// The rollup of the contract's terms as `computed`: the lines of the last receipts that name a term.
macro_rules! terms {
    () => {
        ", computed as (
            select days.day, e.project_id, e.provider, e.model, line ->> 0 as meter, (line ->> 3)::bigint as term_id,
                sum((line ->> 2)::numeric) as adjusted
            from days
            join events as e on e.org_id = $1 and e.\"timestamp\" >= days.begins and e.\"timestamp\" < days.ends
            join moved on moved.event_key = e.event_key
            cross join lateral jsonb_array_elements(moved.receipt) as line
            -- The numbers of terms; see the migration of contract_terms.
            where (line ->> 3)::bigint >= 6755399441055744
            group by 1, 2, 3, 4, 5, 6
            having sum((line ->> 2)::numeric) <> 0
        )"
    };
}

fn bind<'q>(sql: &'static str, scope: &OrgScope, days: &Days) -> Query<'q, Postgres, PgArguments> {
    let kinds = Kinds::by_word();
    sqlx::query(sql)
        .bind(scope.org_id().0)
        .bind(days.days.clone())
        .bind(days.begins.clone())
        .bind(days.ends.clone())
        .bind(kinds.input_uncached)
        .bind(kinds.cache_read)
        .bind(kinds.cache_write)
        .bind(kinds.output)
        .bind(latency_bounds())
}

async fn differing(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
    table: &'static str,
    sql: &'static str,
) -> Result<Vec<Difference>, Error> {
    let rows = bind(sql, scope, days).bind(MAX_DIFFERENCES).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Difference { table, stored: row.try_get("stored")?, row: row.try_get("row")? })).collect()
}

pub(super) async fn differing_quarters(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
) -> Result<Vec<Difference>, Error> {
    let sql = concat!(
        events!(),
        coarse!("quarter"),
        stored_coarse!(
            "rollup_quarter",
            "quarter",
            "exists (select 1 from days where quarter >= begins and quarter < ends)"
        ),
        differences!()
    );
    differing(connection, scope, days, "rollup_quarter", sql).await
}

pub(super) async fn differing_days(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
) -> Result<Vec<Difference>, Error> {
    let sql = concat!(events!(), coarse!("day"), stored_coarse!("rollup_day", "day", "day = any($2)"), differences!());
    differing(connection, scope, days, "rollup_day", sql).await
}

pub(super) async fn differing_labels(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
) -> Result<Vec<Difference>, Error> {
    let sql = concat!(
        events!(),
        labels!(),
        ", stored as (
            select day, label, value, project_id, provider, model, requests, booked, adjusted, tokens, unpriced_requests,
                unpriced_upper_bound, errors, avoided_cost
            from rollup_label_day where org_id = $1 and day = any($2)
        )",
        differences!()
    );
    differing(connection, scope, days, "rollup_label_day", sql).await
}

pub(super) async fn differing_meters(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
) -> Result<Vec<Difference>, Error> {
    let sql = concat!(
        events!(),
        meters!(),
        ", stored as (
            select day, project_id, provider, model, meter, requests, quantity, booked, adjusted
            from rollup_meter_day where org_id = $1 and day = any($2)
        )",
        differences!()
    );
    differing(connection, scope, days, "rollup_meter_day", sql).await
}

pub(super) async fn differing_terms(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
) -> Result<Vec<Difference>, Error> {
    let sql = concat!(
        events!(),
        terms!(),
        ", stored as (
            select day, project_id, provider, model, meter, term_id, adjusted
            from rollup_term_day where org_id = $1 and day = any($2)
        )",
        differences!()
    );
    differing(connection, scope, days, "rollup_term_day", sql).await
}

/// A transaction that sees one moment and changes nothing.
pub(super) async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    Ok(pool.begin_with("begin isolation level repeatable read read only").await?)
}

/// Empties the rows of the days, adds what follows from the events, and takes away what stays empty. Adjustments are not touched.
async fn repair(
    connection: &mut PgConnection,
    scope: &OrgScope,
    days: &Days,
    [empty, add, take]: [&'static str; 3],
) -> Result<(), Error> {
    for sql in [empty, add, take] {
        bind(sql, scope, days).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The three statements of a coarse rollup.
macro_rules! repair_coarse {
    ($table:literal, $slot:literal, $when:literal) => {
        [
            concat!(
                "update ", $table, " set requests = 0, booked = 0, adjusted = 0, tokens = 0, tokens_input_uncached = 0, tokens_cache_read = 0,
                    tokens_cache_write = 0, tokens_output = 0, unpriced_requests = 0, unpriced_upper_bound = 0, errors = 0,
                    retries = 0, cache_hits = 0, avoided_cost = 0, latency_counts = '{}'
                 where org_id = $1 and ", $when
            ),
            concat!(
                events!(), coarse!($slot),
                " insert into ", $table, " (org_id, ", $slot, ", project_id, provider, model, operation, feature, environment,
                    key_id, status, requests, booked, adjusted, tokens, tokens_input_uncached, tokens_cache_read, tokens_cache_write,
                    tokens_output, unpriced_requests, unpriced_upper_bound, errors, retries, cache_hits, avoided_cost, latency_counts)
                  select $1, computed.* from computed
                  on conflict on constraint ", $table, "_pkey do update set requests = excluded.requests, booked = excluded.booked,
                    adjusted = excluded.adjusted, tokens = excluded.tokens, tokens_input_uncached = excluded.tokens_input_uncached,
                    tokens_cache_read = excluded.tokens_cache_read, tokens_cache_write = excluded.tokens_cache_write,
                    tokens_output = excluded.tokens_output, unpriced_requests = excluded.unpriced_requests,
                    unpriced_upper_bound = excluded.unpriced_upper_bound, errors = excluded.errors, retries = excluded.retries,
                    cache_hits = excluded.cache_hits, avoided_cost = excluded.avoided_cost,
                    latency_counts = excluded.latency_counts"
            ),
            concat!("delete from ", $table, " where org_id = $1 and requests = 0 and adjusted = 0 and ", $when),
        ]
    };
}

pub(super) async fn repair_quarters(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    let statements = repair_coarse!(
        "rollup_quarter",
        "quarter",
        "exists (select 1 from unnest($3::timestamptz[], $4::timestamptz[]) as days (begins, ends) where quarter >= begins and quarter < ends)"
    );
    repair(connection, scope, days, statements).await
}

pub(super) async fn repair_days(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    repair(connection, scope, days, repair_coarse!("rollup_day", "day", "day = any($2::date[])")).await
}

pub(super) async fn repair_labels(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    let statements = [
        "update rollup_label_day set requests = 0, booked = 0, adjusted = 0, tokens = 0, unpriced_requests = 0, unpriced_upper_bound = 0,
            errors = 0, avoided_cost = 0
         where org_id = $1 and day = any($2::date[])",
        concat!(
            events!(),
            labels!(),
            " insert into rollup_label_day (org_id, day, label, value, project_id, provider, model, requests, booked, adjusted, tokens,
                unpriced_requests, unpriced_upper_bound, errors, avoided_cost)
              select $1, computed.* from computed
              on conflict on constraint rollup_label_day_pkey do update set requests = excluded.requests, booked = excluded.booked,
                adjusted = excluded.adjusted, tokens = excluded.tokens, unpriced_requests = excluded.unpriced_requests,
                unpriced_upper_bound = excluded.unpriced_upper_bound, errors = excluded.errors,
                avoided_cost = excluded.avoided_cost"
        ),
        "delete from rollup_label_day where org_id = $1 and requests = 0 and adjusted = 0 and day = any($2::date[])",
    ];
    repair(connection, scope, days, statements).await
}

pub(super) async fn repair_meters(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    let statements = [
        "update rollup_meter_day set requests = 0, quantity = 0, booked = 0, adjusted = 0 where org_id = $1 and day = any($2::date[])",
        concat!(
            events!(),
            meters!(),
            " insert into rollup_meter_day (org_id, day, project_id, provider, model, meter, requests, quantity, booked, adjusted)
              select $1, computed.* from computed
              on conflict on constraint rollup_meter_day_pkey do update set requests = excluded.requests,
                quantity = excluded.quantity, booked = excluded.booked, adjusted = excluded.adjusted"
        ),
        "delete from rollup_meter_day where org_id = $1 and requests = 0 and adjusted = 0 and day = any($2::date[])",
    ];
    repair(connection, scope, days, statements).await
}

pub(super) async fn repair_terms(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    let statements = [
        "update rollup_term_day set adjusted = 0 where org_id = $1 and day = any($2::date[])",
        concat!(
            events!(),
            terms!(),
            " insert into rollup_term_day (org_id, day, project_id, provider, model, meter, term_id, adjusted)
              select $1, computed.* from computed
              on conflict on constraint rollup_term_day_pkey do update set adjusted = excluded.adjusted"
        ),
        "delete from rollup_term_day where org_id = $1 and adjusted = 0 and day = any($2::date[])",
    ];
    repair(connection, scope, days, statements).await
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
        "with days as (
            select * from unnest($2::date[], $3::timestamptz[], $4::timestamptz[]) as days (day, begins, ends)
        ), quarters as (
            select days.day, rollup_quarter.*
            from days join rollup_quarter on org_id = $1 and quarter >= days.begins and quarter < days.ends
        ), classes as (
            select day, project_id, provider, model, operation, feature, environment, key_id, status, class, sum(calls)::bigint as calls
            from quarters cross join lateral unnest(latency_counts) with ordinality as counts (calls, class)
            group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
        ), latency as (
            select day, project_id, provider, model, operation, feature, environment, key_id, status,
                array_agg(calls order by class) as latency_counts
            from classes group by 1, 2, 3, 4, 5, 6, 7, 8, 9
        ), summed as (
            select day, project_id, provider, model, operation, feature, environment, key_id, status,
                sum(requests)::bigint as requests, sum(booked) as booked, sum(adjusted) as adjusted, sum(tokens)::bigint as tokens,
                sum(tokens_input_uncached)::bigint as tokens_input_uncached, sum(tokens_cache_read)::bigint as tokens_cache_read,
                sum(tokens_cache_write)::bigint as tokens_cache_write, sum(tokens_output)::bigint as tokens_output,
                sum(unpriced_requests)::bigint as unpriced_requests, sum(unpriced_upper_bound) as unpriced_upper_bound,
                sum(errors)::bigint as errors, sum(retries)::bigint as retries, sum(cache_hits)::bigint as cache_hits,
                sum(avoided_cost) as avoided_cost
            from quarters group by 1, 2, 3, 4, 5, 6, 7, 8, 9
        )
        insert into rollup_day (org_id, day, project_id, provider, model, operation, feature, environment, key_id, status,
            requests, booked, adjusted, tokens, tokens_input_uncached, tokens_cache_read, tokens_cache_write, tokens_output,
            unpriced_requests, unpriced_upper_bound, errors, retries, cache_hits, avoided_cost, latency_counts)
        select $1, summed.*, coalesce(latency.latency_counts, '{}')
        from summed
        left join latency using (day, project_id, provider, model, operation, feature, environment, key_id, status)",
    )
    .bind(scope.org_id().0)
    .bind(&days.days)
    .bind(&days.begins)
    .bind(&days.ends)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn rebuild_labels(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    sqlx::query("delete from rollup_label_day where org_id = $1 and day >= coalesce($2, '-infinity')")
        .bind(scope.org_id().0)
        .bind(events_from(connection, scope).await?)
        .execute(&mut *connection)
        .await?;
    let sql = concat!(
        events!(),
        labels!(),
        " insert into rollup_label_day (org_id, day, label, value, project_id, provider, model, requests, booked, adjusted, tokens,
            unpriced_requests, unpriced_upper_bound, errors, avoided_cost)
          select $1, computed.* from computed"
    );
    bind(sql, scope, days).execute(connection).await?;
    Ok(())
}

pub(super) async fn rebuild_meters(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    sqlx::query("delete from rollup_meter_day where org_id = $1 and day >= coalesce($2, '-infinity')")
        .bind(scope.org_id().0)
        .bind(events_from(connection, scope).await?)
        .execute(&mut *connection)
        .await?;
    let sql = concat!(
        events!(),
        meters!(),
        " insert into rollup_meter_day (org_id, day, project_id, provider, model, meter, requests, quantity, booked, adjusted)
          select $1, computed.* from computed"
    );
    bind(sql, scope, days).execute(connection).await?;
    Ok(())
}

pub(super) async fn rebuild_terms(connection: &mut PgConnection, scope: &OrgScope, days: &Days) -> Result<(), Error> {
    sqlx::query("delete from rollup_term_day where org_id = $1 and day >= coalesce($2, '-infinity')")
        .bind(scope.org_id().0)
        .bind(events_from(connection, scope).await?)
        .execute(&mut *connection)
        .await?;
    let sql = concat!(
        events!(),
        terms!(),
        " insert into rollup_term_day (org_id, day, project_id, provider, model, meter, term_id, adjusted)
          select $1, computed.* from computed"
    );
    bind(sql, scope, days).execute(connection).await?;
    Ok(())
}

/// Everything of this room that belongs to the organization.
pub(super) async fn delete_all(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    for sql in [
        "delete from events where org_id = $1",
        "delete from event_ids where org_id = $1",
        "delete from rejected_events where org_id = $1",
        "delete from rollup_quarter where org_id = $1",
        "delete from rollup_day where org_id = $1",
        "delete from rollup_label_day where org_id = $1",
        "delete from rollup_meter_day where org_id = $1",
        "delete from rollup_term_day where org_id = $1",
        "delete from adjustments where org_id = $1",
        "delete from dirty_marks where org_id = $1",
    ] {
        sqlx::query(sql).bind(scope.org_id().0).execute(&mut *connection).await?;
    }
    crate::events::doubles::delete_all(connection, scope).await
}
