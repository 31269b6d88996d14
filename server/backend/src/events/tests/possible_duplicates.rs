//! The same call by two routes.

use super::{Fixture, add_project, bound_key, event, statuses, with};
use crate::events::{find, list, possible_duplicate_totals, possible_duplicates, set_drops_possible_duplicates};
use crate::ledger::rejected;
use crate::{Actor, OrgScope};
use domain::event::{EventQuery, IngestStatus, PossibleDuplicate, PossibleDuplicateTotals};
use domain::identity::Role;
use domain::ids::UserId;
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

fn answered(id: &str, answer: &str) -> Value {
    with(event(id), "provider_response_id", answer)
}

/// The organization as its owner sees it.
pub(super) fn as_owner(scope: &OrgScope) -> OrgScope {
    let actor = Actor::User { user_id: UserId(Uuid::nil()), role: Role::Owner };
    OrgScope::new(scope.org_id(), scope.zone(), actor, scope.visible().clone())
}

async fn marked(fixture: &Fixture, scope: &OrgScope) -> Vec<String> {
    let page = list(&fixture.backend, scope, &EventQuery::default()).await.unwrap();
    page.rows.into_iter().filter(|row| row.possible_duplicate).map(|row| row.id).collect()
}

#[tokio::test]
async fn a_second_event_of_one_answer_is_recorded_and_marked() {
    let fixture = Fixture::new().await;
    let (acme, globex) = (fixture.organization("acme", "UTC").await, fixture.organization("globex", "UTC").await);
    assert_eq!(fixture.send(&acme, &[answered("gateway", "chatcmpl-1"), event("other")]).await.accepted, 2);
    let cached = with(answered("cached", "chatcmpl-1"), "response_cache_hit", true);
    assert_eq!(fixture.send(&acme, &[answered("sdk", "chatcmpl-1"), cached]).await.accepted, 2);
    // Another organization knows nothing of it, and a repetition is only a duplicate.
    assert_eq!(fixture.send(&globex, &[answered("gateway", "chatcmpl-1")]).await.accepted, 1);
    assert_eq!(fixture.send(&acme, &[answered("sdk", "chatcmpl-1")]).await.duplicates, 1);
    // Two in one request.
    assert_eq!(fixture.send(&acme, &[answered("a", "chatcmpl-2"), answered("b", "chatcmpl-2")]).await.accepted, 2);
    assert_eq!(marked(&fixture, &globex).await, Vec::<String>::new());
    let marked = marked(&fixture, &acme).await;
    assert_eq!((marked.len(), marked.contains(&"sdk".to_owned())), (2, true), "{marked:?}");

    let ids = |rows: Vec<domain::event::EventRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let second = find(&fixture.backend, &acme, "sdk").await.unwrap();
    assert_eq!((second.row.possible_duplicate, ids(second.possible_duplicates)), (true, vec!["gateway".to_owned()]));
    let first = find(&fixture.backend, &acme, "gateway").await.unwrap();
    assert_eq!((first.row.possible_duplicate, ids(first.possible_duplicates)), (false, vec!["sdk".to_owned()]));
    assert!(find(&fixture.backend, &acme, "cached").await.unwrap().possible_duplicates.is_empty());

    let page = possible_duplicates(&fixture.backend, &acme, None, 1).await.unwrap();
    let rest = possible_duplicates(&fixture.backend, &acme, page.next_cursor.as_deref(), 50).await.unwrap();
    // Of two that come in one request either may be the first.
    let pair = |pair: PossibleDuplicate| BTreeSet::from([pair.row.id, pair.first.unwrap().id]);
    let pairs: BTreeSet<_> = page.rows.into_iter().chain(rest.rows).map(pair).collect();
    let expected = [["a", "b"], ["gateway", "sdk"]].map(|pair| BTreeSet::from(pair.map(str::to_owned)));
    assert_eq!((pairs, rest.next_cursor), (BTreeSet::from(expected), None));
    let totals = possible_duplicate_totals(&fixture.backend, &acme).await.unwrap();
    assert_eq!((totals.events, totals.cost, totals.unpriced), (2, "0.007".parse().unwrap(), 0));
    assert_eq!(possible_duplicate_totals(&fixture.backend, &globex).await.unwrap(), PossibleDuplicateTotals::default());
    let other = add_project(&fixture, &acme, "elsewhere").await;
    let bound = bound_key(&fixture, &acme, &other).await;
    assert_eq!(
        possible_duplicate_totals(&fixture.backend, &bound).await.unwrap().events,
        0,
        "it does not see the project"
    );
    assert!(possible_duplicates(&fixture.backend, &bound, None, 50).await.unwrap().rows.is_empty());
    fixture.assert_rollups_follow(&acme).await;
}

#[tokio::test]
async fn where_doubles_are_left_out_they_are_listed_and_never_counted() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let project = add_project(&fixture, &acme, "other").await;
    let bound = bound_key(&fixture, &acme, &project).await;
    let refused = set_drops_possible_duplicates(&fixture.backend, &bound, true).await.unwrap_err();
    assert_eq!(refused.into_problem().status(), 403, "a key of one project does not decide for all");
    set_drops_possible_duplicates(&fixture.backend, &as_owner(&acme), true).await.unwrap();
    assert_eq!(fixture.send(&acme, &[answered("gateway", "chatcmpl-1")]).await.accepted, 1);
    let again = [answered("sdk", "chatcmpl-1"), answered("sdk", "chatcmpl-1"), event("other")];
    let answer = fixture.send(&acme, &again).await;
    assert_eq!(statuses(&answer), [IngestStatus::Duplicate, IngestStatus::Duplicate, IngestStatus::Accepted]);
    assert_eq!(fixture.send(&acme, &[answered("sdk", "chatcmpl-1")]).await.duplicates, 1);
    let listed = list(&fixture.backend, &acme, &EventQuery::default()).await.unwrap();
    assert_eq!(listed.rows.len(), 2);
    let rejected = rejected(&fixture.backend, &acme, None, 10).await.unwrap();
    let reasons: Vec<_> = rejected.rows.iter().map(|row| (row.id.as_deref(), row.code.as_str())).collect();
    assert_eq!(reasons, [(Some("sdk"), "double")], "once, however often it comes");
    fixture.assert_rollups_follow(&acme).await;
}
