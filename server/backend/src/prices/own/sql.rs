//! What the own book asks of recorded events, of the list prices, and of the days of its own.

use crate::ledger::{event_of, is_last, key};
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::KeyId;
use domain::price::BookPrice;
use domain::span::Span;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// Prices of one unit of a meter that other models of the provider have at a time.
pub(super) async fn peers(pool: &PgPool, row: &BookPrice, at: DateTime<Utc>) -> Result<Vec<Decimal>, Error> {
    Ok(sqlx::query_scalar(
        "select rate / per from prices
         where provider = $1 and model <> $2 and meter = $3 and variant = $4 and tier_from = 0 and superseded_at is null
           and (valid_from is null or valid_from <= $5) and (valid_to is null or valid_to > $5)",
    )
    .bind(&row.provider)
    .bind(&row.model)
    .bind(row.meter.as_str())
    .bind(row.variant.as_str())
    .bind(at)
    .fetch_all(pool)
    .await?)
}

/// Whether an adjustment `a` counts, or counts again once later runs are reversed.
macro_rules! may_count {
    () => {
        concat!(
            "(not exists (
                select 1 from repricing_runs as r where r.org_id = a.org_id and r.run_id = a.run_id and r.state = 'reversed')
              or ",
            is_last!("a"),
            ")"
        )
    };
}

/// Whether an event has its price from one of these rules, prices or factors: one that came since and was booked with it, or one that a run gave it and that was not reversed.
pub(super) async fn is_booked(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rules: &[u64],
    since: DateTime<Utc>,
) -> Result<bool, Error> {
    let booked = sqlx::query_scalar(concat!(
        "with used as (
            select plan_id from plans cross join lateral jsonb_array_elements(plan -> 'lines') as line
            where org_id = $1 and ((line #>> '{source,price,price_id}')::bigint = any($3)
                or (line #>> '{source,modifier,modifier_id}')::bigint = any($3))
         )
         select exists (select 1 from events where org_id = $1 and received_at >= $2 and plan_id in (select plan_id from used))
             or exists (
                select 1 from adjustments as a
                where a.org_id = $1 and a.adjusted_at >= $2 and a.plan_id in (select plan_id from used) and ",
        may_count!(),
        ")"
    ));
    let ids: Vec<i64> = rules.iter().map(|id| id.cast_signed()).collect();
    Ok(booked.bind(scope.org_id().0).bind(since).bind(ids).fetch_one(connection).await?)
}

/// A model's names as events reported them.
pub(super) struct Reported {
    pub(super) provider: String,
    pub(super) model: String,
}

impl Reported {
    fn of(row: &PgRow) -> Result<Self, Error> {
        Ok(Self { provider: row.try_get("provider")?, model: row.try_get("model")? })
    }
}

/// Models of events that were priced as one of these (`provider/model`) since, or that a run priced so.
pub(super) async fn priced_as(
    connection: &mut PgConnection,
    scope: &OrgScope,
    labels: &[String],
    since: DateTime<Utc>,
) -> Result<Vec<Reported>, Error> {
    let rows = sqlx::query(concat!(
        "with used as (select plan_id from plans where org_id = $1 and plan ->> 'priced_as' = any($3)), named as (
            select e.series_id, e.words from events as e
            where e.org_id = $1 and e.received_at >= $2 and e.plan_id in (select plan_id from used)
            union
            select e.series_id, e.words from adjustments as a",
        event_of!("a"),
        " where a.org_id = $1 and a.adjusted_at >= $2 and a.plan_id in (select plan_id from used) and ",
        may_count!(),
        ")
         select distinct coalesce(words ->> 'provider', s.provider) as provider, coalesce(words ->> 'model', s.model) as model
         from named join series as s on s.org_id = $1 and s.series_id = named.series_id"
    ))
    .bind(scope.org_id().0)
    .bind(since)
    .bind(labels)
    .fetch_all(connection)
    .await?;
    rows.iter().map(Reported::of).collect()
}

/// Models of events of a span with a reported cost that came since, or that a run looked at and moved.
pub(super) async fn reported_costs(
    connection: &mut PgConnection,
    scope: &OrgScope,
    span: Span,
    since: DateTime<Utc>,
) -> Result<Vec<Reported>, Error> {
    let rows = sqlx::query(concat!(
        "with concerned as (
            select e.event_key, e.series_id, e.words from events as e
            where e.org_id = $1 and e.reported_cost is not null and e.event_key >= $3 and e.event_key < $4
              and (e.received_at >= $2 or exists (
                  select 1 from adjustments as a
                  where a.org_id = e.org_id and a.event_key = e.event_key and a.adjusted_at >= $2 and ",
        may_count!(),
        "))
         )
         select distinct coalesce(words ->> 'provider', s.provider) as provider, coalesce(words ->> 'model', s.model) as model
         from concerned join series as s on s.org_id = $1 and s.series_id = concerned.series_id"
    ))
    .bind(scope.org_id().0)
    .bind(since)
    .bind(span.from.map_or_else(Uuid::nil, key::first_key))
    .bind(span.to.map_or_else(Uuid::max, key::first_key))
    .fetch_all(connection)
    .await?;
    rows.iter().map(Reported::of).collect()
}

/// Whether events of a key and a span came since, or were moved by a run since.
pub(super) async fn is_key_used(
    connection: &mut PgConnection,
    scope: &OrgScope,
    key_id: KeyId,
    span: Span,
    since: DateTime<Utc>,
) -> Result<bool, Error> {
    let used = sqlx::query_scalar(concat!(
        "select exists (
            select 1 from events as e
            where e.org_id = $1 and e.event_key >= $3 and e.event_key < $4
              and e.series_id in (select series_id from series where org_id = $1 and key_id = $5)
              and (e.received_at >= $2 or exists (
                  select 1 from adjustments as a
                  where a.org_id = e.org_id and a.event_key = e.event_key and a.adjusted_at >= $2 and ",
        may_count!(),
        ")))"
    ));
    let (from, to) = (span.from.map_or_else(Uuid::nil, key::first_key), span.to.map_or_else(Uuid::max, key::first_key));
    let bound = used.bind(scope.org_id().0).bind(since).bind(from).bind(to).bind(key_id.0);
    Ok(bound.fetch_one(connection).await?)
}

/// Whether spend has anything of these terms.
pub(super) async fn is_applied(connection: &mut PgConnection, scope: &OrgScope, terms: &[u64]) -> Result<bool, Error> {
    let ids: Vec<i64> = terms.iter().map(|id| id.cast_signed()).collect();
    let applied =
        sqlx::query_scalar("select exists (select 1 from rollup_term_day where org_id = $1 and term_id = any($2))");
    Ok(applied.bind(scope.org_id().0).bind(ids).fetch_one(connection).await?)
}
