//! Queries that add up the calls of sessions and interactions.

use crate::events::read::Span;
use crate::events::read::sql::{push_group, push_scope};
use crate::ledger::adjust::{CURRENT_COST, LAST, series_of_event};
use crate::ledger::key::{first_key, time_of};
use crate::ledger::{Words, push_filter};
use crate::spend::sums_of;
use crate::{Error, OrgScope};
use domain::event::{CallGroup, CallGroupOrder, CallGroupQuery, CallGroupRow, CallGroups, CostPercentiles, Repeat};
use domain::ids::EventKey;
use domain::spend::Sums;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// What [`sums_of`] and [`edges`] read of rows of calls. PostgreSQL has no least UUID before version 18; as texts their order is the same.
const SUMS: &str = "count(*) as requests, coalesce(sum(tokens), 0)::bigint as tokens,
    count(*) filter (where status <> 'success') as errors, coalesce(sum(booked), 0) as booked, coalesce(sum(cost), 0) as spend,
    count(*) filter (where cost is null) as unpriced_requests, coalesce(sum(upper_bound) filter (where cost is null), 0) as unpriced_upper_bound,
    coalesce(sum(avoided_cost), 0) as avoided_cost,
    min(event_key::text collate \"C\")::uuid as first_key, max(event_key::text collate \"C\")::uuid as last_key";

/// The first and the last call of a row of [`SUMS`]; none where there was no call.
fn edges(row: &PgRow) -> Result<Option<(EventKey, EventKey)>, Error> {
    let (first, last): (Option<Uuid>, Option<Uuid>) = (row.try_get("first_key")?, row.try_get("last_key")?);
    Ok(first.zip(last).map(|(first, last)| (EventKey(first), EventKey(last))))
}

/// Begins a query over the calls of one session or interaction that the caller sees, with what they cost now.
fn of_group(scope: &OrgScope, kind: CallGroup, id: &str) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!(
        "with calls as (
            select e.event_key, e.tokens, e.cost as booked, e.avoided_cost, e.labels, e.input_hash, e.session_id, e.interaction_id,
                coalesce(e.request_id, e.event_key::text) as request, s.status, projects.slug as project,
                coalesce(e.words ->> 'step', s.step) as step, coalesce(e.words ->> 'model', s.model) as model,
                coalesce(e.words ->> 'feature', s.feature) as feature, {CURRENT_COST} as cost,
                case when a.revision is null then e.upper_bound else a.new_upper_bound end as upper_bound
            from events as e{} join projects on projects.org_id = s.org_id and projects.project_id = s.project_id{LAST}",
        series_of_event!(),
    ));
    push_scope(&mut sql, scope);
    push_group(&mut sql, scope, kind, id);
    sql.push(") ");
    sql
}

/// Calls of a session or interaction that share these words.
pub(super) struct Part {
    pub(super) step: String,
    pub(super) model: String,
    pub(super) feature: String,
    pub(super) project: String,
    pub(super) sums: Sums,
    pub(super) first: EventKey,
    pub(super) last: EventKey,
}

/// All calls of a session or interaction, by their words, the dearest first.
pub(super) async fn parts(pool: &PgPool, scope: &OrgScope, kind: CallGroup, id: &str) -> Result<Vec<Part>, Error> {
    let mut sql = of_group(scope, kind, id);
    sql.push("select step, model, feature, project, ").push(SUMS);
    sql.push(" from calls group by step, model, feature, project order by spend desc, step, model, feature, project");
    let rows = sql.build().fetch_all(pool).await?;
    let parts = rows.iter().map(|row| {
        let Some((first, last)) = edges(row)? else { return Ok(None) };
        let (step, model) = (row.try_get("step")?, row.try_get("model")?);
        let (feature, project) = (row.try_get("feature")?, row.try_get("project")?);
        Ok(Some(Part { step, model, feature, project, sums: sums_of(row)?, first, last }))
    });
    parts.filter_map(Result::transpose).collect()
}

/// What came more than once: requests of one step with one model, or with one input.
pub(super) async fn repeats(
    pool: &PgPool,
    scope: &OrgScope,
    kind: CallGroup,
    id: &str,
    limit: i64,
) -> Result<Vec<Repeat>, Error> {
    let mut sql = of_group(scope, kind, id);
    sql.push(
        ", requests as (
             select step, model, input_hash, sum(cost) as cost, count(*) filter (where cost is null) as unpriced,
                row_number() over (partition by step, model, input_hash order by min(event_key::text collate \"C\")) as nth
             from calls where step <> '' or input_hash is not null group by step, model, input_hash, request
         )
         select step, model, input_hash, count(*) as requests, coalesce(sum(cost), 0) as cost,
            coalesce(sum(cost) filter (where nth > 1), 0) as after_first, sum(unpriced)::bigint as unpriced
         from requests group by step, model, input_hash having count(*) > 1
         order by after_first desc, requests desc, step, model, input_hash limit ",
    );
    let rows = sql.push_bind(limit).build().fetch_all(pool).await?;
    let repeat = |row: &PgRow| {
        let (requests, unpriced): (i64, i64) = (row.try_get("requests")?, row.try_get("unpriced")?);
        let step: String = row.try_get("step")?;
        Ok(Repeat {
            step: Some(step).filter(|step| !step.is_empty()),
            model: row.try_get("model")?,
            input_hash: row.try_get("input_hash")?,
            requests: requests.unsigned_abs(),
            cost: row.try_get("cost")?,
            after_first: row.try_get("after_first")?,
            unpriced: unpriced.unsigned_abs(),
        })
    };
    rows.iter().map(repeat).collect()
}

/// Whose calls they are, and to what else they belong.
pub(super) struct Around {
    pub(super) customers: Vec<String>,
    pub(super) users: Vec<String>,
    pub(super) sessions: Vec<String>,
    pub(super) interactions: u64,
}

/// Customers, users, sessions and interactions of the calls; of the first three, so many at most.
pub(super) async fn around(
    pool: &PgPool,
    scope: &OrgScope,
    kind: CallGroup,
    id: &str,
    limit: i64,
) -> Result<Around, Error> {
    let mut sql = of_group(scope, kind, id);
    sql.push(
        ", named as (
             select l.label, l.value from labels as l
             where l.label_id in (select label_ids(labels) from (select distinct labels from calls) as sent) and l.org_id = ",
    );
    sql.push_bind(scope.org_id().0)
        .push(") select array(select value from named where label = 'customer' order by value limit ");
    sql.push_bind(limit)
        .push(") as customers, array(select value from named where label = 'user' order by value limit ");
    sql.push_bind(limit).push(
        ") as users, array(select distinct session_id from calls where session_id is not null order by session_id limit ",
    );
    sql.push_bind(limit).push(") as sessions, (select count(distinct interaction_id) from calls) as interactions");
    let row = sql.build().fetch_one(pool).await?;
    let interactions: i64 = row.try_get("interactions")?;
    Ok(Around {
        customers: row.try_get("customers")?,
        users: row.try_get("users")?,
        sessions: row.try_get("sessions")?,
        interactions: interactions.unsigned_abs(),
    })
}

fn push_span(sql: &mut QueryBuilder<Postgres>, of: &'static str, span: &Span, unread: Option<EventKey>) {
    if let Some(from) = span.from {
        sql.push(" and ").push(of).push(".event_key >= ").push_bind(first_key(from));
    }
    if let Some(to) = span.to {
        sql.push(" and ").push(of).push(".event_key < ").push_bind(first_key(to));
    }
    if let Some(unread) = unread {
        sql.push(" and ").push(of).push(".event_key > ").push_bind(unread.0);
    }
}

/// The newest call of a span before the newest `most`: none where there are no more.
pub(super) async fn unread(pool: &PgPool, scope: &OrgScope, span: &Span, most: i64) -> Result<Option<EventKey>, Error> {
    let mut sql = QueryBuilder::new("select e.event_key from events as e where e.org_id = ");
    sql.push_bind(scope.org_id().0);
    push_span(&mut sql, "e", span, None);
    sql.push(" order by e.event_key desc limit 1 offset ").push_bind(most);
    let key: Option<Uuid> = sql.build_query_scalar().fetch_optional(pool).await?;
    Ok(key.map(EventKey))
}

const fn order(order: CallGroupOrder) -> &'static str {
    match order {
        CallGroupOrder::Cost => "spend desc, id",
        CallGroupOrder::Calls => "requests desc, id",
        CallGroupOrder::Duration => "event_time(last_key) - event_time(first_key) desc, id",
        CallGroupOrder::Newest => "last_key desc, id",
    }
}

/// Sessions or interactions of the calls of a span after `unread`: sums of all in the first row, then a page of them.
pub(super) async fn list(
    pool: &PgPool,
    scope: &OrgScope,
    kind: CallGroup,
    query: &CallGroupQuery,
    span: &Span,
    unread: Option<EventKey>,
) -> Result<CallGroups, Error> {
    let id = kind.field();
    let mut sql = QueryBuilder::new(
        "with last as (select distinct on (event_key) event_key, new_cost, new_upper_bound from adjustments where org_id = ",
    );
    sql.push_bind(scope.org_id().0);
    push_span(&mut sql, "adjustments", span, unread);
    sql.push(format!(
        " order by event_key, revision desc), calls as materialized (
            select e.{id} as id, e.event_key, e.tokens, e.cost as booked, e.avoided_cost, e.labels, s.status, s.model,
                projects.slug as project, case when last.event_key is null then e.cost else last.new_cost end as cost,
                case when last.event_key is null then e.upper_bound else last.new_upper_bound end as upper_bound
            from events as e{} join projects on projects.org_id = s.org_id and projects.project_id = s.project_id
            left join last on last.event_key = e.event_key",
        series_of_event!(),
    ));
    push_scope(&mut sql, scope);
    sql.push(" and e.").push(id).push(" is not null");
    push_span(&mut sql, "e", span, unread);
    for filter in &query.filters {
        push_filter(&mut sql, scope, filter, Words::Counted);
    }
    let order = order(query.order);
    sql.push(format!(
        "), groups as materialized (select id, {SUMS} from calls group by id),
         priced as (select spend from groups where unpriced_requests = 0),
         top as materialized (select row_number() over (order by {order}) as place, * from groups order by {order} limit "
    ));
    sql.push_bind(i64::from(query.limit)).push(" offset ").push_bind(i64::from(query.offset));
    sql.push(
        "), named as (
             select id, array_agg(distinct model) as models, array_agg(distinct project) as projects,
                array_agg(distinct customer) filter (where customer is not null) as customers
             from (select distinct id, model, project, labels from calls where id in (select id from top)) as sent
             left join lateral (
                select l.value as customer from labels as l
                where l.label = 'customer' and l.label_id in (select label_ids(sent.labels)) and l.org_id = ",
    );
    sql.push_bind(scope.org_id().0).push(format!(
        ") as of on true group by id)
         select 0 as place, null::text as id, (select count(*) from groups) as groups, (select count(*) from priced) as priced,
            (select percentile_disc(array[0.5, 0.95, 0.99]) within group (order by spend) from priced) as percentiles,
            null::text[] as models, null::text[] as projects, null::text[] as customers, {SUMS} from calls
         union all
         select top.place, top.id, null, null, null, models, projects, customers, requests, tokens, errors, booked, spend,
            unpriced_requests, unpriced_upper_bound, avoided_cost, first_key, last_key
         from top join named on named.id = top.id order by place"
    ));
    let rows = sql.build().fetch_all(pool).await?;
    let mut found = CallGroups::default();
    for row in &rows {
        match row.try_get::<Option<String>, _>("id")? {
            None => {
                found.groups = row.try_get::<i64, _>("groups")?.unsigned_abs();
                found.sums = sums_of(row)?;
                found.percentiles = percentiles(row)?;
            }
            Some(id) => found.rows.extend(group_row(scope, row, id)?),
        }
    }
    Ok(found)
}

fn percentiles(row: &PgRow) -> Result<CostPercentiles, Error> {
    let costs: Vec<Decimal> = row.try_get::<Option<_>, _>("percentiles")?.unwrap_or_default();
    let mut costs = costs.into_iter();
    let of = row.try_get::<i64, _>("priced")?.unsigned_abs();
    Ok(CostPercentiles { p50: costs.next(), p95: costs.next(), p99: costs.next(), of })
}

fn group_row(scope: &OrgScope, row: &PgRow, id: String) -> Result<Option<CallGroupRow>, Error> {
    let Some((first, last)) = edges(row)? else { return Ok(None) };
    Ok(Some(CallGroupRow {
        id,
        first_at: scope.zone().local(time_of(first)),
        last_at: scope.zone().local(time_of(last)),
        sums: sums_of(row)?,
        models: row.try_get("models")?,
        projects: row.try_get("projects")?,
        customers: row.try_get::<Option<_>, _>("customers")?.unwrap_or_default(),
    }))
}
