//! Queries that read events and what waits for a price.

use super::Span;
use crate::ledger::adjust::{CURRENT_COST, LAST, event_of, is_last};
use crate::ledger::commit::time_of;
use crate::ledger::cursor::Cursor;
use crate::ledger::push_filter;
use crate::ledger::receipt::{StoredLine, lines};
use crate::{Error, OrgScope};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::event::{Attention, EventQuery, EventRow, ReportedCost, UnpricedRow};
use domain::ids::{EventKey, KeyId, ProjectId};
use domain::meter::{Meters, UsageFormat};
use domain::problem::FieldProblem;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Begins a list of events with what they cost now.
fn rows_of_events() -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "select e.event_key, e.id, e.\"timestamp\", projects.slug as project, e.provider, e.model, e.status, e.feature,
            e.tokens, e.attempt, e.latency_ms, e.reported_cost, e.reported_currency,
            exists (select 1 from suspected_doubles as doubles
                where doubles.org_id = e.org_id and doubles.event_key = e.event_key) as suspected_double, ",
    );
    sql.push(CURRENT_COST).push(
        " as current_cost
        from events as e
        join projects on projects.org_id = e.org_id and projects.project_id = e.project_id",
    );
    sql.push(LAST);
    sql
}

fn event_row(scope: &OrgScope, row: &PgRow) -> Result<EventRow, Error> {
    let status: &str = row.try_get("status")?;
    Ok(EventRow {
        event_key: EventKey(row.try_get("event_key")?),
        id: row.try_get("id")?,
        at: scope.zone().local(row.try_get("timestamp")?),
        project: row.try_get("project")?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        status: parsed("status", status.parse())?,
        feature: row.try_get("feature")?,
        tokens: unsigned("tokens", row.try_get("tokens")?)?,
        cost: row.try_get("current_cost")?,
        reported_cost: reported(row)?,
        suspected_double: row.try_get("suspected_double")?,
        attempt: u32::try_from(row.try_get::<i32, _>("attempt")?).map_err(|error| inconsistent("attempt", error))?,
        latency_ms: row.try_get::<Option<i64>, _>("latency_ms")?.map(|ms| unsigned("latency_ms", ms)).transpose()?,
    })
}

/// Other currencies are not converted and do not count.
fn reported(row: &PgRow) -> Result<Option<Decimal>, Error> {
    let amount: Option<Decimal> = row.try_get("reported_cost")?;
    let currency: Option<String> = row.try_get("reported_currency")?;
    Ok(amount.zip(currency).and_then(|(amount, currency)| ReportedCost { amount, currency }.usd()))
}

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("events", column, detail)
}

fn parsed<T>(column: &'static str, parsed: Result<T, FieldProblem>) -> Result<T, Error> {
    parsed.map_err(|problem| inconsistent(column, problem.detail))
}

fn unsigned(column: &'static str, number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|error| inconsistent(column, error))
}

/// One page. Only static fragments are pushed; dimension words choose among them, values are bound.
pub(super) async fn events(
    pool: &PgPool,
    scope: &OrgScope,
    query: &EventQuery,
    span: &Span,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Vec<EventRow>, Error> {
    let mut sql = rows_of_events();
    push_scope(&mut sql, scope);
    if let Some(from) = span.from {
        sql.push(" and e.\"timestamp\" >= ").push_bind(from);
    }
    if let Some(to) = span.to {
        sql.push(" and e.\"timestamp\" < ").push_bind(to);
    }
    if let Some(after) = after {
        // The first condition alone lets PostgreSQL leave out partitions.
        sql.push(" and e.\"timestamp\" <= ").push_bind(after.at);
        sql.push(" and (e.\"timestamp\", e.event_key) < (")
            .push_bind(after.at)
            .push(", ")
            .push_bind(after.id)
            .push(")");
    }
    if query.unpriced {
        sql.push(" and ").push(CURRENT_COST).push(" is null");
    }
    for filter in &query.filters {
        push_filter(&mut sql, scope, filter);
    }
    sql.push(" order by e.\"timestamp\" desc, e.event_key desc limit ");
    sql.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter().map(|row| event_row(scope, row)).collect()
}

fn push_scope(sql: &mut QueryBuilder<Postgres>, scope: &OrgScope) {
    sql.push(" where e.org_id = ").push_bind(scope.org_id().0);
    if let Some(visible) = scope.visible_projects() {
        sql.push(" and e.project_id = any(").push_bind(visible).push(")");
    }
}

/// Which other events an event page lists.
pub(super) enum Related<'a> {
    /// Attempts of this request, first to last.
    Request(&'a str),
    /// Events of this session, newest first.
    Session(&'a str),
}

/// Events that share a request or a session, without the event itself.
pub(super) async fn related(
    pool: &PgPool,
    scope: &OrgScope,
    related: Related<'_>,
    but: EventKey,
    limit: i64,
) -> Result<Vec<EventRow>, Error> {
    let mut sql = rows_of_events();
    push_scope(&mut sql, scope);
    sql.push(" and e.event_key <> ").push_bind(but.0);
    match related {
        Related::Request(id) => {
            sql.push(" and e.request_id = ").push_bind(id).push(" order by e.attempt, e.\"timestamp\"")
        }
        Related::Session(id) => {
            sql.push(" and e.session_id = ").push_bind(id).push(" order by e.\"timestamp\" desc, e.event_key desc")
        }
    };
    sql.push(" limit ").push_bind(limit);
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter().map(|row| event_row(scope, row)).collect()
}

/// One event as in a list, if it exists and its project is visible. Its key carries its time.
pub(in crate::events) async fn row(pool: &PgPool, scope: &OrgScope, key: EventKey) -> Result<Option<EventRow>, Error> {
    let at = time_of(key);
    let mut sql = rows_of_events();
    push_scope(&mut sql, scope);
    sql.push(" and e.\"timestamp\" >= ").push_bind(at);
    sql.push(" and e.\"timestamp\" < ").push_bind(at + Duration::milliseconds(1));
    sql.push(" and e.event_key = ").push_bind(key.0);
    let row = sql.build().fetch_optional(pool).await?;
    row.map(|row| event_row(scope, &row)).transpose()
}

/// Those of these events that are kept and that the caller sees.
pub(in crate::events) async fn rows(
    pool: &PgPool,
    scope: &OrgScope,
    keys: &[EventKey],
) -> Result<HashMap<EventKey, EventRow>, Error> {
    let (times, keys): (Vec<DateTime<Utc>>, Vec<Uuid>) = keys.iter().map(|key| (time_of(*key), key.0)).unzip();
    let mut sql = rows_of_events();
    sql.push(" join (select distinct * from unnest(").push_bind(keys).push("::uuid[], ").push_bind(times).push(
        "::timestamptz[]) as named (event_key, at)) as wanted on wanted.event_key = e.event_key
            and e.\"timestamp\" >= wanted.at and e.\"timestamp\" < wanted.at + interval '1 millisecond'",
    );
    push_scope(&mut sql, scope);
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter().map(|row| event_row(scope, row).map(|row| (row.event_key, row))).collect()
}

/// The key of the event that was sent with this id.
pub(super) async fn key_of_id(pool: &PgPool, scope: &OrgScope, id_hash: &[u8]) -> Result<Option<EventKey>, Error> {
    let key: Option<Uuid> = sqlx::query_scalar("select event_key from event_ids where org_id = $1 and id_hash = $2")
        .bind(scope.org_id().0)
        .bind(id_hash)
        .fetch_optional(pool)
        .await?;
    Ok(key.map(EventKey))
}

/// Everything that is stored of one event.
pub(super) struct Stored {
    pub(super) row: EventRow,
    pub(super) at: DateTime<Utc>,
    pub(super) project_id: ProjectId,
    pub(super) key_id: KeyId,
    pub(super) key_name: String,
    pub(super) received_at: DateTime<Utc>,
    pub(super) usage_format: UsageFormat,
    pub(super) usage: Value,
    pub(super) meters: Meters,
    pub(super) service_tier: Option<String>,
    pub(super) batch: bool,
    pub(super) time_to_first_token_ms: Option<u64>,
    pub(super) response_cache_hit: bool,
    /// As it was booked.
    pub(super) cost: Option<Decimal>,
    pub(super) receipt: Vec<StoredLine>,
    pub(super) priced_as: Option<String>,
    pub(super) unpriced_reason: Option<String>,
    pub(super) upper_bound: Option<Decimal>,
    pub(super) avoided_cost: Option<Decimal>,
    pub(super) request_id: Option<String>,
    pub(super) session_id: Option<String>,
    /// The remaining attributes: column and value.
    pub(super) texts: Vec<(&'static str, Option<String>)>,
    pub(super) stream: Option<bool>,
    pub(super) tags: BTreeMap<String, String>,
}

/// Text attributes in the order of the documentation.
const TEXTS: [(&str, &str); 16] = [
    ("operation", "Operation"),
    ("region", "Region"),
    ("finish_reason", "Finish reason"),
    ("error_kind", "Error kind"),
    ("request_id", "Request"),
    ("interaction_id", "Interaction"),
    ("step", "Step"),
    ("session_id", "Session"),
    ("decision_id", "Decision"),
    ("feature", "Feature"),
    ("environment", "Environment"),
    ("customer", "Customer"),
    ("user", "User"),
    ("cohort", "Cohort"),
    ("provider_response_id", "Provider's response"),
    ("input_hash", "Input hash"),
];

/// One event, if it exists and its project is visible. The key carries its time, so only one partition is read.
pub(super) async fn event(pool: &PgPool, scope: &OrgScope, key: EventKey) -> Result<Option<Stored>, Error> {
    let at = time_of(key);
    let mut sql = QueryBuilder::<Postgres>::new(
        "select e.*, projects.slug as project, coalesce(api_keys.name, '') as key_name,
            exists (select 1 from suspected_doubles as doubles
                where doubles.org_id = e.org_id and doubles.event_key = e.event_key) as suspected_double, ",
    );
    sql.push(CURRENT_COST).push(
        " as current_cost from events as e
         join projects on projects.org_id = e.org_id and projects.project_id = e.project_id
         left join api_keys on api_keys.org_id = e.org_id and api_keys.key_id = e.key_id",
    );
    sql.push(LAST);
    push_scope(&mut sql, scope);
    sql.push(" and e.event_key = ").push_bind(key.0).push(" and e.\"timestamp\" >= ").push_bind(at);
    sql.push(" and e.\"timestamp\" < ").push_bind(at + Duration::milliseconds(1));
    let row = sql.build().fetch_optional(pool).await?;
    row.map(|row| stored(scope, &row)).transpose()
}

fn stored(scope: &OrgScope, row: &PgRow) -> Result<Stored, Error> {
    let json = |column: &'static str| row.try_get::<Value, _>(column);
    let meters = serde_json::from_value(json("meters")?).map_err(|error| inconsistent("meters", error))?;
    let tags = serde_json::from_value(json("tags")?).map_err(|error| inconsistent("tags", error))?;
    let format: &str = row.try_get("usage_format")?;
    let texts = TEXTS.iter().map(|(column, label)| Ok((*label, row.try_get::<Option<String>, _>(*column)?)));
    let to_first: Option<i64> = row.try_get("time_to_first_token_ms")?;
    Ok(Stored {
        row: event_row(scope, row)?,
        at: row.try_get("timestamp")?,
        project_id: ProjectId(row.try_get("project_id")?),
        key_id: KeyId(row.try_get("key_id")?),
        key_name: row.try_get("key_name")?,
        received_at: row.try_get("received_at")?,
        usage_format: parsed("usage_format", format.parse())?,
        usage: json("usage")?,
        meters,
        service_tier: row.try_get("service_tier")?,
        batch: row.try_get("batch")?,
        time_to_first_token_ms: to_first.map(|ms| unsigned("time_to_first_token_ms", ms)).transpose()?,
        response_cache_hit: row.try_get("response_cache_hit")?,
        cost: row.try_get("cost")?,
        receipt: lines(json("receipt")?, "events")?,
        priced_as: row.try_get("priced_as")?,
        unpriced_reason: row.try_get("unpriced_reason")?,
        upper_bound: row.try_get("upper_bound")?,
        avoided_cost: row.try_get("avoided_cost")?,
        request_id: row.try_get("request_id")?,
        session_id: row.try_get("session_id")?,
        texts: texts.collect::<Result<_, Error>>()?,
        stream: row.try_get("stream")?,
        tags,
    })
}

/// Models of a provider that the visible projects used in these days, the most used first.
pub(super) async fn used_models(
    pool: &PgPool,
    scope: &OrgScope,
    provider: &str,
    since: NaiveDate,
    limit: i64,
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "select model from spend_by_day
         where org_id = $1 and provider = $2 and day >= $3 and ($4::uuid[] is null or project_id = any($4))
         group by model order by sum(requests) desc limit $5",
    )
    .bind(scope.org_id().0)
    .bind(provider)
    .bind(since)
    .bind(scope.visible_projects())
    .bind(limit)
    .fetch_all(pool)
    .await?)
}

/// Events of organization `$1` in projects `$2` that wait for a price: those that never had one, by their index, and those that lost it.
macro_rules! waiting {
    () => {
        concat!(
        "select e.provider, e.model, e.tokens, e.\"timestamp\", coalesce(a.new_upper_bound, e.upper_bound) as upper_bound,
            coalesce(a.unpriced_reason, e.unpriced_reason) as reason
         from events as e
         left join lateral (
            select * from adjustments
            where adjustments.org_id = e.org_id and adjustments.event_key = e.event_key order by revision desc limit 1
         ) as a on true
         where e.org_id = $1 and e.cost is null and a.new_cost is null and ($2::uuid[] is null or e.project_id = any($2))
         union all
         select e.provider, e.model, e.tokens, e.\"timestamp\", a.new_upper_bound, a.unpriced_reason
         from adjustments as a", event_of!("a"), "
         where a.org_id = $1 and a.new_cost is null and e.cost is not null and ($2::uuid[] is null or e.project_id = any($2))
           and ", is_last!("a")
        )
    };
}

/// Events without a cost by model.
pub(super) async fn unpriced(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<UnpricedRow>, Error> {
    let rows = sqlx::query(
        concat!(
            "select provider, model, count(*) as events, sum(tokens)::bigint as tokens, coalesce(sum(upper_bound), 0) as upper_bound,
                min(\"timestamp\") as first_at, max(\"timestamp\") as last_at, min(reason) as reason
             from (", waiting!(), ") as waiting
             group by provider, model
             order by upper_bound desc, provider, model
             limit $3"
        ),
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(limit)
    .fetch_all(pool)
    .await?;
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

/// How many entries of the rejected list came since an instant and how many events wait for a price, each at most `most`.
pub(super) async fn attention(
    pool: &PgPool,
    scope: &OrgScope,
    since: DateTime<Utc>,
    most: i64,
) -> Result<Attention, Error> {
    let row = sqlx::query(
        concat!(
            "select
            (select count(*) from (
                select 1 from rejected_events
                where org_id = $1 and received_at >= $4 and ($2::uuid[] is null or project_id = any($2)) limit $3) as listed) as rejected,
            (select count(*) from (
                ", waiting!(), " limit $3) as waiting) as unpriced"
        ),
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(most)
    .bind(since)
    .fetch_one(pool)
    .await?;
    Ok(Attention {
        rejected: unsigned("rejected", row.try_get("rejected")?)?,
        unpriced: unsigned("unpriced", row.try_get("unpriced")?)?,
    })
}
