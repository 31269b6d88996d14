//! Answers of a provider that come with two events: what becomes of the second.

mod sql;

pub(crate) use sql::dropping;
pub(super) use sql::{ResponseIdClaim, mark};

use super::content::id_hash;
use super::copied::Counted;
use super::event::NewEvent;
use super::rejected::NewRejection;
use crate::locks::{self, Lock};
use crate::{Clock, Error};
use chrono::{DateTime, Utc};
use domain::event::EventInput;
use domain::ids::{EventKey, KeyId, OrgId, ProjectId, RejectedId};
use domain::problem::FieldProblem;
use sqlx::PgConnection;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The event that brought the same answer first, by the event that brought it again.
pub(super) type FirstEvents = HashMap<EventKey, EventKey>;

/// What becomes of the possible duplicates among new events.
#[derive(Default)]
pub(super) struct Settled {
    /// To be recorded and marked.
    pub(super) marked: FirstEvents,
    /// To be left out, each with the event that counts.
    pub(super) dropped: FirstEvents,
}

/// Settles those answers of new events that were claimed before.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn settle(connection: &mut PgConnection, claims: &[ResponseIdClaim<'_>]) -> Result<Settled, Error> {
    let mut found = sql::claimed_before(connection, claims).await?;
    if found.is_empty() {
        return Ok(Settled::default());
    }
    let event_of = |claim: &ResponseIdClaim<'_>| (claim.event.event_key, claim.event.org_id);
    let org_of: HashMap<EventKey, OrgId> = claims.iter().map(event_of).collect();
    let organizations = found.keys().filter_map(|key| org_of.get(key)).copied().collect();
    let dropping = dropping(connection, &organizations).await?;
    if !dropping.is_empty() {
        // Whoever puts another copy in the place of the first holds this, so that the first is the one that counts.
        for org_id in &dropping {
            locks::hold(connection, Lock::Costs.of(*org_id)).await?;
        }
        found = sql::claimed_before(connection, claims).await?;
    }
    let is_dropped = |key: &EventKey| org_of.get(key).is_some_and(|org_id| dropping.contains(org_id));
    let (dropped, marked): (Vec<_>, Vec<_>) = found.into_iter().partition(|(key, _)| is_dropped(key));
    Ok(Settled { marked: marked.into_iter().collect(), dropped: dropped.into_iter().collect() })
}

/// Events with the provider's id, sorted by it, so that two servers claim in the same order; the fullest copy of an answer first.
pub(super) fn response_id_claims<'a>(events: &[&'a NewEvent]) -> Vec<ResponseIdClaim<'a>> {
    let mut claims: Vec<ResponseIdClaim<'a>> = events
        .iter()
        .filter(|event| !event.sent.is_cache_hit())
        .filter_map(|event| {
            let id = event.sent.provider_response_id.as_deref()?;
            Some(ResponseIdClaim { event, hash: id_hash(id) })
        })
        .collect();
    claims.sort_by_cached_key(|claim| (claim.event.org_id, claim.hash, Reverse(Counted::new(claim.event).fullness())));
    claims
}

/// Of each answer the first claim, which is the one that counts.
pub(super) fn fullest<'a, 'e>(claims: &'a [ResponseIdClaim<'e>]) -> Vec<&'a ResponseIdClaim<'e>> {
    let mut fullest: Vec<&ResponseIdClaim<'_>> = claims.iter().collect();
    fullest.dedup_by_key(|claim| (claim.event.org_id, claim.hash));
    fullest
}

/// What the rejected list says of a possible duplicate that is left out: when it came, by which key and project, and what it says.
pub(super) fn rejection(
    clock: &dyn Clock,
    (org_id, received_at): (OrgId, DateTime<Utc>),
    (key_id, project_id): (KeyId, ProjectId),
    id: String,
    sent: &EventInput,
) -> NewRejection {
    NewRejection {
        org_id,
        rejected_id: RejectedId(clock.new_id()),
        received_at,
        key_id,
        project_id,
        id: Some(id),
        project: None,
        provider: Some(sent.provider.clone()),
        model: Some(sent.model.clone()),
        problem: FieldProblem::new(
            "/provider_response_id",
            "double",
            "The same answer of the provider is recorded under another id, and the organization leaves doubles out. The fullest one counts.",
        ),
    }
}
