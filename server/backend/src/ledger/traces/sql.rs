//! Queries about spans of one trace: `traces`, `trace_calls`. Those of the ingest transaction mix organizations: every row carries its own.

use super::{Place, TraceCall};
use crate::ledger::possible_duplicates::Pair;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::{EventKey, OrgId};
use sqlx::{PgConnection, PgPool, Row};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

macro_rules! all {
    ($call:ident of $calls:expr => $value:expr) => {
        $calls.iter().map(|$call| $value).collect::<Vec<_>>()
    };
}

/// Takes the traces of these calls, in their order, and adds the calls. They must be sorted by organization and trace.
pub(super) async fn remember(
    connection: &mut PgConnection,
    calls: &[TraceCall],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    // A row that is in a conflict is locked, whether or not it is updated. The difference of two times is immutable, as a cluster wants it there; a time less an interval is not.
    sqlx::query(
        "with told as (
             select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                 $7::timestamptz[], $8::timestamptz[], $9::boolean[], $10::boolean[], $11::uuid[])
                 as told (org_id, trace_id, span_id, above_id, usage_hash, scope_hash, began_at, ended_at, is_outer,
                     is_counted, event_key)
         ), taken as (
             insert into traces (org_id, trace_id, told_at)
             select distinct org_id, trace_id, $12::timestamptz from told order by org_id, trace_id
             on conflict on constraint traces_pkey do update set told_at = excluded.told_at
             where excluded.told_at - traces.told_at > interval '1 hour'
         )
         insert into trace_calls (org_id, trace_id, span_id, above_id, usage_hash, scope_hash, began_at, ended_at,
             is_outer, is_counted, event_key)
         select * from told
         on conflict on constraint trace_calls_pkey do nothing",
    )
    .bind(all!(call of calls => call.place.org_id.0))
    .bind(all!(call of calls => call.place.trace_id))
    .bind(all!(call of calls => call.place.span_id))
    .bind(all!(call of calls => call.above_id))
    .bind(all!(call of calls => call.usage_hash))
    .bind(all!(call of calls => call.scope_hash))
    .bind(all!(call of calls => call.place.began_at))
    .bind(all!(call of calls => call.place.ended_at))
    .bind(all!(call of calls => call.place.is_outer))
    .bind(all!(call of calls => call.place.is_counted))
    .bind(all!(call of calls => call.event_key.0))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Places in a list, by organization. What is found beside recorded calls is asked of one organization after the other: a cluster answers only so, and each is one statement where all lies on one server.
fn by_org(orgs: impl Iterator<Item = OrgId>) -> BTreeMap<OrgId, Vec<usize>> {
    let mut places = BTreeMap::<OrgId, Vec<usize>>::new();
    for (place, org_id) in orgs.enumerate() {
        places.entry(org_id).or_default().push(place);
    }
    places
}

/// Which of these spans repeat recorded calls, by their places.
pub(super) async fn repeating(connection: &mut PgConnection, spans: &[&Place]) -> Result<BTreeSet<usize>, Error> {
    let mut repeating = BTreeSet::new();
    for (org_id, places) in by_org(spans.iter().map(|span| span.org_id)) {
        let of_org: Vec<&Place> = places.iter().filter_map(|place| spans.get(*place).copied()).collect();
        let found: Vec<i64> = sqlx::query_scalar(
            "select wanted.place
             from unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::boolean[])
                 with ordinality as wanted (trace_id, span_id, began_at, ended_at, is_outer, is_counted, place)
             where exists (
                     select 1 from trace_calls as below
                     where below.org_id = $1 and below.trace_id = wanted.trace_id
                       and below.above_id = wanted.span_id and (below.is_counted or not wanted.is_counted))
                or wanted.is_outer and exists (
                     select 1 from trace_calls as call
                     where call.org_id = $1 and call.trace_id = wanted.trace_id
                       and call.is_counted and not call.is_outer
                       and call.began_at <= wanted.ended_at and call.ended_at >= wanted.began_at)",
        )
        .bind(org_id.0)
        .bind(all!(span of of_org => span.trace_id))
        .bind(all!(span of of_org => span.span_id))
        .bind(all!(span of of_org => span.began_at))
        .bind(all!(span of of_org => span.ended_at))
        .bind(all!(span of of_org => span.is_outer))
        .bind(all!(span of of_org => span.is_counted))
        .fetch_all(&mut *connection)
        .await?;
        // PostgreSQL counts from 1.
        let found = found.into_iter().filter_map(|place| usize::try_from(place - 1).ok());
        repeating.extend(found.filter_map(|place| places.get(place).copied()));
    }
    Ok(repeating)
}

/// Leaves these calls of one organization out.
pub(super) async fn leave_out(connection: &mut PgConnection, org_id: OrgId, calls: &[&TraceCall]) -> Result<(), Error> {
    sqlx::query(
        "update trace_calls set event_key = null
         where org_id = $1 and trace_id = any($2) and span_id = any($3) and event_key = any($4)",
    )
    .bind(org_id.0)
    .bind(all!(call of calls => call.place.trace_id))
    .bind(all!(call of calls => call.place.span_id))
    .bind(all!(call of calls => call.event_key.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// A call and another one of its trace that has an event.
pub(super) struct Related {
    pub(super) pair: Pair,
    /// Both failed: one attempt, and no double.
    pub(super) same_attempt: bool,
}

/// Those of these calls that may be told by another event, in the order of their keys.
///
/// The other one is the span above, else an outer span that ran meanwhile, else another instrumentation's span with the same counts, one within the other.
pub(super) async fn related(connection: &mut PgConnection, calls: &[TraceCall]) -> Result<Vec<Related>, Error> {
    let mut all = vec![];
    for (org_id, places) in by_org(calls.iter().map(|call| call.place.org_id)) {
        let of_org: Vec<&TraceCall> = places.iter().filter_map(|place| calls.get(*place)).collect();
        all.extend(related_of(connection, org_id, &of_org).await?);
    }
    all.sort_by_key(|related| related.pair.second);
    Ok(all)
}

async fn related_of(connection: &mut PgConnection, org_id: OrgId, calls: &[&TraceCall]) -> Result<Vec<Related>, Error> {
    let rows = sqlx::query(
        "select call.event_key, coalesce(above.event_key, around.event_key, same.event_key) as first_key,
             not call.is_counted as same_attempt
         from unnest($2::uuid[], $3::bigint[]) as told (trace_id, span_id)
         join trace_calls as call on call.org_id = $1 and call.trace_id = told.trace_id and call.span_id = told.span_id
         left join trace_calls as above
           on above.org_id = $1 and above.trace_id = call.trace_id and above.span_id = call.above_id
           and above.is_counted = call.is_counted
         left join lateral (
             select around.event_key from trace_calls as around
             where around.org_id = $1 and around.trace_id = call.trace_id and around.is_outer
               and around.event_key is not null and call.is_counted and not call.is_outer
               and around.began_at <= call.ended_at and around.ended_at >= call.began_at
             order by around.event_key limit 1
         ) as around on true
         left join lateral (
             select same.event_key from trace_calls as same
             where same.usage_hash = call.usage_hash and same.ended_at >= call.began_at
               and same.org_id = $1 and same.trace_id = call.trace_id and same.span_id <> call.span_id
               and same.event_key is not null and same.is_counted and call.is_counted
               and (same.scope_hash <> call.scope_hash or same.is_outer or call.is_outer)
               and (same.began_at <= call.began_at and same.ended_at >= call.ended_at
                 or same.began_at >= call.began_at and same.ended_at <= call.ended_at)
             order by same.event_key limit 1
         ) as same on true
         where call.event_key is not null and coalesce(above.event_key, around.event_key, same.event_key) is not null",
    )
    .bind(org_id.0)
    .bind(all!(call of calls => call.place.trace_id))
    .bind(all!(call of calls => call.place.span_id))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let pair = Pair { second: EventKey(row.try_get("event_key")?), first: EventKey(row.try_get("first_key")?) };
            Ok(Related { pair, same_attempt: row.try_get("same_attempt")? })
        })
        .collect()
}

/// Organizations with traces of which nothing came since `before` (across organizations: the worker's own view, no caller's).
pub(super) async fn organizations(pool: &PgPool, before: DateTime<Utc>) -> Result<Vec<OrgId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select distinct org_id from traces where told_at < $1 order by org_id")
        .bind(before)
        .fetch_all(pool)
        .await?;
    Ok(ids.into_iter().map(OrgId).collect())
}

/// Deletes at most `limit` traces of which nothing came since `before`, without those that a committer holds; how many.
pub(super) async fn forget(pool: &PgPool, scope: &OrgScope, before: DateTime<Utc>, limit: i64) -> Result<u64, Error> {
    let mut transaction = pool.begin().await?;
    let old: Vec<Uuid> = sqlx::query_scalar(
        "select trace_id from traces where org_id = $1 and told_at < $2
         order by told_at limit $3 for update skip locked",
    )
    .bind(scope.org_id().0)
    .bind(before)
    .bind(limit)
    .fetch_all(&mut *transaction)
    .await?;
    let mut forgotten = 0;
    for sql in [
        "delete from trace_calls where org_id = $1 and trace_id = any($2)",
        "delete from traces where org_id = $1 and trace_id = any($2)",
    ] {
        let deleted = sqlx::query(sql).bind(scope.org_id().0).bind(&old).execute(&mut *transaction).await?;
        forgotten = deleted.rows_affected();
    }
    transaction.commit().await?;
    Ok(forgotten)
}
