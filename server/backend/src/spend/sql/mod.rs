//! Queries of the sums by day, by quarter of an hour and by label.

mod beside;
mod customers;
mod latencies;
mod levels;
mod needed;
mod newest;
mod orders;
mod unpriced;

pub(super) use newest::{newest_by_project, newest_event_at};
pub(super) use orders::orders;
pub(super) use unpriced::{paid, unpriced};

use levels::{push_level, push_owner};
use needed::{BY_METER, CALLS, needed_sums_of, push_by_meter};

use super::answers::{MeterRow, State};
use crate::ledger::adjust::CURRENT_COST;
use crate::ledger::key::first_key;
use crate::ledger::{push_counted, push_keys, push_match, push_seen_days, push_seen_events};
use crate::{Error, OrgScope};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Utc};
use domain::budget::SpendScope;
use domain::ids::{ProjectId, TeamId};
use domain::meter::Meter;
use domain::period::Period;
use domain::spend::{
    BucketStart, Dimension, Estimate, Filter, Granularity, MAX_GROUP_BY, MAX_LABELS, Metered, ProjectDay, Source,
    SpendQuery, SpendRange, SpendRow, Sums,
};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row};
use std::cmp::Ordering;
use uuid::Uuid;

type Query = QueryBuilder<Postgres>;

/// The sums of [`Sums`] over any of the three rollups.
pub(crate) const SUMS: &str = "coalesce(sum(r.booked + r.adjusted), 0) as spend,
    coalesce(sum(r.booked), 0) as booked,
    coalesce(sum(r.requests), 0)::bigint as requests,
    coalesce(sum(r.tokens), 0)::bigint as tokens,
    coalesce(sum(r.unpriced_requests), 0)::bigint as unpriced_requests,
    coalesce(sum(r.unpriced_upper_bound), 0) as unpriced_upper_bound,
    coalesce(sum(r.errors), 0)::bigint as errors,
    coalesce(sum(r.avoided_cost), 0) as avoided_cost";

/// The sums of rows that are such sums already.
const SUMS_OF_SUMS: &str = "coalesce(sum(spend), 0) as spend, coalesce(sum(booked), 0) as booked, coalesce(sum(requests), 0)::bigint as requests,
    coalesce(sum(tokens), 0)::bigint as tokens, coalesce(sum(unpriced_requests), 0)::bigint as unpriced_requests,
    coalesce(sum(unpriced_upper_bound), 0) as unpriced_upper_bound,
    coalesce(sum(errors), 0)::bigint as errors, coalesce(sum(avoided_cost), 0) as avoided_cost";

/// Reads the columns of [`SUMS`].
pub(crate) fn sums_of(row: &PgRow) -> Result<Sums, sqlx::Error> {
    Ok(Sums {
        spend: row.try_get::<Decimal, _>("spend")?,
        booked: row.try_get("booked")?,
        requests: row.try_get("requests")?,
        tokens: row.try_get("tokens")?,
        unpriced_requests: row.try_get("unpriced_requests")?,
        unpriced_upper_bound: row.try_get("unpriced_upper_bound")?,
        errors: row.try_get("errors")?,
        avoided_cost: row.try_get("avoided_cost")?,
        ..Sums::default()
    })
}

/// Names of the columns that hold a row's keys: one more than a query from outside may ask for.
const KEYS: [&str; MAX_GROUP_BY + 1] = ["key_1", "key_2", "key_3"];

/// At most `limit` rows and the total over all that match, from one scan.
pub(super) async fn grouped(
    pool: &PgPool,
    scope: &OrgScope,
    part: SpendScope,
    query: &SpendQuery,
    source: &Source,
    limit: usize,
) -> Result<(Vec<SpendRow>, Sums), Error> {
    let mut sql = grouped_sql(scope, part, query, source, limit);
    let rows = sql.build().fetch_all(pool).await?;
    let mut total = Sums::default();
    let mut grouped = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get("is_total")? {
            total = needed_sums_of(row, query.needs())?;
        } else {
            grouped.push(found(row, query)?);
        }
    }
    if let Source::Days(period) = source {
        if query.needs().latencies {
            Box::pin(latencies::add(pool, scope, part, query, *period, (&mut grouped, &mut total))).await?;
        }
        if query.needs().customers {
            Box::pin(customers::add(pool, scope, part, query, *period, (&mut grouped, &mut total))).await?;
        }
    }
    grouped.sort_by(in_order);
    Ok((grouped, total))
}

/// Only static fragments are pushed: dimension words choose among them, values are bound.
///
/// A peak is found among sums of quarters of an hour, which are summed once more.
fn grouped_sql(scope: &OrgScope, part: SpendScope, query: &SpendQuery, source: &Source, limit: usize) -> Query {
    let needs = query.needs();
    let (calls, by_meter) = (if needs.calls { CALLS } else { "" }, if needs.meters { BY_METER } else { "" });
    let (quarter, by_quarter) = if needs.peak { ("r.quarter, ", ", r.quarter") } else { ("", "") };
    let mut sql = Query::new("with ");
    sql.push(if needs.peak { "quarters" } else { "grouped" }).push(" as (select ").push(quarter);
    sql.push(bucket_at(query.bucket, source)).push(" as bucket_at, ");
    sql.push(match source {
        Source::Quarters if query.bucket == Granularity::Hour => "span.secs",
        Source::Events(_) if query.bucket == Granularity::Hour => "r.secs",
        _ => "null::int",
    });
    sql.push(" as bucket_secs, ");
    push_group_keys(&mut sql, query, source);
    sql.push(SUMS).push(calls).push(by_meter).push(" from ");
    push_source(&mut sql, scope, part, query, source);
    for filter in &query.filters {
        push_filter(&mut sql, scope, filter, source);
    }
    sql.push(" group by bucket_at, bucket_secs, key_1, key_2, key_3").push(by_quarter);
    // What the missing value of a label is left with may be nothing at all.
    sql.push(
        " having sum(r.requests) <> 0 or sum(r.booked + r.adjusted) <> 0 or sum(r.tokens) <> 0
            or sum(r.avoided_cost) <> 0",
    );
    if needs.peak {
        sql.push("), grouped as (select bucket_at, bucket_secs, key_1, key_2, key_3, ").push(SUMS_OF_SUMS).push(calls);
        sql.push(", max(requests) as peak_requests, max(tokens) as peak_tokens from quarters group by 1, 2, 3, 4, 5");
    }
    sql.push(
        "), shown as (select * from grouped
            order by bucket_at, bucket_secs desc, spend desc, key_1, key_2, key_3 limit ",
    );
    sql.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.push(
        ") select true as is_total, null::timestamp as bucket_at, null::int as bucket_secs,
            null as key_1, null as key_2, null as key_3, ",
    );
    sql.push(SUMS_OF_SUMS).push(calls).push(by_meter);
    if needs.peak {
        const PEAKS: &str = "from (select sum(requests)::bigint as requests, sum(tokens)::bigint as tokens from quarters group by quarter) as whole)";
        sql.push(", (select coalesce(max(requests), 0) ").push(PEAKS).push(" as peak_requests");
        sql.push(", (select coalesce(max(tokens), 0) ").push(PEAKS).push(" as peak_tokens");
    }
    sql.push(" from grouped union all select false, bucket_at, bucket_secs, ");
    push_words(&mut sql, scope, query);
    sql.push("spend, booked, requests, tokens, unpriced_requests, unpriced_upper_bound, errors, avoided_cost");
    sql.push(if needs.calls { ", retries, retry_cost, cache_hits" } else { "" });
    sql.push(if needs.meters { ", input, cache_read, output, included" } else { "" });
    sql.push(if needs.peak { ", peak_requests, peak_tokens" } else { "" });
    sql.push(" from shown");
    sql
}

fn bucket_at(bucket: Granularity, source: &Source) -> &'static str {
    let quarters = *source == Source::Quarters;
    match bucket {
        Granularity::None => "null::timestamp",
        Granularity::Hour if quarters => "date_trunc('hour', span.local)",
        Granularity::Hour => "date_trunc('hour', r.local)",
        Granularity::Day if quarters => "date_trunc('day', span.local)",
        Granularity::Week if quarters => "date_trunc('week', span.local)",
        Granularity::Month if quarters => "date_trunc('month', span.local)",
        Granularity::Quarter if quarters => "date_trunc('quarter', span.local)",
        Granularity::Year if quarters => "date_trunc('year', span.local)",
        Granularity::Day => "r.day::timestamp",
        Granularity::Week => "date_trunc('week', r.day::timestamp)",
        Granularity::Month => "date_trunc('month', r.day::timestamp)",
        Granularity::Quarter => "date_trunc('quarter', r.day::timestamp)",
        Granularity::Year => "date_trunc('year', r.day::timestamp)",
    }
}

/// The values of the labels of a query that events answer.
const VALUES: [&str; MAX_LABELS] = ["r.value_1", "r.value_2", "r.value_3", "r.value_4"];

fn key(dimension: &Dimension, source: &Source) -> &'static str {
    match dimension {
        Dimension::Project => "r.project_id::text",
        Dimension::Team => "owner.team_id::text",
        Dimension::ProductLine => "line.product_line_id::text",
        Dimension::ApiKey => "r.key_id::text",
        Dimension::Model => "r.model",
        Dimension::Provider => "r.provider",
        Dimension::Operation => "r.operation",
        Dimension::Feature => "r.feature",
        Dimension::Environment => "r.environment",
        Dimension::Status => "r.status",
        Dimension::Cohort => "r.cohort",
        Dimension::Step => "r.step",
        Dimension::Customer | Dimension::User | Dimension::UnreadUsage | Dimension::Tag(_) => match source {
            Source::Events(labels) => {
                let position = labels.iter().position(|label| label == dimension);
                position.and_then(|position| VALUES.get(position)).copied().unwrap_or("''")
            }
            _ => "r.value",
        },
        // Rules find it out of sums.
        Dimension::AllocatedTeam => "null::text",
    }
}

/// The columns of a row's keys, as they are grouped.
fn push_group_keys(sql: &mut Query, query: &SpendQuery, source: &Source) {
    for (position, column) in KEYS.into_iter().enumerate() {
        let key = query.group_by.get(position).map_or("null::text", |dimension| key(dimension, source));
        sql.push(key).push(" as ").push(column).push(", ");
    }
}

/// The same as words.
fn push_words(sql: &mut Query, scope: &OrgScope, query: &SpendQuery) {
    for (position, column) in KEYS.into_iter().enumerate() {
        push_word(sql, scope, query.group_by.get(position), column);
        sql.push(" as ").push(column).push(", ");
    }
}

/// Ids of projects and teams become their slugs only where rows are shown.
fn push_word(sql: &mut Query, scope: &OrgScope, dimension: Option<&Dimension>, column: &'static str) {
    let (table, id) = match dimension {
        Some(Dimension::Project) => ("projects", "project_id"),
        Some(Dimension::Team) => ("teams", "team_id"),
        Some(Dimension::ProductLine) => ("product_lines", "product_line_id"),
        _ => {
            sql.push(column);
            return;
        }
    };
    sql.push("(select slug from ").push(table).push(" as named where named.org_id = ").push_bind(scope.org_id().0);
    sql.push(" and named.").push(id).push(" = ").push(column).push("::uuid)");
}

fn push_source(sql: &mut Query, scope: &OrgScope, part: SpendScope, query: &SpendQuery, source: &Source) {
    match source {
        Source::Days(period) | Source::Allocated(period) => {
            if query.needs().meters {
                push_by_meter(sql, scope, *period, query);
            } else {
                sql.push(if is_coarse(query) { "spend_by_coarse_day as r" } else { "spend_by_day as r" });
            }
            push_owner(sql, scope, query, "r.day");
            push_days(sql.push(" where "), scope, *period, "r.");
            push_part(sql, scope, part, "r.day");
        }
        Source::Labels(period, label) => {
            push_labels(sql, scope, *period, label, is_label_alone(scope, part, query, label));
            push_owner(sql, scope, query, "r.day");
            sql.push(" where true");
            push_part(sql, scope, part, "r.day");
        }
        Source::Quarters => {
            push_quarters(sql, scope, query);
            push_part(sql, scope, part, "span.local::date");
        }
        Source::Events(labels) => {
            push_events(sql, scope, query, labels);
            push_owner(sql, scope, query, "r.day");
            sql.push(" where true");
            push_part(sql, scope, part, "r.day");
        }
    }
}

/// Whether coarser sums carry everything that a query asks.
fn is_coarse(query: &SpendQuery) -> bool {
    let carried = |dimension: &Dimension| {
        matches!(dimension, Dimension::Provider | Dimension::Model | Dimension::Status) || dimension.is_of_project()
    };
    query.dimensions().all(carried)
}

/// Whether sums by label alone carry everything that a query asks, of every project.
fn is_label_alone(scope: &OrgScope, part: SpendScope, query: &SpendQuery, label: &Dimension) -> bool {
    let carried = |dimension: &Dimension| dimension == label || *dimension == Dimension::Status;
    part == SpendScope::Organization && scope.sees_all() && query.dimensions().all(carried)
}

fn push_days(sql: &mut Query, scope: &OrgScope, period: Period, alias: &'static str) {
    sql.push(alias).push("org_id = ").push_bind(scope.org_id().0);
    sql.push(" and ").push(alias).push("day >= ").push_bind(period.from);
    sql.push(" and ").push(alias).push("day < ").push_bind(period.to);
    push_seen_days(sql, scope, &format!("{alias}project_id"), &format!("{alias}day"));
}

/// One row per value, and what no value accounts for as the missing value: the day's rollup less all labelled.
fn push_labels(sql: &mut Query, scope: &OrgScope, period: Period, label: &Dimension, is_alone: bool) {
    const SUMS: &str =
        "requests, booked, adjusted, tokens, unpriced_requests, unpriced_upper_bound, errors, avoided_cost";
    const LESS: &str =
        "-requests, -booked, -adjusted, -tokens, -unpriced_requests, -unpriced_upper_bound, -errors, -avoided_cost";
    let (words, labelled, all) = if is_alone {
        ("day, status, ", "spend_by_coarse_label", "spend_by_coarse_day")
    } else {
        let words = "day, project_id, key_id, provider, model, operation, status, feature, environment, cohort, step, ";
        (words, "spend_by_label", "spend_by_day")
    };
    let name = label.name();
    sql.push("(select ").push(words).push("value, ").push(SUMS).push(" from ").push(labelled).push(" where ");
    push_days(sql, scope, period, "");
    sql.push(" and label = ").push_bind(name.clone());
    sql.push(" union all select ").push(words).push("'', ").push(SUMS).push(" from ").push(all).push(" where ");
    push_days(sql, scope, period, "");
    sql.push(" union all select ").push(words).push("'', ").push(LESS).push(" from ").push(labelled).push(" where ");
    push_days(sql, scope, period, "");
    sql.push(" and label = ").push_bind(name).push(") as r");
}

/// One row per event, with its values of some labels and what it costs now.
///
/// Every table is asked for the organization by its id, and none for that of another's row: a cluster that has to conclude it beside spans that lie on no server concludes nothing, and answers with no rows.
fn push_events(sql: &mut Query, scope: &OrgScope, query: &SpendQuery, labels: &[Dimension]) {
    let offsets = Offsets::of(scope, query);
    sql.push(
        "(select span.local, span.local::date as day, offsets.secs, s.project_id, s.key_id, s.provider, s.model, s.operation, s.status,
            s.feature, s.environment, s.cohort, s.step, 1 as requests, coalesce(e.cost, 0) as booked, e.tokens,
            coalesce(",
    );
    sql.push(CURRENT_COST).push(", 0) - coalesce(e.cost, 0) as adjusted, case when ").push(CURRENT_COST);
    sql.push(
        " is null then 1 else 0 end as unpriced_requests,
            coalesce(case when a.revision is null then e.upper_bound else a.new_upper_bound end, 0) as unpriced_upper_bound,
            case when s.status = 'success' then 0 else 1 end as errors, coalesce(e.avoided_cost, 0) as avoided_cost",
    );
    for (label, column) in labels.iter().zip(VALUES) {
        sql.push(
            ", coalesce((select min(l.value) from label_words as l
                where l.org_id = ",
        );
        sql.push_bind(scope.org_id().0);
        sql.push(" and l.label_id = any(array(select label_ids(e.labels))) and l.label = ");
        sql.push_bind(label.name()).push("), '') as ").push(column.trim_start_matches("r."));
    }
    sql.push(" from unnest(").push_bind(offsets.starts.iter().map(|at| first_key(*at)).collect::<Vec<_>>());
    sql.push("::uuid[], ").push_bind(offsets.ends.iter().map(|at| first_key(*at)).collect::<Vec<_>>());
    sql.push("::uuid[], ").push_bind(offsets.secs).push("::int[]) as offsets (starts, ends, secs)");
    sql.push(" join events as e on e.event_key >= offsets.starts and e.event_key < offsets.ends");
    sql.push(" join series_words as s on s.series_id = e.series_id and s.org_id = ").push_bind(scope.org_id().0);
    sql.push(" left join lateral (select * from adjustments where adjustments.event_key = e.event_key and adjustments.org_id = ");
    sql.push_bind(scope.org_id().0).push(" order by revision desc limit 1) as a on true");
    sql.push(
        " cross join lateral (
            select event_time(e.event_key) at time zone 'UTC' + make_interval(secs => offsets.secs) as local) as span
         where e.org_id = ",
    );
    sql.push_bind(scope.org_id().0);
    push_seen_events(sql, scope);
    sql.push(") as r");
}

/// How many events the organization has in the span of a query, whoever may see them: so many are gone through.
pub(super) async fn events_in_span(pool: &PgPool, scope: &OrgScope, query: &SpendQuery) -> Result<i64, Error> {
    let count = match query.range {
        SpendRange::Days { from, to } => sqlx::query_scalar(
            "select coalesce(sum(requests), 0)::bigint from rollup_coarse_day where org_id = $1 and day >= $2 and day < $3",
        )
        .bind(scope.org_id().0)
        .bind(from)
        .bind(to),
        SpendRange::Instants { from, to } => sqlx::query_scalar(
            "select coalesce(sum(requests), 0)::bigint from rollup_quarter
             where org_id = $1 and quarter >= $2 and quarter < $3",
        )
        .bind(scope.org_id().0)
        .bind(from)
        .bind(to),
    };
    Ok(count.fetch_one(pool).await?)
}

/// First instant and end of a span.
pub(super) fn instants(scope: &OrgScope, range: SpendRange) -> (DateTime<Utc>, DateTime<Utc>) {
    match range {
        SpendRange::Days { from, to } => scope.zone().instants(Period { from, to }),
        SpendRange::Instants { from, to } => (from, to),
    }
}

/// Local time comes from our own zone tables as spans of one offset, so that PostgreSQL's cannot disagree with the days of the rollups.
struct Offsets {
    starts: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
    secs: Vec<i32>,
}

impl Offsets {
    fn of(scope: &OrgScope, query: &SpendQuery) -> Self {
        let (from, to) = instants(scope, query.range);
        let mut offsets = Self { starts: Vec::new(), ends: Vec::new(), secs: Vec::new() };
        for (start, end, secs) in scope.zone().offsets(from, to) {
            offsets.starts.push(start);
            offsets.ends.push(end);
            offsets.secs.push(secs);
        }
        offsets
    }
}

fn push_quarters(sql: &mut Query, scope: &OrgScope, query: &SpendQuery) {
    let Offsets { starts, ends, secs } = Offsets::of(scope, query);
    sql.push("unnest(").push_bind(starts).push("::timestamptz[], ").push_bind(ends);
    sql.push("::timestamptz[], ").push_bind(secs).push("::int[]) as offsets (starts, ends, secs)");
    sql.push(" join spend_by_quarter as r on r.org_id = ").push_bind(scope.org_id().0);
    sql.push(" and r.quarter >= offsets.starts and r.quarter < offsets.ends");
    sql.push(
        " cross join lateral (select offsets.secs,
            r.quarter at time zone 'UTC' + make_interval(secs => offsets.secs) as local) as span",
    );
    push_owner(sql, scope, query, "span.local::date");
    sql.push(" where true");
    push_seen_days(sql, scope, "r.project_id", "span.local::date");
}

fn push_filter(sql: &mut Query, scope: &OrgScope, filter: &Filter, source: &Source) {
    sql.push(if filter.exclude { " and not coalesce(" } else { " and coalesce(" });
    match filter.dimension {
        Dimension::Project => {
            sql.push("r.project_id in (select project_id from projects where org_id = ").push_bind(scope.org_id().0);
            sql.push(" and ");
            push_match(sql, "slug", filter);
            sql.push(")");
        }
        Dimension::Team => push_level(sql, scope, filter, ("teams", "teams.team_id = owner.team_id")),
        Dimension::ProductLine => {
            push_level(sql, scope, filter, ("product_lines", "product_lines.product_line_id = line.product_line_id"));
        }
        Dimension::ApiKey => push_keys(sql, scope, "r.key_id", filter),
        ref dimension => push_counted(sql, scope, key(dimension, source), filter),
    }
    sql.push(", false)");
}

/// One row of the answer.
fn found(row: &PgRow, query: &SpendQuery) -> Result<SpendRow, Error> {
    let (bucket, keys) = (bucket_start(row, query.bucket)?, keys_of(row, query)?);
    Ok(SpendRow { bucket, keys, sums: needed_sums_of(row, query.needs())? })
}

/// The words of a row; none where one is missing.
fn keys_of(row: &PgRow, query: &SpendQuery) -> Result<Vec<Option<String>>, sqlx::Error> {
    let columns = KEYS.into_iter().take(query.group_by.len());
    columns.map(|column| Ok(row.try_get::<Option<String>, _>(column)?.filter(|key| !key.is_empty()))).collect()
}

fn bucket_start(row: &PgRow, bucket: Granularity) -> Result<Option<BucketStart>, Error> {
    let Some(local) = row.try_get::<Option<NaiveDateTime>, _>("bucket_at")? else { return Ok(None) };
    let Some(offset_secs) = row.try_get::<Option<i32>, _>("bucket_secs")? else {
        return Ok(BucketStart::of(bucket, local.date()));
    };
    let at = FixedOffset::east_opt(offset_secs).and_then(|offset| local.and_local_timezone(offset).single());
    let at = at.ok_or_else(|| Error::inconsistent("rollup_quarter", "bucket_secs", offset_secs))?;
    Ok(Some(BucketStart::Hour(at)))
}

/// By bucket, then by falling spend.
pub(super) fn in_order(one: &SpendRow, other: &SpendRow) -> Ordering {
    let by_spend = || other.sums.spend.cmp(&one.sums.spend);
    one.bucket.cmp(&other.bucket).then_with(by_spend).then_with(|| one.keys.cmp(&other.keys))
}

/// Limits a query (alias `r`) to a team's projects of the day, or to one project.
fn push_part(sql: &mut Query, scope: &OrgScope, part: SpendScope, day: &'static str) {
    match part {
        SpendScope::Organization => {}
        SpendScope::Project(project) => {
            sql.push(" and r.project_id = ").push_bind(project.0);
        }
        SpendScope::Team(team) => {
            sql.push(" and exists (select 1 from project_ownership as part where part.org_id = ");
            sql.push_bind(scope.org_id().0).push(" and part.project_id = r.project_id and part.valid_from <= ");
            sql.push(day).push(" and part.valid_to > ").push(day).push(" and part.team_id = ");
            sql.push_bind(team.0).push(")");
        }
    }
}

/// Quantity and spend of every meter of every model of every project, as slug of the project, provider and model.
///
/// The rollup of meters carries no labels: filters by them are the caller's to keep away.
pub(super) async fn meters(
    pool: &PgPool,
    scope: &OrgScope,
    part: SpendScope,
    query: &SpendQuery,
    period: Period,
) -> Result<Vec<MeterRow>, Error> {
    let mut sql = Query::new(
        "select (select slug from projects as named where named.project_id = r.project_id and named.org_id = ",
    );
    sql.push_bind(scope.org_id().0).push(
        ") as project, r.provider, r.model, r.meter, sum(r.quantity) as quantity, sum(r.booked + r.adjusted) as spend
         from ",
    );
    sql.push(if is_coarse(query) { "spend_by_coarse_meter as r" } else { "spend_by_meter as r" });
    push_owner(&mut sql, scope, query, "r.day");
    push_days(sql.push(" where "), scope, period, "r.");
    push_part(&mut sql, scope, part, "r.day");
    for filter in &query.filters {
        push_filter(&mut sql, scope, filter, &Source::Days(period));
    }
    sql.push(" group by r.project_id, r.provider, r.model, r.meter");
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let meter = meter(row.try_get("meter")?)?;
            let key = [row.try_get("project")?, row.try_get("provider")?, row.try_get("model")?];
            Ok((key, meter, Metered { quantity: row.try_get("quantity")?, spend: row.try_get("spend")? }))
        })
        .collect()
}

/// The states of parts of a span, with the values that count as others; of the words and owners of projects only where they matter.
pub(super) async fn states(
    pool: &PgPool,
    scope: &OrgScope,
    parts: &[Period],
    [with_projects, with_rules]: [bool; 2],
) -> Result<Vec<State>, Error> {
    let (from, to): (Vec<NaiveDate>, Vec<NaiveDate>) = parts.iter().map(|part| (part.from, part.to)).unzip();
    let rows = sqlx::query(
        "select days.versions + (
            select coalesce(sum(hashtextextended(dimension || ' ' || value || ' ' || canonical, 0)), 0)
            from value_aliases where org_id = $1) as versions, case when $4 then (
            select coalesce(sum(hashtextextended(project_id::text || slug, 0)), 0) from projects where org_id = $1) + (
            select coalesce(sum(hashtextextended(team_id::text || slug, 0)), 0) from teams where org_id = $1) + (
            select coalesce(sum(hashtextextended(project_id::text || team_id || valid_from || valid_to, 0)), 0)
            from project_ownership where org_id = $1) + (
            select coalesce(sum(hashtextextended(product_line_id::text || slug, 0)), 0) from product_lines where org_id = $1) + (
            select coalesce(sum(hashtextextended(project_id::text || product_line_id || valid_from || valid_to, 0)), 0)
            from project_product_lines where org_id = $1) else 0 end as projects, case when $5 then (
            select coalesce(sum(hashtextextended(rule_id::text, 0)), 0) from rules
            where org_id = $1 and kind = 'allocation' and superseded_at is null) + (
            select coalesce(sum(extract(epoch from recorded_at)), 0) from business_metric_values
            where org_id = $1 and superseded_at is null) else 0 end as rules
         from unnest($2::date[], $3::date[]) with ordinality as part (from_day, to_day, number)
         cross join lateral (
            select coalesce(sum(version), 0) as versions from rollup_version
            where org_id = $1 and day >= part.from_day and day < part.to_day) as days
         order by part.number",
    );
    let rows = rows.bind(scope.org_id().0).bind(from).bind(to).bind(with_projects).bind(with_rules);
    let state = |row: &PgRow| {
        let of = |column| row.try_get(column);
        Ok(State { versions: of("versions")?, projects: of("projects")?, rules: of("rules")? })
    };
    rows.fetch_all(pool).await?.iter().map(state).collect()
}

/// Sums by day and project, with each day's owner.
pub(super) async fn by_project_day(pool: &PgPool, scope: &OrgScope, period: Period) -> Result<Vec<ProjectDay>, Error> {
    let mut sql = Query::new(
        "select r.day, r.project_id, owner.team_id, sum(r.booked + r.adjusted) as spend,
            sum(r.unpriced_requests)::bigint as unpriced_requests, sum(r.unpriced_upper_bound) as unpriced_upper_bound
         from spend_by_coarse_day as r left join project_ownership as owner on owner.org_id = r.org_id
            and owner.project_id = r.project_id and owner.valid_from <= r.day and owner.valid_to > r.day where ",
    );
    push_days(&mut sql, scope, period, "r.");
    sql.push(" group by r.day, r.project_id, owner.team_id order by r.day, r.project_id");
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(ProjectDay {
                day: row.try_get("day")?,
                project_id: ProjectId(row.try_get("project_id")?),
                team_id: row.try_get::<Option<Uuid>, _>("team_id")?.map(TeamId),
                spend: row.try_get("spend")?,
                estimate: Estimate {
                    amount: Decimal::ZERO,
                    events: row.try_get("unpriced_requests")?,
                    upper_bound: row.try_get("unpriced_upper_bound")?,
                },
            })
        })
        .collect()
}

fn meter(word: &str) -> Result<Meter, Error> {
    Meter::parse(word).ok_or_else(|| Error::inconsistent("rollup_meter_day", "meter", word))
}

/// The first day of every month from `from` on in which the project was used.
pub(crate) async fn months_with_spend(
    connection: &mut PgConnection,
    scope: &OrgScope,
    project_id: ProjectId,
    from: Option<NaiveDate>,
) -> Result<Vec<NaiveDate>, Error> {
    let months = sqlx::query_scalar(
        "select distinct date_trunc('month', day)::date as month from spend_by_coarse_day
         where org_id = $1 and project_id = $2 and ($3::date is null or day >= $3)
         order by month",
    );
    Ok(months.bind(scope.org_id().0).bind(project_id.0).bind(from).fetch_all(connection).await?)
}
