//! Queries about answers that are recorded twice.

use super::{FirstEvents, Pair};
use crate::Error;
use crate::ledger::content::IdHash;
use crate::ledger::event::NewEvent;
use domain::ids::EventKey;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// The claim of a new event to the id of the provider's response, by its hash.
pub(crate) struct ResponseIdClaim<'a> {
    pub(crate) event: &'a NewEvent,
    pub(crate) hash: IdHash,
}

/// Which answers were claimed by another event, and by which.
pub(super) async fn claimed_before(
    connection: &mut PgConnection,
    claims: &[ResponseIdClaim<'_>],
) -> Result<Vec<Pair>, Error> {
    if claims.is_empty() {
        return Ok(vec![]);
    }
    let orgs: Vec<Uuid> = claims.iter().map(|claim| claim.event.org_id.0).collect();
    let hashes: Vec<Uuid> = claims.iter().map(|claim| Uuid::from_bytes(claim.hash)).collect();
    let keys: Vec<Uuid> = claims.iter().map(|claim| claim.event.event_key.0).collect();
    let rows = sqlx::query(
        "select wanted.event_key, known.event_key as first_key
         from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (org_id, response_hash, event_key)
         join provider_responses as known
           on known.org_id = wanted.org_id and known.response_hash = wanted.response_hash
         where known.event_key <> wanted.event_key",
    )
    .bind(&orgs)
    .bind(&hashes)
    .bind(&keys)
    .fetch_all(connection)
    .await?;
    let pair = |row: &PgRow| {
        Ok(Pair { second: EventKey(row.try_get("event_key")?), first: EventKey(row.try_get("first_key")?) })
    };
    rows.iter().map(pair).collect()
}

/// Marks recorded events as possible duplicates.
pub(crate) async fn mark(
    connection: &mut PgConnection,
    events: &[&NewEvent],
    firsts: &FirstEvents,
) -> Result<(), Error> {
    let marked: Vec<(&NewEvent, EventKey)> =
        events.iter().filter_map(|event| Some((*event, *firsts.get(&event.event_key)?))).collect();
    if marked.is_empty() {
        return Ok(());
    }
    let orgs: Vec<Uuid> = marked.iter().map(|(event, _)| event.org_id.0).collect();
    let keys: Vec<Uuid> = marked.iter().map(|(event, _)| event.event_key.0).collect();
    let first_keys: Vec<Uuid> = marked.iter().map(|(_, first)| first.0).collect();
    sqlx::query(
        "insert into possible_duplicates (org_id, event_key, first_key)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])",
    )
    .bind(orgs)
    .bind(keys)
    .bind(first_keys)
    .execute(connection)
    .await?;
    Ok(())
}
