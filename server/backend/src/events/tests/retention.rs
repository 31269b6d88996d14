//! Events leave by whole months; what is left of them is right, and nothing forgotten is counted twice.

use super::{Fixture, event, statuses, with};
use crate::ledger::{enforce_retention, retention, set_retention};
use crate::{OrgScope, identity};
use domain::event::IngestStatus;
use domain::period::Zone;
use domain::problem::Problem;
use tokio_util::sync::CancellationToken;

/// The owner's view: a key may not change retention.
async fn owner(fixture: &Fixture, scope: &OrgScope) -> OrgScope {
    identity::system_scope(&fixture.backend, scope.org_id()).await.unwrap()
}

async fn enforce(fixture: &Fixture) -> (u64, u32) {
    let done = enforce_retention(&fixture.backend, &CancellationToken::new()).await.unwrap();
    (done.events, done.partitions)
}

#[tokio::test]
async fn old_months_leave_and_their_sums_stay() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "Asia/Kolkata").await;
    let globex = fixture.organization("globex", "UTC").await;
    let at = |id: &str, time: &str| with(with(event(id), "timestamp", time), "customer", "c");
    // The clock stands at November 20, 2026; 34 days back is October 17.
    let events = [
        at("july", "2026-07-31T23:59:59.999999Z"),
        at("september", "2026-09-30T23:59:59.999999Z"),
        at("october", "2026-10-01T00:00:00Z"),
        at("november", "2026-11-19T00:00:00Z"),
    ];
    assert_eq!(fixture.send(&acme, &events).await.accepted, 4);
    assert_eq!(fixture.send(&globex, &events[1..]).await.accepted, 3);
    let sums = "select sum(requests)::bigint from rollup_day";
    assert_eq!(fixture.count(sums).await, 7);
    assert_eq!(enforce(&fixture).await, (0, 0), "for ever until it is set");

    let owner = owner(&fixture, &acme).await;
    let refused = set_retention(&fixture.backend, &owner, Some(33)).await.unwrap_err();
    assert!(matches!(refused.into_problem(), Problem::Invalid { .. }));
    set_retention(&fixture.backend, &owner, Some(34)).await.unwrap();
    assert_eq!(retention(&fixture.backend, &owner).await.unwrap(), Some(34));
    assert_eq!(enforce(&fixture).await, (2, 1), "July and September; July's partition is nobody's any more");
    assert_eq!(enforce(&fixture).await, (0, 0), "once");
    assert_eq!(fixture.count("select count(*) from events").await, 5, "globex keeps all of its own");
    assert_eq!(fixture.count("select count(*) from event_ids").await, 5);
    assert_eq!(fixture.count(sums).await, 7, "sums stay");
    fixture.assert_rollups_follow(&globex).await;
    let days = crate::ledger::recorded_days(&fixture.backend, &owner).await.unwrap().unwrap();
    assert_eq!(days.from.to_string(), "2026-10-02", "the local October 1 has lost its first hours");
    assert_eq!(crate::ledger::verify(&fixture.backend, &owner, days).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_too_old_is_rejected_and_never_counted_again() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let owner = owner(&fixture, &acme).await;
    let old = with(event("old"), "timestamp", "2026-09-10T12:00:00Z");
    let recent = with(event("recent"), "timestamp", "2026-11-10T12:00:00Z");
    assert_eq!(fixture.send(&acme, &[old.clone(), recent.clone()]).await.accepted, 2);
    set_retention(&fixture.backend, &owner, Some(34)).await.unwrap();
    let limit = with(event("limit"), "timestamp", "2026-10-17T10:00:00Z");
    let before = with(event("before"), "timestamp", "2026-10-17T09:59:59.999999Z");
    let answer = fixture.send(&acme, &[limit, before, recent.clone()]).await;
    assert_eq!(statuses(&answer), [IngestStatus::Accepted, IngestStatus::Rejected, IngestStatus::Duplicate]);
    assert_eq!(answer.results[1].error.as_ref().unwrap().code, "too_old");
    assert_eq!((answer.accepted, answer.rejected, answer.duplicates), (1, 1, 1));
    assert_eq!(fixture.count("select count(*) from rejected_events where code = 'too_old'").await, 1);

    assert_eq!(enforce(&fixture).await.0, 1);
    // For ever again: what was deleted is not taken a second time, because its id is forgotten.
    set_retention(&fixture.backend, &owner, None).await.unwrap();
    let answer = fixture.send(&acme, &[old, recent]).await;
    assert_eq!(statuses(&answer), [IngestStatus::Rejected, IngestStatus::Duplicate]);
    assert_eq!(fixture.count("select sum(requests)::bigint from rollup_day").await, 3, "each counted once");
}

#[tokio::test]
async fn a_new_zone_keeps_the_sums_of_days_whose_events_have_left() {
    let fixture = Fixture::new().await;
    let acme = fixture.organization("acme", "UTC").await;
    let owner = owner(&fixture, &acme).await;
    let at = |id: &str, time: &str| with(with(event(id), "timestamp", time), "customer", "c");
    let events = [at("old", "2026-08-10T12:00:00Z"), at("new", "2026-11-10T22:00:00Z")];
    assert_eq!(fixture.send(&acme, &events).await.accepted, 2);
    set_retention(&fixture.backend, &owner, Some(34)).await.unwrap();
    assert_eq!(enforce(&fixture).await.0, 1);
    let mut transaction = fixture.database.pool().begin().await.unwrap();
    let zone = Zone::parse("Asia/Kolkata").unwrap();
    crate::ledger::rebuild_days(&mut transaction, &owner, zone).await.unwrap();
    transaction.commit().await.unwrap();
    for table in ["rollup_day", "rollup_label_day", "rollup_meter_day where meter = 'output'"] {
        let sql = format!("select string_agg(day::text, ' ' order by day) from {table}");
        let days: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(fixture.database.pool()).await.unwrap();
        assert_eq!(days, "2026-08-10 2026-11-11", "{table}");
    }
}

#[tokio::test]
async fn an_organization_that_cannot_be_looked_after_keeps_nobody_elses_events() {
    let fixture = Fixture::new().await;
    let organizations = [fixture.organization("acme", "UTC").await, fixture.organization("globex", "UTC").await];
    let mut ids: Vec<_> = organizations.iter().map(|scope| scope.org_id().0).collect();
    for scope in &organizations {
        let september = with(event("september"), "timestamp", "2026-09-10T12:00:00Z");
        assert_eq!(fixture.send(scope, &[september]).await.accepted, 1);
        set_retention(&fixture.backend, &owner(&fixture, scope).await, Some(34)).await.unwrap();
    }
    // Whichever of them comes first.
    ids.sort_unstable();
    sqlx::query("update organizations set time_zone = 'nowhere' where org_id = $1")
        .bind(ids[0])
        .execute(fixture.database.pool())
        .await
        .unwrap();
    assert_eq!(enforce(&fixture).await.0, 1);
}
