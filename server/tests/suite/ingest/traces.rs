//! Spans of one trace in several requests, as exporters send them: what ends first comes first.

use super::otlp::{attributes, request, span};
use super::{assert_verified, event, post};
use crate::support::{Tenant, TestApp};
use axum::http::StatusCode;
use serde_json::{Value, json};

const TRACES: &str = "/otlp/v1/traces";

/// A span below another one.
fn below(id: &str, parent: &str) -> Value {
    let mut span = span(id);
    span["parentSpanId"] = json!(parent);
    span
}

/// A span with these attributes and nothing else.
fn telling(id: &str, told: Value) -> Value {
    let mut span = span(id);
    span["attributes"] = attributes(told);
    span
}

async fn export(app: &TestApp, tenant: &Tenant, spans: Value) -> Value {
    let answer = post(app, tenant, TRACES, "application/json", request(spans).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

async fn listed(app: &TestApp, tenant: &Tenant) -> Vec<Value> {
    app.api(&tenant.key).get("/v1/events/rejected").await.json()["rejected"].as_array().unwrap().clone()
}

async fn recorded(app: &TestApp, tenant: &Tenant) -> Vec<Value> {
    app.api(&tenant.key).get("/v1/events").await.json()["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_comes_after_its_calls_is_passed_over_and_said() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let agent = telling(
        "000000000000000a",
        json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 21_292}),
    );
    assert_eq!(export(&app, &acme, json!([below("000000000000000c", "000000000000000b")])).await, json!({}));
    for _ in 0..2 {
        assert_eq!(export(&app, &acme, json!([below("000000000000000b", "000000000000000a")])).await, json!({}));
        assert_eq!(export(&app, &acme, json!([agent])).await, json!({}), "no model is named, and nobody misses it");
    }
    assert_eq!(recorded(&app, &acme).await.len(), 1);
    let listed = listed(&app, &acme).await;
    assert!(listed.iter().all(|entry| entry["code"] == "repeats") && !listed.is_empty(), "{listed:?}");
    assert_verified(&app, &acme).await;
}

#[tokio::test]
async fn what_comes_before_its_calls_is_recorded_and_they_are_suspected() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    export(&app, &acme, json!([span("000000000000000b")])).await;
    export(&app, &acme, json!([below("000000000000000c", "000000000000000b")])).await;
    let found = event(&app, &acme, "5b8efff798038103d269b633813fc60c-000000000000000c").await;
    assert_eq!(
        (&found["possible_duplicate"], &found["possible_duplicates"][0]["id"]),
        (&json!(true), &json!("5b8efff798038103d269b633813fc60c-000000000000000b"))
    );
    assert_verified(&app, &acme).await;
}

#[tokio::test]
async fn an_agent_of_which_no_call_is_known_is_recorded_or_listed() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let named = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o-2024-08-06",
        "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100});
    export(&app, &acme, json!([telling("000000000000000a", named)])).await;
    let rows = recorded(&app, &acme).await;
    assert_eq!((rows.len(), &rows[0]["cost"]), (1, &json!("0.003500000000")));
    let globex = app.organization("Globex", "UTC").await;
    let nameless = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 1_000});
    let answer = export(&app, &globex, json!([telling("000000000000000a", nameless)])).await;
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(listed(&app, &globex).await[0]["pointer"], "/model");
}

#[tokio::test]
async fn ticks_of_xai_are_a_reported_cost_in_every_format() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let usage = json!({"prompt_tokens": 10_120, "completion_tokens": 1_499, "total_tokens": 14_428,
        "completion_tokens_details": {"reasoning_tokens": 2_809}, "cost_in_usd_ticks": 232_856_000});
    let native = json!([{"id": "n", "provider": "xai", "model": "grok-4", "usage": usage}]);
    post(&app, &acme, "/v1/events", "application/json", native.to_string()).await;
    let told = json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "x_ai", "gen_ai.request.model": "grok-4",
        "gen_ai.usage.input_tokens": 10_120, "gen_ai.usage.output_tokens": 4_308, "gen_ai.usage.cost_in_usd_ticks": 232_856_000});
    export(&app, &acme, json!([telling("000000000000000a", told)])).await;
    for id in ["n", "5b8efff798038103d269b633813fc60c-000000000000000a"] {
        let found = event(&app, &acme, id).await;
        assert_eq!(found["reported_cost"], "0.023285600000", "{id}: {found}");
        assert_eq!(found["unread_usage"], json!({}), "{id}");
    }
    assert_verified(&app, &acme).await;
}
