//! Running totals: only what a series grew by counts.

use super::{Fixture, event, statuses, with};
use crate::events::find;
use domain::event::IngestStatus;
use domain::money::exact;
use serde_json::{Value, json};

/// A report of a session's totals, at a minute of an hour.
fn report(id: &str, minute: u32, input: u32, output: u32) -> Value {
    let event = with(event(id), "usage", json!({"prompt_tokens": input, "completion_tokens": output}));
    let event = with(with(event, "aggregate", "cumulative"), "series", "session-7");
    with(event, "timestamp", format!("2026-11-20T09:{minute:02}:00Z"))
}

async fn booked(fixture: &Fixture) -> (i64, String) {
    sqlx::query_as("select sum(tokens)::bigint, sum(booked)::text from rollup_day")
        .fetch_one(fixture.database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn only_what_totals_grew_by_counts() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let first = report("a", 0, 1_000, 100);
    assert_eq!(fixture.send(&scope, std::slice::from_ref(&first)).await.accepted, 1);
    let answer = fixture.send(&scope, &[report("b", 1, 3_000, 100), report("c", 2, 3_000, 400)]).await;
    let costs: Vec<_> = answer.results.iter().map(|result| result.cost.map(exact).unwrap()).collect();
    assert_eq!(costs, ["0.005000000000", "0.003000000000"], "2,000 of input at 2.50, then 300 of output at 10.00");
    assert_eq!(booked(&fixture).await, (3_400, "0.011500000000".to_owned()));

    // Nothing is counted twice: sent again, unchanged under another id, or late.
    let again = fixture.send(&scope, &[first, report("c", 2, 3_000, 400)]).await;
    assert_eq!(statuses(&again), [IngestStatus::Duplicate, IngestStatus::Duplicate]);
    let nothing = fixture.send(&scope, &[report("d", 3, 3_000, 400), report("late", 0, 1_500, 100)]).await;
    let costs: Vec<_> = nothing.results.iter().map(|result| result.cost.map(exact).unwrap()).collect();
    assert_eq!(costs, ["0.000000000000"; 2]);
    assert_eq!(booked(&fixture).await, (3_400, "0.011500000000".to_owned()));

    // A counter that begins anew counts whole; other series, models and projects are others.
    let anew = fixture.send(&scope, &[report("e", 10, 1_000, 0)]).await;
    assert_eq!(anew.results[0].cost.map(exact).as_deref(), Some("0.002500000000"));
    let other = fixture.send(&scope, &[with(report("f", 11, 1_000, 0), "series", "session-8")]).await;
    assert_eq!(other.results[0].cost.map(exact).as_deref(), Some("0.002500000000"));
    fixture.assert_rollups_follow(&scope).await;

    let detail = find(&fixture.backend, &scope, "c").await.unwrap();
    assert!(detail.adds_up && detail.usage_json.contains("3000"), "as it was sent: {}", detail.usage_json);
    assert_eq!(detail.row.tokens, 300);
    let stored = fixture.stored(&scope).await;
    let sent: Vec<_> = stored.iter().filter_map(|event| event.sent.series.as_deref()).collect();
    assert_eq!(sent.len(), stored.len());
    assert!(sent.contains(&"session-7") && sent.contains(&"session-8"));
}

#[tokio::test]
async fn requests_and_reported_costs_grow_too() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let reported = |id: &str, minute, requests: u32, cost: &str| {
        let event = with(report(id, minute, 10, 10), "model", "gpt-99-unheard-of");
        with(with(event, "requests", requests), "reported_cost", json!({"amount": cost, "currency": "USD"}))
    };
    let owner = super::possible_duplicates::as_owner(&scope);
    let form = domain::price::BasisForm {
        basis: "reported".to_owned(),
        reason: "test".to_owned(),
        ..domain::price::BasisForm::default()
    };
    crate::prices::choose_basis(&fixture.backend, &owner, &form.parse().unwrap()).await.unwrap();
    let events = [reported("a", 0, 3, "0.30"), reported("b", 1, 5, "0.75")];
    let answer = fixture.send(&scope, &events).await;
    let costs: Vec<_> = answer.results.iter().map(|result| result.cost.map(exact).unwrap()).collect();
    assert_eq!(costs, ["0.300000000000", "0.450000000000"]);
    assert_eq!(fixture.stored(&scope).await[1].counted().requests, Some(2));
    fixture.assert_rollups_follow(&scope).await;
}

#[tokio::test]
async fn two_requests_that_count_from_the_same_totals_never_both_count() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    assert_eq!(fixture.send(&scope, &[report("a", 0, 1_000, 0)]).await.accepted, 1);
    let other = super::server(&fixture.database);
    let reports: Vec<Value> = (1..=6).map(|step| report(&format!("b{step}"), step, 1_000 + step * 100, 0)).collect();
    let sends = reports.iter().enumerate().map(|(n, report)| {
        let backend = if n % 2 == 0 { &fixture.backend } else { &other };
        let (scope, body) = (&scope, json!([report]).to_string());
        async move {
            // As a sender does that is told to come back; each time at least one of them gets through.
            for _ in 0..reports_at_most() {
                let items = crate::events::split(body.as_bytes(), false).unwrap();
                match crate::events::ingest(backend, scope, &items).await {
                    Ok(_) => return,
                    Err(error) => assert_eq!(error.into_problem().status(), 503),
                }
            }
            panic!("nobody got through");
        }
    });
    futures::future::join_all(sends).await;
    assert_eq!(booked(&fixture).await.0, 1_600, "the last totals, however they came");
    fixture.assert_rollups_follow(&scope).await;
}

/// More often than six requests can be in each other's way.
const fn reports_at_most() -> usize {
    100
}

#[tokio::test]
async fn totals_name_their_series() {
    let fixture = Fixture::new().await;
    let scope = fixture.organization("acme", "UTC").await;
    let mut nameless = report("a", 0, 1, 1);
    nameless.as_object_mut().unwrap().remove("series");
    let answer = fixture.send(&scope, &[nameless, with(event("b"), "series", "s")]).await;
    for result in &answer.results {
        let error = result.error.as_ref().unwrap();
        assert_eq!((result.status, error.pointer.as_str()), (IngestStatus::Rejected, "/series"));
    }
}
