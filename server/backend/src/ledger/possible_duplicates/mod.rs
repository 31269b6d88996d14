//! Calls that two events tell of, by the id of the provider's answer or by their traces: what becomes of the second.

mod sql;

pub(crate) use sql::dropping;
pub(super) use sql::{ResponseIdClaim, claimed_before, mark};

use super::content::id_hash;
use super::event::NewEvent;
use super::rejected::NewRejection;
use crate::{Clock, Error};
use domain::ids::{EventKey, OrgId};
use domain::problem::FieldProblem;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// The event that told of the same call first, by the event that told of it again.
pub(super) type FirstEvents = HashMap<EventKey, EventKey>;

/// Two events that may be the same call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) second: EventKey,
    pub(crate) first: EventKey,
}

/// What becomes of the possible duplicates among new events.
#[derive(Default)]
pub(super) struct Settled {
    /// To be recorded and marked.
    pub(super) marked: FirstEvents,
    /// To be left out.
    pub(super) dropped: BTreeSet<EventKey>,
}

/// Settles what becomes of the second event of each pair, all of which are new; the first may be new as well.
pub(super) async fn settle(
    connection: &mut PgConnection,
    events: &[&NewEvent],
    pairs: impl IntoIterator<Item = Pair>,
) -> Result<Settled, Error> {
    let found = firsts(pairs);
    if found.is_empty() {
        return Ok(Settled::default());
    }
    let org_of: HashMap<EventKey, OrgId> = events.iter().map(|event| (event.event_key, event.org_id)).collect();
    let organizations = found.keys().filter_map(|key| org_of.get(key)).copied().collect();
    let dropping = dropping(connection, &organizations).await?;
    let is_dropped = |key: &EventKey| org_of.get(key).is_some_and(|org_id| dropping.contains(org_id));
    let (dropped, marked): (Vec<_>, Vec<_>) = found.into_iter().partition(|(key, _)| is_dropped(key));
    Ok(Settled { marked: marked.into_iter().collect(), dropped: dropped.into_iter().map(|(key, _)| key).collect() })
}

/// The first event of each second one. Of events that name each other one stays the first, or all of them might be left out.
fn firsts(pairs: impl IntoIterator<Item = Pair>) -> FirstEvents {
    let mut firsts = FirstEvents::new();
    for Pair { second, mut first } in pairs {
        while let Some(earlier) = firsts.get(&first) {
            first = *earlier;
        }
        if first != second {
            firsts.entry(second).or_insert(first);
        }
    }
    firsts
}

/// Events with the provider's id, sorted by it, so that two servers claim in the same order.
pub(super) fn response_id_claims<'a>(events: &[&'a NewEvent]) -> Vec<ResponseIdClaim<'a>> {
    let mut claims: Vec<ResponseIdClaim<'a>> = events
        .iter()
        .filter(|event| !event.sent.is_cache_hit())
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
    let detail = "The same call is recorded under another id, and the organization leaves doubles out.";
    NewRejection::of(event, FieldProblem::new("/id", "double", detail), clock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(number: u128) -> EventKey {
        EventKey(Uuid::from_u128(number))
    }

    #[test]
    fn of_events_that_name_each_other_one_stays() {
        let firsts = |pairs: &[(u128, u128)]| {
            let pairs = pairs.iter().map(|(second, first)| Pair { second: key(*second), first: key(*first) });
            let mut found: Vec<_> =
                firsts(pairs).into_iter().map(|(second, first)| (second.0.as_u128(), first.0.as_u128())).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(firsts(&[(1, 2), (2, 1)]), [(1, 2)]);
        assert_eq!(firsts(&[(1, 2), (2, 1), (3, 1)]), [(1, 2), (3, 2)]);
        assert_eq!(firsts(&[(1, 2), (2, 3), (3, 1)]), [(1, 2), (2, 3)], "the third is what the others are doubles of");
        assert_eq!(firsts(&[(1, 9), (1, 2)]), [(1, 9)], "the first reason counts");
    }
}
