//! Queries that read events and what waits for a price.

use super::Span;
use crate::ledger::adjust::{CURRENT_COST, LAST, event_of, is_last, series_of_event};
use crate::ledger::content::IdHash;
use crate::ledger::cursor::Cursor;
use crate::ledger::key::first_key;
use crate::ledger::stored::{self, Dictionaries, StoredEvent};
use crate::ledger::traces;
use crate::ledger::{Words, push_filter, push_seen_events};
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::event::{Attention, CallGroup, EventQuery, EventRow, ReportedCost, SmallerCopies, UnpricedRow};
use domain::ids::EventKey;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// Begins a list of events with what they cost now.
fn rows_of_events(scope: &OrgScope) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!(
        "select {}, projects.slug as project, coalesce(api_keys.name, '') as key_name,
            exists (select 1 from possible_duplicates as doubles
                where doubles.org_id = e.org_id and doubles.event_key = e.event_key) as possible_duplicate, {CURRENT_COST} as current_cost
        from events as e{}
        join projects on projects.org_id = s.org_id and projects.project_id = s.project_id
        left join api_keys on api_keys.org_id = s.org_id and api_keys.key_id = s.key_id{LAST}",
        stored::COLUMNS,
        series_of_event!(),
    ));
    push_scope(&mut sql, scope);
    sql
}

/// One event of such a list.
pub(super) struct Listed {
    pub(super) row: EventRow,
    pub(super) event: StoredEvent,
    pub(super) key_name: String,
}

/// What is kept of each event of a list: an export has many, and needs little of each.
async fn listed<T>(
    pool: &PgPool,
    scope: &OrgScope,
    mut sql: QueryBuilder<Postgres>,
    keep: fn(Listed) -> T,
) -> Result<Vec<T>, Error> {
    let mut connection = pool.acquire().await?;
    let rows = sql.build().fetch_all(&mut *connection).await?;
    let dictionaries = Dictionaries::of(&mut connection, scope, &rows).await?;
    rows.iter().map(|row| listed_event(scope, row, dictionaries.event(row)?).map(keep)).collect()
}

async fn event_rows(pool: &PgPool, scope: &OrgScope, sql: QueryBuilder<Postgres>) -> Result<Vec<EventRow>, Error> {
    listed(pool, scope, sql, |listed| listed.row).await
}

fn listed_event(scope: &OrgScope, row: &PgRow, event: StoredEvent) -> Result<Listed, Error> {
    let sent = &event.sent;
    let row_of_list = EventRow {
        event_key: event.event_key,
        id: event.id(),
        at: scope.zone().local(event.timestamp),
        project: row.try_get("project")?,
        provider: sent.provider.clone(),
        model: sent.model.clone(),
        status: event.status(),
        feature: sent.feature.clone(),
        session_id: sent.session_id.clone(),
        operation: event.operation().to_owned(),
        is_cache_hit: sent.is_cache_hit(),
        tokens: event.tokens,
        cost: row.try_get("current_cost")?,
        // Other currencies are not converted and do not count.
        reported_cost: sent.reported_cost.as_ref().and_then(ReportedCost::usd),
        possible_duplicate: row.try_get("possible_duplicate")?,
        attempt: sent.attempt.unwrap_or(1),
        latency_ms: sent.latency_ms,
    };
    Ok(Listed { row: row_of_list, key_name: row.try_get("key_name")?, event })
}

fn unsigned(column: &'static str, number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|error| Error::inconsistent("events", column, error))
}

/// One page, of each event what is kept. Only static fragments are pushed; dimension words choose among them, values are bound.
pub(super) async fn events<T>(
    pool: &PgPool,
    scope: &OrgScope,
    query: &EventQuery,
    span: &Span,
    after: Option<Cursor>,
    limit: usize,
    keep: fn(Listed) -> T,
) -> Result<Vec<T>, Error> {
    let mut sql = rows_of_events(scope);
    if let Some(from) = span.from {
        sql.push(" and e.event_key >= ").push_bind(first_key(from));
    }
    if let Some(to) = span.to {
        sql.push(" and e.event_key < ").push_bind(first_key(to));
    }
    if let Some(after) = after {
        sql.push(" and e.event_key < ").push_bind(after.id);
    }
    if query.unpriced {
        sql.push(" and ").push(CURRENT_COST).push(" is null");
    }
    if let Some(id) = &query.request_id {
        push_hashed(&mut sql, scope, "request_id", id);
    }
    for (kind, id) in [(CallGroup::Session, &query.session_id), (CallGroup::Interaction, &query.interaction_id)] {
        if let Some(id) = id {
            push_group(&mut sql, scope, kind, id);
        }
    }
    for filter in &query.filters {
        push_filter(&mut sql, scope, filter, Words::Counted);
    }
    sql.push(" order by e.event_key desc limit ");
    sql.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    listed(pool, scope, sql, keep).await
}

pub(super) fn push_scope(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope) {
    sql.push(" where e.org_id = ").push_bind(scope.org_id().0);
    push_seen_events(sql, scope);
}

/// By an index that keeps hashes, because such ids are long.
fn push_hashed(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, column: &'static str, id: &str) {
    sql.push(" and hashtext(e.org_id::text || e.").push(column).push(") = hashtext(").push_bind(scope.org_id().0);
    sql.push("::text || ").push_bind(id.to_owned()).push(") and e.").push(column).push(" = ").push_bind(id.to_owned());
}

/// The calls of a session or interaction.
pub(super) fn push_group(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope, kind: CallGroup, id: &str) {
    match kind {
        CallGroup::Session => drop(sql.push(" and e.session_id = ").push_bind(id.to_owned())),
        CallGroup::Interaction => push_hashed(sql, scope, kind.field(), id),
    }
}

/// Other attempts of a request, first to last, without the event itself.
pub(super) async fn attempts(
    pool: &PgPool,
    scope: &OrgScope,
    request_id: &str,
    but: EventKey,
    limit: i64,
) -> Result<Vec<EventRow>, Error> {
    let mut sql = rows_of_events(scope);
    sql.push(" and e.event_key <> ").push_bind(but.0);
    push_hashed(&mut sql, scope, "request_id", request_id);
    sql.push(" order by e.event_key limit ").push_bind(limit);
    let mut rows = event_rows(pool, scope, sql).await?;
    rows.sort_by_key(|row| row.attempt);
    Ok(rows)
}

/// Calls of a session or interaction after one of them, first to last, of each what is kept.
pub(super) async fn calls<T>(
    pool: &PgPool,
    scope: &OrgScope,
    (kind, id): (CallGroup, &str),
    after: Option<EventKey>,
    limit: usize,
    keep: fn(Listed) -> T,
) -> Result<Vec<T>, Error> {
    let mut sql = rows_of_events(scope);
    push_group(&mut sql, scope, kind, id);
    if let Some(after) = after {
        sql.push(" and e.event_key > ").push_bind(after.0);
    }
    sql.push(" order by e.event_key limit ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    listed(pool, scope, sql, keep).await
}

/// Those of these events that are kept and that the caller sees.
pub(in crate::events) async fn rows(
    pool: &PgPool,
    scope: &OrgScope,
    keys: &[EventKey],
) -> Result<HashMap<EventKey, EventRow>, Error> {
    let mut sql = rows_of_events(scope);
    sql.push(" and e.event_key = any(").push_bind(keys.iter().map(|key| key.0).collect::<Vec<_>>()).push(")");
    Ok(event_rows(pool, scope, sql).await?.into_iter().map(|row| (row.event_key, row)).collect())
}

/// The key of the event that was sent with this id.
pub(super) async fn key_of_id(pool: &PgPool, scope: &OrgScope, id_hash: IdHash) -> Result<Option<EventKey>, Error> {
    let key: Option<Uuid> = sqlx::query_scalar("select event_key from event_ids where org_id = $1 and id_hash = $2")
        .bind(scope.org_id().0)
        .bind(Uuid::from_bytes(id_hash))
        .fetch_optional(pool)
        .await?;
    Ok(key.map(EventKey))
}

/// One event, if it exists and its project is visible.
pub(super) async fn event(pool: &PgPool, scope: &OrgScope, key: EventKey) -> Result<Option<Listed>, Error> {
    let mut sql = rows_of_events(scope);
    sql.push(" and e.event_key = ").push_bind(key.0);
    Ok(listed(pool, scope, sql, |listed| listed).await?.pop())
}

/// What an event took the place of: smaller copies of the same answer.
pub(super) async fn smaller_copies(
    pool: &PgPool,
    scope: &OrgScope,
    key: EventKey,
) -> Result<Option<SmallerCopies>, Error> {
    let row = sqlx::query("select copies, tokens, cost from event_copies where org_id = $1 and event_key = $2")
        .bind(scope.org_id().0)
        .bind(key.0)
        .fetch_optional(pool)
        .await?;
    row.map(|row| {
        let (copies, tokens): (i32, i64) = (row.try_get("copies")?, row.try_get("tokens")?);
        Ok(SmallerCopies { copies: copies.unsigned_abs(), tokens: tokens.unsigned_abs(), cost: row.try_get("cost")? })
    })
    .transpose()
}

/// Models of a provider that the visible projects used since a day, the most used first: those that answered this operation, and that were used with each of these meters.
pub(super) async fn able_models(
    pool: &PgPool,
    scope: &OrgScope,
    provider: &str,
    (operation, meters): (&str, &[&str]),
    since: NaiveDate,
    limit: i64,
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "select used.model from spend_by_coarse_day as used
         where used.org_id = $1 and used.provider = $2 and used.day >= $3
            and ($4::uuid[] is null or used.project_id = any($4))
            and exists (select 1 from series as s where s.org_id = $1 and s.provider = $2 and s.model = used.model
                and s.operation = $5 and s.status = 'success' and ($4::uuid[] is null or s.project_id = any($4)))
         group by used.model
         having not exists (select 1 from unnest($6::text[]) as needed (meter)
            where not exists (select 1 from spend_by_coarse_meter as m where m.org_id = $1 and m.provider = $2
                and m.model = used.model and m.meter = needed.meter and m.day >= $3
                and ($4::uuid[] is null or m.project_id = any($4))))
         order by sum(used.requests) desc limit $7",
    )
    .bind(scope.org_id().0)
    .bind(provider)
    .bind(since)
    .bind(scope.visible_projects())
    .bind(operation)
    .bind(meters)
    .bind(limit)
    .fetch_all(pool)
    .await?)
}

/// Visible events that wait for a price: those that never had one, by their index, and those that lost it.
fn push_unpriced(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope) {
    sql.push(concat!(
        "select coalesce(e.words ->> 'provider', s.provider) as provider, coalesce(e.words ->> 'model', s.model) as model,
            e.tokens, e.event_key, coalesce(a.new_upper_bound, e.upper_bound) as upper_bound, coalesce(a.plan_id, e.plan_id) as plan_id
         from events as e",
        series_of_event!(),
        "
         left join lateral (
            select * from adjustments
            where adjustments.org_id = e.org_id and adjustments.event_key = e.event_key order by revision desc limit 1
         ) as a on true
         where e.cost is null and a.new_cost is null and e.org_id = "
    ));
    sql.push_bind(scope.org_id().0);
    push_seen_events(sql, scope);
    sql.push(concat!(
        " union all
         select coalesce(e.words ->> 'provider', s.provider), coalesce(e.words ->> 'model', s.model),
            e.tokens, e.event_key, a.new_upper_bound, a.plan_id
         from adjustments as a",
        event_of!("a"),
        "
         where a.new_cost is null and e.cost is not null and ",
        is_last!("a"),
        " and a.org_id = "
    ));
    sql.push_bind(scope.org_id().0);
    push_seen_events(sql, scope);
}

/// Events of a span without a cost by model.
pub(super) async fn unpriced(
    pool: &PgPool,
    scope: &OrgScope,
    span: &Span,
    limit: i64,
) -> Result<Vec<UnpricedRow>, Error> {
    let mut sql = QueryBuilder::new(
        "select provider, model, count(*) as events, sum(tokens)::bigint as tokens, coalesce(sum(upper_bound), 0) as upper_bound,
            event_time((array_agg(event_key order by event_key))[1]) as first_at,
            event_time((array_agg(event_key order by event_key desc))[1]) as last_at, min(plan ->> 'unpriced_reason') as reason
         from (",
    );
    push_unpriced(&mut sql, scope);
    sql.push(") as event left join plans on plans.plan_id = event.plan_id and plans.org_id = ");
    sql.push_bind(scope.org_id().0).push(" where true");
    if let Some(from) = span.from {
        sql.push(" and event_key >= ").push_bind(first_key(from));
    }
    if let Some(to) = span.to {
        sql.push(" and event_key < ").push_bind(first_key(to));
    }
    sql.push(" group by provider, model order by upper_bound desc, provider, model limit ").push_bind(limit);
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(UnpricedRow {
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                events: unsigned("events", row.try_get("events")?)?,
                tokens: unsigned("tokens", row.try_get("tokens")?)?,
                upper_bound: row.try_get("upper_bound")?,
                first_at: scope.zone().local(row.try_get("first_at")?),
                last_at: scope.zone().local(row.try_get("last_at")?),
                reason: row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(),
            })
        })
        .collect()
}

/// How many entries of the rejected list came since an instant, without spans that only repeat others, and how many events wait for a price, each at most `most`.
pub(super) async fn attention(
    pool: &PgPool,
    scope: &OrgScope,
    since: DateTime<Utc>,
    most: i64,
) -> Result<Attention, Error> {
    let mut sql = QueryBuilder::new("select (select count(*) from (select 1 from rejected_events where org_id = ");
    sql.push_bind(scope.org_id().0).push(" and received_at >= ").push_bind(since);
    sql.push(" and code <> ").push_bind(traces::REPEATS);
    if let Some(projects) = scope.visible_projects() {
        sql.push(" and project_id = any(").push_bind(projects).push(")");
    }
    sql.push(" limit ").push_bind(most).push(") as listed) as rejected, (select count(*) from (");
    push_unpriced(&mut sql, scope);
    let row = sql.push(" limit ").push_bind(most).push(") as event) as unpriced").build().fetch_one(pool).await?;
    Ok(Attention {
        rejected: unsigned("rejected", row.try_get("rejected")?)?,
        unpriced: unsigned("unpriced", row.try_get("unpriced")?)?,
    })
}
