//! Queries about copies of one answer.

use crate::ledger::adjust::CostState;
use crate::ledger::commit::sql::{KnownIds, known_id};
use crate::ledger::content::id_hash;
use crate::ledger::event::NewEvent;
use crate::{Error, OrgScope};
use domain::ids::{EventKey, OrgId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A recorded event and the copy that takes its place.
pub(super) struct Replacement<'a> {
    pub(super) state: &'a CostState,
    pub(super) by: &'a NewEvent,
    /// Whether they came under the same id.
    pub(super) is_same_id: bool,
}

/// Smaller copies of an event.
#[derive(Default)]
pub(super) struct Noted {
    pub(super) copies: i32,
    /// Of the largest of them.
    pub(super) tokens: i64,
    pub(super) cost: Option<Decimal>,
}

/// Notes smaller copies of events, beside those that are noted already.
pub(super) async fn note(
    connection: &mut PgConnection,
    noted: &BTreeMap<(OrgId, EventKey), Noted>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into event_copies (org_id, event_key, copies, tokens, cost)
         select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bigint[], $5::numeric[])
         on conflict on constraint event_copies_pkey do update set
             copies = event_copies.copies + excluded.copies, tokens = excluded.tokens, cost = excluded.cost",
    )
    .bind(noted.keys().map(|(org_id, _)| org_id.0).collect::<Vec<_>>())
    .bind(noted.keys().map(|(_, event_key)| event_key.0).collect::<Vec<_>>())
    .bind(noted.values().map(|noted| noted.copies).collect::<Vec<_>>())
    .bind(noted.values().map(|noted| noted.tokens).collect::<Vec<_>>())
    .bind(noted.values().map(|noted| noted.cost).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// What is remembered of the ids of these events; whoever else wants to replace what is recorded under them waits.
///
/// One organization after the other, in the order in which everybody locks rows: a cluster locks rows of one at a time.
pub(super) async fn lock_ids(connection: &mut PgConnection, events: &[&NewEvent]) -> Result<KnownIds, Error> {
    let mut by_org = BTreeMap::<OrgId, Vec<&NewEvent>>::new();
    for event in events {
        by_org.entry(event.org_id).or_default().push(*event);
    }
    let mut known = KnownIds::new();
    for (org_id, events) in by_org {
        let rows = sqlx::query(
            "select wanted.event_key as wanted_key, known.org_id, known.event_key, known.content_hash
             from unnest($2::uuid[], $3::uuid[]) as wanted (id_hash, event_key)
             join event_ids as known on known.id_hash = wanted.id_hash
             where known.org_id = $1 and known.event_key <> wanted.event_key
             order by known.id_hash for update of known",
        )
        .bind(org_id.0)
        .bind(events.iter().map(|event| Uuid::from_bytes(event.id_hash)).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.event_key.0).collect::<Vec<_>>())
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            known.extend([known_id(row)?]);
        }
    }
    Ok(known)
}

/// Deletes what is replaced, and gives its ids to what takes its place.
pub(super) async fn take_back(
    connection: &mut PgConnection,
    scope: &OrgScope,
    replacements: &[Replacement<'_>],
) -> Result<(), Error> {
    macro_rules! all {
        ($one:ident => $value:expr) => {
            replacements.iter().map(|$one| $value).collect::<Vec<_>>()
        };
    }
    let old_keys = all!(one => one.state.event.event_key.0);
    let new_keys = all!(one => one.by.event_key.0);
    sqlx::query(
        "insert into event_copies (org_id, event_key, copies, tokens, cost)
         select $1, new.new_key, coalesce(before.copies, 0) + new.is_same_id::integer,
             case when new.is_same_id then new.tokens else before.tokens end,
             case when new.is_same_id then new.cost else before.cost end
         from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::numeric[], $6::boolean[])
             as new (old_key, new_key, tokens, cost, is_same_id)
         left join event_copies as before on before.org_id = $1 and before.event_key = new.old_key
         where new.is_same_id or before.copies is not null",
    )
    .bind(scope.org_id().0)
    .bind(&old_keys)
    .bind(&new_keys)
    .bind(all!(one => i64::try_from(one.state.event.tokens).unwrap_or(i64::MAX)))
    .bind(all!(one => one.state.event.booking.cost))
    .bind(all!(one => one.is_same_id))
    .execute(&mut *connection)
    .await?;
    for sql in [
        "delete from event_copies where org_id = $1 and event_key = any($2)",
        "delete from adjustments where org_id = $1 and event_key = any($2)",
        "delete from events where org_id = $1 and event_key = any($2)",
    ] {
        sqlx::query(sql).bind(scope.org_id().0).bind(&old_keys).execute(&mut *connection).await?;
    }
    for sql in [
        "update possible_duplicates as mark set event_key = new.new_key
         from unnest($2::uuid[], $3::uuid[]) as new (old_key, new_key)
         where mark.org_id = $1 and mark.event_key = new.old_key",
        "update possible_duplicates as mark set first_key = new.new_key
         from unnest($2::uuid[], $3::uuid[]) as new (old_key, new_key)
         where mark.org_id = $1 and mark.first_key = new.old_key",
        "update trace_calls as call set event_key = new.new_key
         from unnest($2::uuid[], $3::uuid[]) as new (old_key, new_key)
         where call.org_id = $1 and call.event_key = new.old_key",
    ] {
        sqlx::query(sql).bind(scope.org_id().0).bind(&old_keys).bind(&new_keys).execute(&mut *connection).await?;
    }
    let response = |one: &Replacement<'_>| one.state.event.sent.provider_response_id.as_deref().map(id_hash);
    sqlx::query(
        "update provider_responses as known set event_key = new.new_key
         from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as new (response_hash, old_key, new_key)
         where known.org_id = $1 and known.response_hash = new.response_hash and known.event_key = new.old_key",
    )
    .bind(scope.org_id().0)
    .bind(all!(one => response(one).map(Uuid::from_bytes)))
    .bind(&old_keys)
    .bind(&new_keys)
    .execute(&mut *connection)
    .await?;
    // An id of its own stays that of what is gone: sent again, that is still a duplicate.
    let same_ids = || replacements.iter().filter(|one| one.is_same_id);
    sqlx::query(
        "update event_ids as known set event_key = new.new_key, content_hash = new.content_hash
         from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as new (id_hash, new_key, content_hash)
         where known.org_id = $1 and known.id_hash = new.id_hash",
    )
    .bind(scope.org_id().0)
    .bind(same_ids().map(|one| Uuid::from_bytes(one.by.id_hash)).collect::<Vec<_>>())
    .bind(same_ids().map(|one| one.by.event_key.0).collect::<Vec<_>>())
    .bind(same_ids().map(|one| Uuid::from_bytes(one.by.content_hash)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
