//! Other formats: what the real senders put on the wire, through the real router into the database.

mod cases;
mod cloudevents;
mod copies;
mod litellm;
mod mixing;
mod otlp;
mod passing;
mod priced;
mod room;
mod traces;
mod unread;

use crate::support::{Answer, Tenant, TestApp};
use axum::body::Body;
use axum::http::Method;
use serde_json::Value;
use std::path::Path;

/// Sends a body with the tenant's key.
async fn post(app: &TestApp, tenant: &Tenant, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    app.api(&tenant.key).send(Method::POST, path, &[("content-type", kind)], body.into()).await
}

/// The event of this id as the API shows it.
async fn event(app: &TestApp, tenant: &Tenant, id: &str) -> Value {
    app.api(&tenant.key).get(&format!("/v1/events/{id}")).await.json()
}

/// Every receipt comes to its cost, every sum follows from the events, and every event is what was sent.
async fn assert_verified(app: &TestApp, tenant: &Tenant) {
    if let Some(days) = backend::ledger::recorded_days(&app.backend, &tenant.scope).await.unwrap() {
        assert_eq!(backend::ledger::verify(&app.backend, &tenant.scope, days).await.unwrap(), []);
    }
}

/// What real client packages sent, from the project's shared data; the test passes where they are missing.
#[tokio::test]
async fn bodies_of_real_clients_are_kept_as_they_were_sent() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cases/clients.jsonl");
    let Ok(lines) = std::fs::read_to_string(file) else {
        println!("left out: the bodies of real clients are not here");
        return;
    };
    let app = TestApp::start().await;
    app.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let tenant = app.organization("acme", "UTC").await;
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let path = case["path"].as_str().unwrap();
        let answer = post(&app, &tenant, path, "application/json", case["body"].to_string()).await;
        assert!(answer.status.is_success() || answer.status == 422, "{}: {}", case["name"], answer.body);
    }
    let listed = app.api(&tenant.key).get("/v1/events?limit=200").await.json();
    assert!(listed["events"].as_array().is_some_and(|events| events.len() >= 15), "{listed}");
    assert_verified(&app, &tenant).await;
}

/// Everything that was recorded or refused, as text: no word of a prompt may be in it.
async fn everything(app: &TestApp, tenant: &Tenant) -> String {
    assert_verified(app, tenant).await;
    let client = app.api(&tenant.key);
    let listed = client.get("/v1/events?limit=200").await.json();
    let mut all = client.get("/v1/events/rejected?limit=200").await.body;
    for row in listed["events"].as_array().unwrap() {
        all.push_str(&client.get(&format!("/v1/events/{}", row["event_key"].as_str().unwrap())).await.body);
    }
    all
}
