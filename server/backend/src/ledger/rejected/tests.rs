//! The rejected list stays short and true.

use super::sql;
use crate::events::attention;
use crate::events::tests::{Fixture, add_project, bound_key, event, now, with};
use crate::ledger::{dismiss_all_rejected, dismiss_rejected, enforce_retention, rejected};
use crate::{OrgScope, identity};
use chrono::Duration;
use domain::event::{RejectedFilter, RejectedRow};
use tokio_util::sync::CancellationToken;

async fn listed(fixture: &Fixture, scope: &OrgScope) -> Vec<RejectedRow> {
    rejected(&fixture.backend, scope, None, 200).await.unwrap().rows
}

async fn counts(fixture: &Fixture, scope: &OrgScope) -> Vec<(String, u64)> {
    let rows = listed(fixture, scope).await.into_iter();
    let mut counts: Vec<_> = rows.map(|row| (row.model.unwrap_or_default(), row.times)).collect();
    counts.sort();
    counts
}

/// Rejected for its status.
fn bad(id: &str, model: &str) -> serde_json::Value {
    with(with(event(id), "status", "bad"), "model", model)
}

async fn owner(fixture: &Fixture, scope: &OrgScope) -> OrgScope {
    identity::system_scope(&fixture.backend, scope.org_id()).await.unwrap()
}

/// Moves what is listed into the past.
async fn age(fixture: &Fixture, model: &str, days: i64) {
    let past = now() - Duration::days(days);
    sqlx::query("update rejected_events set received_at = $2 where model = $1")
        .bind(model)
        .bind(past)
        .execute(fixture.database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_rejected_for_the_same_reason_is_counted() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let globex = fixture.organization("globex", "UTC").await;
    assert_eq!(fixture.send(&acme, &[bad("a", "x"), bad("b", "x"), bad("c", "y")]).await.rejected, 3);
    age(&fixture, "x", 1).await;
    assert_eq!(fixture.send(&acme, &[bad("d", "x")]).await.rejected, 1);
    assert_eq!(fixture.send(&globex, &[bad("e", "x")]).await.rejected, 1);
    assert_eq!(counts(&fixture, &acme).await, [("x".to_owned(), 3), ("y".to_owned(), 1)]);
    assert_eq!(counts(&fixture, &globex).await, [("x".to_owned(), 1)]);
    let rows = listed(&fixture, &acme).await;
    let of_x = rows.iter().find(|row| row.model.as_deref() == Some("x")).unwrap();
    assert_eq!((of_x.id.as_deref(), of_x.received_at.to_utc()), (Some("d"), now()), "as it came last");
    assert_eq!(attention(&fixture.backend, &acme).await.unwrap().rejected, 2);

    // Another key or another reason is another entry.
    let side = add_project(&fixture, &acme, "side").await;
    let bound = bound_key(&fixture, &acme, &side).await;
    fixture.send(&bound, &[bad("f", "x")]).await;
    fixture.send(&acme, &[with(bad("g", "x"), "status", 7)]).await;
    assert_eq!(counts(&fixture, &acme).await.iter().map(|(_, times)| times).sum::<u64>(), 6);
    assert_eq!(listed(&fixture, &acme).await.len(), 4);
    assert_eq!(listed(&fixture, &bound).await.len(), 1, "of its own project");
}

#[tokio::test]
async fn an_entry_that_comes_again_is_the_newest_and_pages_follow() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    for (days, model) in [(3, "x"), (2, "y"), (1, "z")] {
        fixture.send(&acme, &[bad("a", model)]).await;
        age(&fixture, model, days).await;
    }
    fixture.send(&acme, &[bad("b", "x")]).await;
    let mut seen = vec![];
    let mut cursor = None;
    loop {
        let page = rejected(&fixture.backend, &acme, cursor.as_deref(), 1).await.unwrap();
        seen.extend(page.rows.into_iter().filter_map(|row| row.model));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["x", "z", "y"]);
}

#[tokio::test]
async fn what_is_dismissed_is_gone_until_it_comes_again() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let globex = fixture.organization("globex", "UTC").await;
    let (ours, theirs) = (owner(&fixture, &acme).await, owner(&fixture, &globex).await);
    let backend = &fixture.backend;
    fixture.send(&acme, &[bad("a", "x"), bad("b", "y"), bad("c", "z")]).await;
    fixture.send(&globex, &[bad("d", "x")]).await;
    let entry = listed(&fixture, &acme).await.iter().find(|row| row.model.as_deref() == Some("x")).unwrap().rejected_id;
    let all = RejectedFilter::default();
    // Who may only send and read may not; and nobody finds another's.
    let viewer = bound_key(&fixture, &acme, &add_project(&fixture, &acme, "side").await).await;
    assert_eq!(dismiss_rejected(backend, &viewer, entry).await.unwrap_err().into_problem().status(), 403);
    assert_eq!(dismiss_all_rejected(backend, &viewer, &all).await.unwrap_err().into_problem().status(), 403);
    assert_eq!(dismiss_rejected(backend, &theirs, entry).await.unwrap_err().into_problem().status(), 404);

    dismiss_rejected(backend, &ours, entry).await.unwrap();
    assert_eq!(dismiss_rejected(backend, &ours, entry).await.unwrap_err().into_problem().status(), 404, "once");
    assert_eq!(counts(&fixture, &acme).await, [("y".to_owned(), 1), ("z".to_owned(), 1)]);
    fixture.send(&acme, &[bad("e", "x")]).await;
    age(&fixture, "y", 1).await;
    age(&fixture, "z", 1).await;
    // What came since the page was made stays.
    assert_eq!(
        dismiss_all_rejected(backend, &ours, &RejectedFilter { until: Some(now() - Duration::hours(1)), reason: None })
            .await
            .unwrap(),
        2
    );
    assert_eq!(counts(&fixture, &acme).await, [("x".to_owned(), 1)]);
    assert_eq!(dismiss_all_rejected(backend, &ours, &all).await.unwrap(), 1);
    assert_eq!(dismiss_all_rejected(backend, &ours, &all).await.unwrap(), 0);
    assert_eq!(listed(&fixture, &globex).await.len(), 1, "another's list");
    let audited = "select count(*) from audit_log where action like 'rejected_event.%'";
    assert_eq!(fixture.count(audited).await, 3, "nothing is said of nothing");
}

#[tokio::test]
async fn the_list_is_bounded_by_age_and_number() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let globex = fixture.organization("globex", "UTC").await;
    let models = ["a", "b", "c", "d", "e"];
    for (days, model) in (0..).zip(models) {
        fixture.send(&acme, &[bad("1", model)]).await;
        age(&fixture, model, days).await;
    }
    fixture.send(&globex, &[bad("1", "other")]).await;
    age(&fixture, "e", 91).await;
    let left = async || enforce_retention(&fixture.backend, &CancellationToken::new()).await.unwrap().rejected;
    assert_eq!((left().await, left().await), (1, 0), "without any retention of events");
    let mut connection = fixture.database.pool().acquire().await.unwrap();
    assert_eq!(sql::trim(&mut connection, acme.org_id(), 4).await.unwrap(), 0);
    assert_eq!(sql::trim(&mut connection, acme.org_id(), 2).await.unwrap(), 2);
    assert_eq!(counts(&fixture, &acme).await, [("a".to_owned(), 1), ("b".to_owned(), 1)], "the oldest left");
    assert_eq!(listed(&fixture, &globex).await.len(), 1);
}
