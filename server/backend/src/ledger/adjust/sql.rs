//! Queries that read recorded events with what counts now, append adjustments and move rollups.

use super::{Adjustment, AdjustmentSource, CostState, Selection};
use crate::ledger::booking::Booking;
use crate::ledger::key::first_key;
use crate::ledger::known::{Entry, Missing};
use crate::ledger::stored::{self, Dictionaries, Plan, StoredEvent};
use crate::ledger::{Words, push_filter, push_seen_events};
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::{EventKey, RunId};
use domain::meter::Meters;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// What [`cost_state`] reads of the last adjustment `a`, beside [`stored::COLUMNS`].
const ADJUSTED: &str = "a.revision, a.adjusted_at, a.new_cost as a_cost, a.new_upper_bound as a_upper_bound, a.plan_id as a_plan_id, a.quantities as a_quantities";

/// Joins the series of event `e`, as `s`.
macro_rules! series_of_event {
    () => {
        " join series as s on s.org_id = e.org_id and s.series_id = e.series_id"
    };
}
pub(crate) use series_of_event;

/// Joins the event of a row that names one by `org_id` and `event_key`, as `e`, and its series, as `s`.
macro_rules! event_of {
    ($row:literal) => {
        concat!(
            " join events as e on e.org_id = ",
            $row,
            ".org_id and e.event_key = ",
            $row,
            ".event_key",
            $crate::ledger::adjust::series_of_event!()
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

fn booking(row: &PgRow, dictionaries: &Dictionaries, prefix: &str, used: &Meters) -> Result<Booking, Error> {
    Ok(Booking {
        cost: row.try_get(format!("{prefix}cost").as_str())?,
        upper_bound: row.try_get(format!("{prefix}upper_bound").as_str())?,
        ..dictionaries.receipt(row, prefix, used)?
    })
}

fn cost_state(row: &PgRow, dictionaries: &Dictionaries) -> Result<CostState, Error> {
    let event = dictionaries.event(row)?;
    let revision: Option<i32> = row.try_get("revision")?;
    let adjusted = revision.map(|_| booking(row, dictionaries, "a_", &event.meters)).transpose()?;
    let current = adjusted.unwrap_or_else(|| event.booking.clone());
    let adjusted_at = row.try_get("adjusted_at")?;
    Ok(CostState { current, revision: revision.unwrap_or_default(), adjusted_at, previous: None, event })
}

async fn cost_states(
    connection: &mut PgConnection,
    scope: &OrgScope,
    mut sql: QueryBuilder<Postgres>,
) -> Result<Vec<CostState>, Error> {
    let rows = sql.build().fetch_all(&mut *connection).await?;
    let dictionaries = Dictionaries::of(connection, scope, &rows).await?;
    rows.iter().map(|row| cost_state(row, &dictionaries)).collect()
}

/// Begins a list of events with what counts now.
fn select() -> QueryBuilder<Postgres> {
    QueryBuilder::new(format!("select {}, {ADJUSTED}", stored::COLUMNS))
}

/// The next events of a selection.
pub(super) async fn selected(
    connection: &mut PgConnection,
    scope: &OrgScope,
    selection: &Selection,
    after: Option<EventKey>,
    limit: i64,
) -> Result<Vec<CostState>, Error> {
    let mut sql = select();
    sql.push(" from events as e").push(series_of_event!());
    sql.push(" join projects on projects.org_id = s.org_id and projects.project_id = s.project_id");
    sql.push(LAST).push(" where not e.response_cache_hit and e.org_id = ").push_bind(scope.org_id().0);
    if let Some(from) = selection.from {
        sql.push(" and e.event_key >= ").push_bind(first_key(from));
    }
    if let Some(to) = selection.to {
        sql.push(" and e.event_key < ").push_bind(first_key(to));
    }
    if let Some(after) = after {
        sql.push(" and e.event_key > ").push_bind(after.0);
    }
    if let Some(until) = selection.received_until {
        sql.push(" and e.received_at <= ").push_bind(until);
    }
    if selection.unpriced {
        sql.push(" and ").push(CURRENT_COST).push(" is null");
    }
    push_seen_events(&mut sql, scope);
    for filter in &selection.filters {
        push_filter(&mut sql, scope, filter, Words::Sent);
    }
    sql.push(" order by e.event_key limit ").push_bind(limit);
    cost_states(connection, scope, sql).await
}

/// The oldest events that wait for a price under a name as it was sent, found by the indexes of what waits.
pub(super) async fn unpriced(
    connection: &mut PgConnection,
    scope: &OrgScope,
    (provider, model): (&str, &str),
    limit: i64,
) -> Result<Vec<CostState>, Error> {
    let org = scope.org_id().0;
    let mut sql =
        QueryBuilder::<Postgres>::new("with found as (select event_key from events where cost is null and org_id = ");
    sql.push_bind(org).push(" union select event_key from adjustments where new_cost is null and org_id = ");
    sql.push_bind(org).push(format!(
        ") select {}, {ADJUSTED} from found join events as e on e.event_key = found.event_key",
        stored::COLUMNS
    ));
    sql.push(series_of_event!()).push(LAST);
    sql.push(" where not e.response_cache_hit and e.org_id = ").push_bind(org);
    sql.push(" and coalesce(e.words ->> 'provider', s.provider) = ").push_bind(provider);
    sql.push(" and coalesce(e.words ->> 'model', s.model) = ").push_bind(model);
    sql.push(" and ").push(CURRENT_COST).push(" is null order by e.event_key limit ").push_bind(limit);
    cost_states(connection, scope, sql).await
}

/// The newest events with a reported cost.
pub(super) async fn reported(
    connection: &mut PgConnection,
    scope: &OrgScope,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<CostState>, Error> {
    let mut sql = select();
    sql.push(" from events as e").push(series_of_event!()).push(LAST);
    sql.push(" where e.reported_cost is not null and not e.response_cache_hit and e.org_id = ");
    sql.push_bind(scope.org_id().0).push(" and e.event_key >= ").push_bind(first_key(since));
    push_seen_events(&mut sql, scope);
    sql.push(" order by e.event_key desc limit ").push_bind(limit);
    cost_states(connection, scope, sql).await
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

/// Events by key with what counted before a run adjusted them.
pub(super) async fn by_keys(
    connection: &mut PgConnection,
    scope: &OrgScope,
    run_id: RunId,
    keys: &[EventKey],
) -> Result<Vec<CostState>, Error> {
    let mut sql = select();
    sql.push(
        ", p.revision as p_revision, p.new_cost as p_cost, p.new_upper_bound as p_upper_bound, p.plan_id as p_plan_id,
           p.quantities as p_quantities
         from events as e",
    );
    sql.push(LAST);
    sql.push(
        " join adjustments as mine on mine.org_id = e.org_id and mine.event_key = e.event_key and not mine.is_reversal
            and mine.run_id = ",
    );
    sql.push_bind(run_id.0).push(
        " left join adjustments as p on p.org_id = e.org_id and p.event_key = e.event_key and p.revision = mine.revision - 1
          where e.org_id = ",
    );
    sql.push_bind(scope.org_id().0).push(" and e.event_key = any(");
    sql.push_bind(keys.iter().map(|key| key.0).collect::<Vec<_>>()).push(") order by e.event_key");
    let rows = sql.build().fetch_all(&mut *connection).await?;
    let dictionaries = Dictionaries::of(connection, scope, &rows).await?;
    rows.iter()
        .map(|row| {
            let state = cost_state(row, &dictionaries)?;
            let adjusted_before: Option<i32> = row.try_get("p_revision")?;
            let before = adjusted_before.map(|_| booking(row, &dictionaries, "p_", &state.event.meters)).transpose()?;
            let previous = before.unwrap_or_else(|| state.event.booking.clone());
            Ok(CostState { previous: Some(previous), ..state })
        })
        .collect()
}

/// Events by key with what counts now.
pub(super) async fn states(
    connection: &mut PgConnection,
    scope: &OrgScope,
    keys: &[EventKey],
) -> Result<Vec<CostState>, Error> {
    let mut sql = select();
    sql.push(" from events as e").push(LAST).push(" where e.org_id = ").push_bind(scope.org_id().0);
    sql.push(" and e.event_key = any(").push_bind(keys.iter().map(|key| key.0).collect::<Vec<_>>()).push(")");
    cost_states(connection, scope, sql).await
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
    source: AdjustmentSource,
    adjustments: &[Adjustment<'_>],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    macro_rules! all {
        ($one:ident => $value:expr) => {
            adjustments.iter().map(|$one| $value).collect::<Vec<_>>()
        };
    }
    let planned = |one: &Adjustment<'_>| {
        let (plan, quantities) = Plan::of(&one.to, &one.state.event.meters);
        (Entry::of("plan", &plan), quantities)
    };
    let (plans, quantities): (Vec<Entry>, Vec<Option<Vec<u8>>>) = adjustments.iter().map(planned).unzip();
    Missing::of_plans(scope.org_id(), plans.iter()).write(connection, now).await?;
    sqlx::query(
        "insert into adjustments (org_id, run_id, is_reversal, adjusted_at, event_key, revision, old_cost, new_cost,
            old_upper_bound, new_upper_bound, plan_id, quantities)
         select $1, $2, $3, $4, batch.*
         from unnest($5::uuid[], $6::int[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::bigint[],
            $12::bytea[]) as batch",
    )
    .bind(scope.org_id().0)
    .bind(source.run_id.0)
    .bind(source.is_reversal)
    .bind(now)
    .bind(all!(one => one.state.event.event_key.0))
    .bind(all!(one => one.state.revision + 1))
    .bind(all!(one => one.state.current.cost))
    .bind(all!(one => one.to.cost))
    .bind(all!(one => one.state.current.upper_bound))
    .bind(all!(one => one.to.upper_bound))
    .bind(plans.iter().map(|plan| plan.id).collect::<Vec<_>>())
    .bind(quantities)
    .execute(connection)
    .await?;
    Ok(())
}

/// An adjustment of one event.
pub(crate) struct StoredAdjustment {
    pub(crate) event_key: EventKey,
    pub(crate) revision: i32,
    pub(crate) run_id: RunId,
    pub(crate) is_reversal: bool,
    pub(crate) reason: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) old_cost: Option<Decimal>,
    /// What counts from then on.
    pub(crate) to: Booking,
}

/// The adjustments of some events, by event and from first to last.
pub(crate) async fn adjustments(
    connection: &mut PgConnection,
    scope: &OrgScope,
    events: &[StoredEvent],
) -> Result<Vec<StoredAdjustment>, Error> {
    let used: HashMap<EventKey, &Meters> = events.iter().map(|event| (event.event_key, &event.meters)).collect();
    let rows = sqlx::query(
        "select a.event_key, a.revision, a.run_id, a.is_reversal, a.adjusted_at, a.old_cost, a.new_cost as a_cost,
            a.new_upper_bound as a_upper_bound, a.plan_id as a_plan_id, a.quantities as a_quantities,
            coalesce(case when a.is_reversal then runs.reverse_reason else runs.reason end, '') as reason
         from adjustments as a
         left join repricing_runs as runs on runs.org_id = a.org_id and runs.run_id = a.run_id
         where a.org_id = $1 and a.event_key = any($2) order by a.event_key, a.revision",
    )
    .bind(scope.org_id().0)
    .bind(used.keys().map(|key| key.0).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    let dictionaries = Dictionaries::of(connection, scope, &rows).await?;
    rows.iter()
        .map(|row| {
            let event_key = EventKey(row.try_get("event_key")?);
            let nothing = Meters::new();
            Ok(StoredAdjustment {
                event_key,
                revision: row.try_get("revision")?,
                run_id: RunId(row.try_get("run_id")?),
                is_reversal: row.try_get("is_reversal")?,
                reason: row.try_get("reason")?,
                at: row.try_get("adjusted_at")?,
                old_cost: row.try_get("old_cost")?,
                to: booking(row, &dictionaries, "a_", used.get(&event_key).copied().unwrap_or(&nothing))?,
            })
        })
        .collect()
}
