//! Answers of a provider that come with two events: what becomes of the second.

mod sql;

pub(crate) use sql::dropping;
pub(super) use sql::{ResponseIdClaim, mark};

use super::content::id_hash;
use super::event::NewEvent;
use super::rejected::NewRejection;
use crate::{Clock, Error};
use domain::ids::{EventKey, OrgId, RejectedId};
use domain::problem::FieldProblem;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// The event that brought the same answer first, by the event that brought it again.
pub(super) type FirstEvents = HashMap<EventKey, EventKey>;

/// What becomes of the possible duplicates among new events.
#[derive(Default)]
pub(super) struct Settled {
    /// To be recorded and marked.
    pub(super) marked: FirstEvents,
    /// To be left out.
    pub(super) dropped: BTreeSet<EventKey>,
}

/// Settles those answers of new events that were claimed before.
pub(super) async fn settle(connection: &mut PgConnection, claims: &[ResponseIdClaim<'_>]) -> Result<Settled, Error> {
    let found = sql::claimed_before(connection, claims).await?;
    if found.is_empty() {
        return Ok(Settled::default());
    }
    let event_of = |claim: &ResponseIdClaim<'_>| (claim.event.event_key, claim.event.org_id);
    let org_of: HashMap<EventKey, OrgId> = claims.iter().map(event_of).collect();
    let organizations = found.keys().filter_map(|key| org_of.get(key)).copied().collect();
    let dropping = dropping(connection, &organizations).await?;
    let is_dropped = |key: &EventKey| org_of.get(key).is_some_and(|org_id| dropping.contains(org_id));
    let (dropped, marked): (Vec<_>, Vec<_>) = found.into_iter().partition(|(key, _)| is_dropped(key));
    Ok(Settled { marked: marked.into_iter().collect(), dropped: dropped.into_iter().map(|(key, _)| key).collect() })
}

/// Events with the provider's id, sorted by it, so that two servers claim in the same order.
pub(super) fn response_id_claims<'a>(events: &[&'a NewEvent]) -> Vec<ResponseIdClaim<'a>> {
    let mut claims: Vec<ResponseIdClaim<'a>> = events
        .iter()
        .filter(|event| event.sent.response_cache_hit != Some(true))
        .filter_map(|event| {
            let id = event.sent.provider_response_id.as_deref()?;
            Some(ResponseIdClaim { event, hash: id_hash(id) })
        })
        .collect();
    claims.sort_by_key(|claim| (claim.event.org_id, claim.hash));
    claims
}

/// What the rejected list says of a possible duplicate that was left out.
pub(super) fn rejection(event: &NewEvent, clock: &dyn Clock) -> NewRejection {
    NewRejection {
        org_id: event.org_id,
        rejected_id: RejectedId(clock.new_id()),
        received_at: event.received_at,
        key_id: event.key_id,
        project_id: event.project_id,
        id: Some(event.id.clone()),
        project: None,
        provider: Some(event.sent.provider.clone()),
        model: Some(event.sent.model.clone()),
        problem: FieldProblem::new(
            "/provider_response_id",
            "double",
            "The same answer of the provider is recorded under another id, and the organization leaves doubles out.",
        ),
    }
}
