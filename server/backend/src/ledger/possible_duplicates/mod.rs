//! Calls that two events tell of, by the id of the provider's answer or by their traces: what becomes of the second.

mod sql;

pub(super) use sql::{ResponseIdClaim, mark};

use super::content::id_hash;
use super::copied::Answer;
use super::event::NewEvent;
use crate::Error;
use crate::locks::{self, Lock};
use domain::ids::{EventKey, OrgId};
use domain::problem::FieldProblem;
use sqlx::PgConnection;
use std::cmp::Reverse;
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
    /// To be left out, each with the event that counts.
    pub(super) dropped: FirstEvents,
}

/// Settles what becomes of the second event of each pair, all of which are new; the first may be new as well. `dropping` are the organizations that leave possible duplicates out.
pub(super) fn settle(
    events: &[&NewEvent],
    pairs: impl IntoIterator<Item = Pair>,
    dropping: &BTreeSet<OrgId>,
) -> Settled {
    let found = firsts(pairs);
    if found.is_empty() {
        return Settled::default();
    }
    let dropped: BTreeSet<EventKey> =
        events.iter().filter(|event| dropping.contains(&event.org_id)).map(|event| event.event_key).collect();
    let (dropped, marked) = found.into_iter().partition(|(key, _)| dropped.contains(key));
    Settled { marked, dropped }
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
    claims.sort_by_cached_key(|claim| (claim.event.org_id, claim.hash, Reverse(Answer::new(claim.event).fullness())));
    claims
}

/// Of each answer the first claim, which is the one that counts.
pub(super) fn fullest<'a, 'e>(claims: &'a [ResponseIdClaim<'e>]) -> Vec<&'a ResponseIdClaim<'e>> {
    let mut fullest: Vec<&ResponseIdClaim<'_>> = claims.iter().collect();
    fullest.dedup_by_key(|claim| (claim.event.org_id, claim.hash));
    fullest
}

/// Which answers were claimed by another event, and by which. Where an organization leaves doubles out, nobody puts another event in the place of that one until the transaction ends.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn claimed_before(
    connection: &mut PgConnection,
    claims: &[ResponseIdClaim<'_>],
    dropping: &BTreeSet<OrgId>,
) -> Result<Vec<Pair>, Error> {
    let organizations: BTreeSet<OrgId> = claims.iter().map(|claim| claim.event.org_id).collect();
    for org_id in organizations.intersection(dropping) {
        locks::hold(connection, Lock::Costs.of(*org_id)).await?;
    }
    sql::claimed_before(connection, claims).await
}

/// What is said of a possible duplicate that is left out.
pub(super) fn left_out() -> FieldProblem {
    let detail =
        "The same call is recorded under another id, and the organization leaves doubles out. The fullest counts.";
    FieldProblem::new("/id", "double", detail)
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
