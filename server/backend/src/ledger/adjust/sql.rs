//! Queries that read recorded events with what counts now, append adjustments and move rollups.

use super::{Adjustment, By, Place, Recorded, Selection, Standing};
use crate::ledger::commit::time_of;
use crate::ledger::push_filter;
use crate::ledger::receipt;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::{EventInput, ReportedCost};
use domain::ids::{EventKey, ProjectId, RunId};
use domain::problem::FieldProblem;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// An event and its last adjustment `a`.
macro_rules! columns {
    () => {
        "select e.event_key, e.\"timestamp\", e.project_id, e.series_id, e.labels, e.provider, e.model,
            e.usage_format, e.usage, e.meters, e.service_tier, e.batch, e.region, e.reported_cost, e.reported_currency,
            e.cost, e.upper_bound, e.receipt, e.priced_as, e.unpriced_reason,
            a.revision, a.new_cost as a_cost, a.new_upper_bound as a_upper_bound, a.receipt as a_receipt,
            a.priced_as as a_priced_as, a.unpriced_reason as a_unpriced_reason"
    };
}

/// Joins the event of a row that names one by `org_id` and `event_key`, as `e`. A key begins with its event's time in milliseconds, by which its partition is found.
macro_rules! event_of {
    ($row:literal) => {
        concat!(
            " cross join lateral (
                select to_timestamp(('x' || left(replace(",
            $row,
            ".event_key::text, '-', ''), 12))::bit(48)::bigint / 1000.0) as at
            ) as key_time
            join events as e on e.org_id = ",
            $row,
            ".org_id and e.event_key = ",
            $row,
            ".event_key
                and e.\"timestamp\" >= key_time.at and e.\"timestamp\" < key_time.at + interval '1 millisecond'"
        )
    };
}
pub(crate) use event_of;

/// Whether an adjustment is the one of its event that counts.
macro_rules! is_last {
    ($adjustment:literal) => {
        concat!(
            "not exists (
                select 1 from adjustments as later
                where later.org_id = ",
            $adjustment,
            ".org_id and later.event_key = ",
            $adjustment,
            ".event_key and later.revision > ",
            $adjustment,
            ".revision)"
        )
    };
}
pub(crate) use is_last;

/// The adjustment of event `e` that counts, as `a`.
pub(crate) const LAST: &str = " left join lateral (
        select * from adjustments
        where adjustments.org_id = e.org_id and adjustments.event_key = e.event_key
        order by revision desc limit 1
    ) as a on true";

/// What event `e` costs now; needs [`LAST`].
pub(crate) const CURRENT_COST: &str = "case when a.revision is null then e.cost else a.new_cost end";

/// The receipt of event `e` that counts now; needs [`LAST`].
pub(crate) const CURRENT_RECEIPT: &str = "case when a.revision is null then e.receipt else a.receipt end";

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("events", column, detail)
}

fn standing(row: &PgRow, prefix: &str) -> Result<Standing, Error> {
    let column = |name: &str| format!("{prefix}{name}");
    Ok(Standing {
        cost: row.try_get(column("cost").as_str())?,
        upper_bound: row.try_get(column("upper_bound").as_str())?,
        lines: receipt::lines(row.try_get(column("receipt").as_str())?, "adjustments")?,
        priced_as: row.try_get(column("priced_as").as_str())?,
        unpriced_reason: row.try_get(column("unpriced_reason").as_str())?,
    })
}

fn recorded(row: &PgRow) -> Result<Recorded, Error> {
    let word = |problem: FieldProblem| inconsistent("usage_format", problem.detail);
    let usage_format = row.try_get::<&str, _>("usage_format")?.parse().map_err(word)?;
    let json = |column: &'static str| row.try_get::<Value, _>(column);
    let meters = serde_json::from_value(json("meters")?).map_err(|error| inconsistent("meters", error))?;
    let reported: Option<Decimal> = row.try_get("reported_cost")?;
    let currency: Option<String> = row.try_get("reported_currency")?;
    let revision: Option<i32> = row.try_get("revision")?;
    let current = if revision.is_some() { standing(row, "a_")? } else { standing(row, "")? };
    Ok(Recorded {
        event_key: EventKey(row.try_get("event_key")?),
        timestamp: row.try_get("timestamp")?,
        project_id: ProjectId(row.try_get("project_id")?),
        series_id: row.try_get("series_id")?,
        labels: row.try_get("labels")?,
        usage_format,
        meters,
        sent: EventInput {
            provider: row.try_get("provider")?,
            model: row.try_get("model")?,
            usage: json("usage")?,
            service_tier: row.try_get("service_tier")?,
            batch: Some(row.try_get("batch")?),
            region: row.try_get("region")?,
            reported_cost: reported.zip(currency).map(|(amount, currency)| ReportedCost { amount, currency }),
            ..EventInput::default()
        },
        current,
        revision: revision.unwrap_or_default(),
        previous: None,
    })
}

/// The next events of a selection.
pub(super) async fn selected(
    connection: &mut PgConnection,
    scope: &OrgScope,
    selection: &Selection,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    let mut sql = QueryBuilder::<Postgres>::new(columns!());
    sql.push(" from events as e join projects on projects.org_id = e.org_id and projects.project_id = e.project_id");
    sql.push(LAST).push(" where not e.response_cache_hit and e.org_id = ").push_bind(scope.org_id().0);
    if let Some(from) = selection.from {
        sql.push(" and e.\"timestamp\" >= ").push_bind(from);
    }
    if let Some(to) = selection.to {
        sql.push(" and e.\"timestamp\" < ").push_bind(to);
    }
    if let Some((at, key)) = after {
        // The first condition alone lets PostgreSQL leave out partitions.
        sql.push(" and e.\"timestamp\" >= ").push_bind(at);
        sql.push(" and (e.\"timestamp\", e.event_key) > (").push_bind(at).push(", ").push_bind(key.0).push(")");
    }
    if let Some(until) = selection.received_until {
        sql.push(" and e.received_at <= ").push_bind(until);
    }
    if selection.unpriced {
        sql.push(" and ").push(CURRENT_COST).push(" is null");
    }
    for filter in &selection.filters {
        push_filter(&mut sql, scope, filter);
    }
    sql.push(" order by e.\"timestamp\", e.event_key limit ").push_bind(limit);
    let rows = sql.build().fetch_all(connection).await?;
    rows.iter().map(recorded).collect()
}

/// The oldest events that wait for a price under a name as it was sent, found by the indexes of what waits.
pub(super) async fn waiting(
    connection: &mut PgConnection,
    scope: &OrgScope,
    (provider, model): (&str, &str),
    limit: i64,
) -> Result<Vec<Recorded>, Error> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "with found as (
            select event_key, \"timestamp\" from events where cost is null and org_id = ",
    );
    let org = scope.org_id().0;
    sql.push_bind(org).push(" and provider = ").push_bind(provider).push(" and model = ").push_bind(model);
    sql.push(" union select e.event_key, e.\"timestamp\" from adjustments as lost");
    sql.push(event_of!("lost")).push(" where lost.new_cost is null and lost.org_id = ");
    sql.push_bind(org)
        .push(" and e.provider = ")
        .push_bind(provider)
        .push(" and e.model = ")
        .push_bind(model)
        .push(") ");
    sql.push(columns!());
    sql.push(" from found join events as e on e.\"timestamp\" = found.\"timestamp\" and e.event_key = found.event_key");
    sql.push(LAST).push(" where not e.response_cache_hit and e.org_id = ").push_bind(org);
    sql.push(" and ").push(CURRENT_COST).push(" is null order by e.\"timestamp\", e.event_key limit ").push_bind(limit);
    let rows = sql.build().fetch_all(connection).await?;
    rows.iter().map(recorded).collect()
}

/// The next events that a run adjusted, by key.
pub(super) async fn adjusted_keys(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    after: Option<EventKey>,
    limit: i64,
) -> Result<Vec<EventKey>, Error> {
    let keys: Vec<Uuid> = sqlx::query_scalar(
        "select event_key from adjustments
         where org_id = $1 and run_id = $2 and not is_reversal and ($3::uuid is null or event_key > $3)
           and not exists (
               select 1 from adjustments as back
               where back.org_id = $1 and back.run_id = $2 and back.is_reversal and back.event_key = adjustments.event_key)
         order by event_key limit $4",
    )
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .bind(after.map(|key| key.0))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(keys.into_iter().map(EventKey).collect())
}

/// Events by key with what counted before a run adjusted them. Keys carry their time, so each is found in its partition.
pub(super) async fn by_keys(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    keys: &[EventKey],
) -> Result<Vec<Recorded>, Error> {
    let mut sql = QueryBuilder::<Postgres>::new(columns!());
    sql.push(
        ", p.revision as p_revision, p.new_cost as p_cost, p.new_upper_bound as p_upper_bound, p.receipt as p_receipt,
           p.priced_as as p_priced_as, p.unpriced_reason as p_unpriced_reason
         from unnest(",
    );
    sql.push_bind(keys.iter().map(|key| key.0).collect::<Vec<_>>()).push("::uuid[], ");
    sql.push_bind(keys.iter().map(|key| time_of(*key)).collect::<Vec<_>>());
    sql.push("::timestamptz[]) as wanted (event_key, at) join lateral (select * from events where events.org_id = ");
    sql.push_bind(scope.org_id().0);
    sql.push(
        " and events.\"timestamp\" >= wanted.at and events.\"timestamp\" < wanted.at + interval '1 millisecond'
            and events.event_key = wanted.event_key) as e on true",
    );
    sql.push(LAST);
    sql.push(
        " join adjustments as mine on mine.org_id = e.org_id and mine.event_key = e.event_key and not mine.is_reversal
            and mine.run_id = ",
    );
    sql.push_bind(run_id.0).push(
        " left join adjustments as p on p.org_id = e.org_id and p.event_key = e.event_key and p.revision = mine.revision - 1
          order by e.event_key",
    );
    let rows = sql.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let adjusted_before: Option<i32> = row.try_get("p_revision")?;
            let previous = standing(row, if adjusted_before.is_some() { "p_" } else { "" })?;
            Ok(Recorded { previous: Some(previous), ..recorded(row)? })
        })
        .collect()
}

/// How many events of a run have later adjustments than the run's, by runs that were not reversed.
pub(super) async fn adjusted_again(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "select count(*) from adjustments as mine
         where mine.org_id = $1 and mine.run_id = $2 and not mine.is_reversal
           and exists (
               select 1 from adjustments as later
               join repricing_runs as runs on runs.org_id = later.org_id and runs.run_id = later.run_id
               where later.org_id = mine.org_id and later.event_key = mine.event_key and later.revision > mine.revision
                 and later.run_id <> mine.run_id and runs.state <> 'reversed')",
    )
    .bind(scope.org_id().0)
    .bind(run_id.0)
    .fetch_one(connection)
    .await?)
}

/// Appends adjustments as the next revisions of their events.
pub(super) async fn append(
    connection: &mut PgConnection,
    scope: &OrgScope,
    by: By,
    adjustments: &[Adjustment<'_>],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    macro_rules! all {
        ($one:ident => $value:expr) => {
            adjustments.iter().map(|$one| $value).collect::<Vec<_>>()
        };
    }
    sqlx::query(
        "insert into adjustments (org_id, run_id, is_reversal, adjusted_at, event_key, revision, old_cost, new_cost,
            old_upper_bound, new_upper_bound, receipt, priced_as, unpriced_reason)
         select $1, $2, $3, $4, batch.*
         from unnest($5::uuid[], $6::int[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::jsonb[],
            $12::text[], $13::text[]) as batch",
    )
    .bind(scope.org_id().0)
    .bind(by.run_id.0)
    .bind(by.is_reversal)
    .bind(now)
    .bind(all!(one => one.event.event_key.0))
    .bind(all!(one => one.event.revision + 1))
    .bind(all!(one => one.event.current.cost))
    .bind(all!(one => one.to.cost))
    .bind(all!(one => one.event.current.upper_bound))
    .bind(all!(one => one.to.upper_bound))
    .bind(all!(one => receipt::to_json(one.to.lines.iter().cloned())))
    .bind(all!(one => one.to.priced_as.as_deref()))
    .bind(all!(one => one.to.unpriced_reason.as_deref()))
    .execute(connection)
    .await?;
    Ok(())
}

/// An adjustment of one event.
pub(crate) struct StoredAdjustment {
    pub(crate) revision: i32,
    pub(crate) run_id: RunId,
    pub(crate) is_reversal: bool,
    pub(crate) reason: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) old_cost: Option<Decimal>,
    pub(crate) new_cost: Option<Decimal>,
    pub(crate) lines: Vec<receipt::StoredLine>,
}

/// The adjustments of an event, first to last.
pub(crate) async fn adjustments_of(
    pool: &PgPool,
    scope: &OrgScope,
    event_key: EventKey,
) -> Result<Vec<StoredAdjustment>, Error> {
    let rows = sqlx::query(
        "select a.revision, a.run_id, a.is_reversal, a.adjusted_at, a.old_cost, a.new_cost, a.receipt,
            coalesce(case when a.is_reversal then runs.reverse_reason else runs.reason end, '') as reason
         from adjustments as a
         left join repricing_runs as runs on runs.org_id = a.org_id and runs.run_id = a.run_id
         where a.org_id = $1 and a.event_key = $2 order by a.revision",
    )
    .bind(scope.org_id().0)
    .bind(event_key.0)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(StoredAdjustment {
                revision: row.try_get("revision")?,
                run_id: RunId(row.try_get("run_id")?),
                is_reversal: row.try_get("is_reversal")?,
                reason: row.try_get("reason")?,
                at: row.try_get("adjusted_at")?,
                old_cost: row.try_get("old_cost")?,
                new_cost: row.try_get("new_cost")?,
                lines: receipt::lines(row.try_get("receipt")?, "adjustments")?,
            })
        })
        .collect()
}
