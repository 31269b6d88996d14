//! `POST /v1/ingest/cloudevents` and OpenMeter's `POST /api/v1/events`.

use super::{event, post};
use crate::support::TestApp;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

pub(super) fn cloud_event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "type": "llm.call", "source": "checkout", "id": id, "subject": "customer-7",
        "time": "2026-11-20T09:30:00Z",
        "data": {"provider": "openai", "model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}},
    })
}

#[tokio::test]
async fn one_several_and_binary_events_are_taken_once() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let path = "/v1/ingest/cloudevents";
    let one = post(&app, &acme, path, ONE, cloud_event("1").to_string()).await;
    assert_eq!((one.status, &one.json()["accepted"]), (StatusCode::OK, &json!(1)), "{}", one.body);
    let batch = json!([cloud_event("1"), cloud_event("2")]).to_string();
    let several = post(&app, &acme, path, BATCH, batch).await.json();
    assert_eq!((&several["accepted"], &several["duplicates"]), (&json!(1), &json!(1)));
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "llm.call"),
        ("ce-source", "checkout"),
        ("ce-id", "%32"),
        ("ce-subject", "customer-7"),
        ("ce-time", "2026-11-20T09:30:00Z"),
        ("content-type", "application/json"),
    ];
    let body = Body::from(cloud_event("2")["data"].to_string());
    let binary = app.api(&acme.key).send(Method::POST, path, &headers, body).await;
    assert_eq!(binary.json()["duplicates"], 1, "{}", binary.body);
    let mut other = cloud_event("1");
    other["data"]["model"] = json!("gpt-4o-mini");
    let refused = post(&app, &acme, path, ONE, other.to_string()).await;
    assert_eq!((refused.status, &refused.json()["conflicts"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(1)));
    let found = event(&app, &acme, "checkout%201").await;
    assert_eq!((&found["cost"], &found["attributes"]["Customer"]), (&json!("0.003500000000"), &json!("customer-7")));
}

#[tokio::test]
async fn openmeters_clients_are_answered_as_they_expect() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let path = "/api/v1/events";
    // As litellm's `openmeter` callback sends it.
    let litellm = json!({"specversion": "1.0", "type": "litellm_tokens", "id": "chatcmpl-1", "time": "2026-11-20T09:30:00Z",
        "subject": "u1", "source": "litellm-proxy",
        "data": {"model": "gpt-4o-2024-08-06", "cost": 0.0035, "prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}});
    let answer = post(&app, &acme, path, ONE, litellm.to_string()).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let found = event(&app, &acme, "litellm-proxy%20chatcmpl-1").await;
    assert_eq!((&found["cost"], &found["reported_cost"]), (&json!("0.003500000000"), &json!("0.003500000000")));

    let mut bad = cloud_event("bad");
    bad["data"]["usage"] = json!(7);
    let mixed = json!([cloud_event("good"), bad]).to_string();
    let answer = post(&app, &acme, path, BATCH, mixed).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::BAD_REQUEST, Some("application/problem+json"))
    );
    assert_eq!(answer.json()["errors"][0]["pointer"], "/1/data/usage");
    assert_eq!(event(&app, &acme, "checkout%20good").await["cost"], "0.003500000000");
    assert_eq!(app.anonymous().post_json(path, &cloud_event("x")).await.status, StatusCode::UNAUTHORIZED);
}
