//! Queries of the rejected list: `rejected_events`.

use super::Entry;
use crate::ledger::cursor::Cursor;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::{RejectedFilter, RejectedReason, RejectedRow};
use domain::ids::{OrgId, RejectedId};
use sqlx::{PgConnection, PgPool, Row};

/// What an entry said that is no longer there.
pub(super) struct Dismissed {
    pub(super) reason: RejectedReason,
    pub(super) times: i64,
}

/// Adds entries, or counts them where the same are listed. They must be sorted and differ.
pub(super) async fn upsert(connection: &mut PgConnection, entries: &[Entry<'_>]) -> Result<(), Error> {
    macro_rules! all {
        ($entry:ident => $value:expr) => {
            entries.iter().map(|$entry| $value).collect::<Vec<_>>()
        };
    }
    sqlx::query(
        "insert into rejected_events as listed (org_id, rejected_id, received_at, key_id, project_id, id, project,
            provider, model, pointer, code, detail, reason_hash, times, first_received_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bigint[], $15::timestamptz[])
         on conflict (org_id, reason_hash) do update set
            times = listed.times + excluded.times,
            id = case when excluded.received_at >= listed.received_at then excluded.id else listed.id end,
            received_at = greatest(listed.received_at, excluded.received_at),
            first_received_at = least(listed.first_received_at, excluded.first_received_at)",
    )
    .bind(all!(entry => entry.last.org_id.0))
    .bind(all!(entry => entry.last.rejected_id.0))
    .bind(all!(entry => entry.last.received_at))
    .bind(all!(entry => entry.last.key_id.0))
    .bind(all!(entry => entry.last.project_id.0))
    .bind(all!(entry => entry.last.id.as_deref()))
    .bind(all!(entry => entry.last.project.as_deref()))
    .bind(all!(entry => entry.last.provider.as_deref()))
    .bind(all!(entry => entry.last.model.as_deref()))
    .bind(all!(entry => entry.last.problem.pointer.as_str()))
    .bind(all!(entry => entry.last.problem.code.as_str()))
    .bind(all!(entry => entry.last.problem.detail.as_str()))
    .bind(all!(entry => &entry.reason_hash.0[..]))
    .bind(all!(entry => entry.times))
    .bind(all!(entry => entry.first_received_at))
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes the oldest entries beyond `most`; how many. What another transaction holds is left to the next time, so that committers never wait for each other here.
pub(super) async fn trim(connection: &mut PgConnection, org_id: OrgId, most: i64) -> Result<u64, Error> {
    let deleted = sqlx::query(
        "delete from rejected_events where org_id = $1 and rejected_id = any(array(
             select rejected_id from rejected_events
             where org_id = $1 and (received_at, rejected_id) <= (
                 select received_at, rejected_id from rejected_events where org_id = $1
                 order by received_at desc, rejected_id desc offset $2 limit 1)
             for update skip locked))",
    );
    Ok(deleted.bind(org_id.0).bind(most).execute(connection).await?.rows_affected())
}

/// One page of the list.
pub(super) async fn page(
    pool: &PgPool,
    scope: &OrgScope,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Vec<RejectedRow>, Error> {
    let rows = sqlx::query(
        "select listed.*, coalesce(api_keys.name, '') as key_name
         from rejected_events as listed
         left join api_keys on api_keys.org_id = listed.org_id and api_keys.key_id = listed.key_id
         where listed.org_id = $1
           and ($2::uuid[] is null or listed.project_id = any($2))
           and ($3::timestamptz is null or (listed.received_at, listed.rejected_id) < ($3, $4::uuid))
         order by listed.received_at desc, listed.rejected_id desc
         limit $5",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(after.map(|cursor| cursor.at))
    .bind(after.map(|cursor| cursor.id))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let times: i64 = row.try_get("times")?;
            Ok(RejectedRow {
                rejected_id: RejectedId(row.try_get("rejected_id")?),
                times: times.unsigned_abs(),
                received_at: scope.zone().local(row.try_get("received_at")?),
                first_received_at: scope.zone().local(row.try_get("first_received_at")?),
                id: row.try_get("id")?,
                project: row.try_get("project")?,
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                pointer: row.try_get("pointer")?,
                code: row.try_get("code")?,
                detail: row.try_get("detail")?,
                key_name: row.try_get("key_name")?,
            })
        })
        .collect()
}

/// Deletes one entry; none where there is no such.
pub(super) async fn delete_one(
    connection: &mut PgConnection,
    scope: &OrgScope,
    entry: RejectedId,
) -> Result<Option<Dismissed>, Error> {
    let row = sqlx::query(
        "delete from rejected_events
         where org_id = $1 and rejected_id = $2 and ($3::uuid[] is null or project_id = any($3))
         returning pointer, code, times",
    )
    .bind(scope.org_id().0)
    .bind(entry.0)
    .bind(scope.visible_projects())
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let reason = RejectedReason { pointer: row.try_get("pointer")?, code: row.try_get("code")? };
        Ok(Dismissed { reason, times: row.try_get("times")? })
    })
    .transpose()
}

/// Deletes all entries that are meant; how many.
pub(super) async fn delete_all(
    connection: &mut PgConnection,
    scope: &OrgScope,
    meant: &RejectedFilter,
) -> Result<u64, Error> {
    let deleted = sqlx::query(
        "delete from rejected_events
         where org_id = $1 and ($2::timestamptz is null or received_at <= $2)
           and ($3::uuid[] is null or project_id = any($3))
           and ($4::text is null or (pointer, code) = ($4, $5))",
    );
    let deleted = deleted.bind(scope.org_id().0).bind(meant.until).bind(scope.visible_projects());
    let reason = meant.reason.as_ref();
    let deleted = deleted.bind(reason.map(|reason| &reason.pointer)).bind(reason.map(|reason| &reason.code));
    Ok(deleted.execute(connection).await?.rows_affected())
}

/// Deletes entries that came last before `limit`; how many.
pub(super) async fn delete_before(pool: &PgPool, scope: &OrgScope, limit: DateTime<Utc>) -> Result<u64, Error> {
    let deleted = sqlx::query("delete from rejected_events where org_id = $1 and received_at < $2");
    Ok(deleted.bind(scope.org_id().0).bind(limit).execute(pool).await?.rows_affected())
}

/// Organizations with anything in their lists (across organizations: the worker's own view, no caller's).
pub(super) async fn organizations(pool: &PgPool) -> Result<Vec<OrgId>, Error> {
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("select distinct org_id from rejected_events order by org_id").fetch_all(pool).await?;
    Ok(ids.into_iter().map(OrgId).collect())
}
