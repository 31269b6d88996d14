//! What single calls cost, from the body that a sender sends to the amount that is recorded.

use super::{assert_verified, post};
use crate::support::TestApp;
use serde_json::{Value, json};

const NATIVE: &str = "/v1/events";
const TRACES: &str = "/otlp/v1/traces";
const LITELLM: &str = "/v1/ingest/litellm";

/// A span of one call on 15 June 2026.
fn span(attributes: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other}),
    };
    let fields = attributes.as_object().unwrap();
    let attributes: Vec<Value> = fields.iter().map(|(key, of)| json!({"key": key, "value": value(of)})).collect();
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "07070707070707070707070707070707", "spanId": "0101010101010101", "name": "chat", "kind": 3,
        "startTimeUnixNano": "1781517600000000000", "endTimeUnixNano": "1781517600000000000", "attributes": attributes}]}]}]})
}

/// A call of 1,000 input and 500 output tokens at an endpoint.
fn claude_at(address: &str) -> Value {
    span(&json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "gcp.vertex_ai", "server.address": address,
        "gen_ai.request.model": "publishers/anthropic/models/claude-sonnet-4-5@20250929",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 500}))
}

fn litellm_at(base: &str) -> Value {
    json!([{"id": "chatcmpl-1", "litellm_call_id": "c1", "call_type": "acompletion", "status": "success",
        "custom_llm_provider": "openai", "startTime": 1795914000.0, "endTime": 1795914001.0, "model": "gpt-5.4",
        "api_base": base, "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
        "metadata": {"usage_object": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}}}])
}

fn fallback(declined_output: u64) -> Value {
    let entry = |kind: &str, model: &str, input: u64, output: u64| {
        json!({"type": kind, "model": model, "input_tokens": input, "output_tokens": output,
            "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0})
    };
    json!({"provider": "anthropic", "model": "claude-opus-4-8", "usage": {"input_tokens": 412, "output_tokens": 264,
        "iterations": [entry("message", "claude-fable-5", 408, declined_output),
            entry("fallback_message", "claude-opus-4-8", 412, 264)]}})
}

fn refused(output: u64) -> Value {
    json!({"provider": "anthropic", "model": "claude-opus-4-8", "finish_reason": "refusal",
        "usage": {"input_tokens": 1000, "output_tokens": output}})
}

fn tuned(model: &str) -> Value {
    json!({"provider": "openai", "model": model, "usage": {"prompt_tokens": 2000, "completion_tokens": 100,
        "total_tokens": 2100, "prompt_tokens_details": {"cached_tokens": 1024}}})
}

fn marked(model: &str) -> Value {
    json!({"provider": "anthropic", "model": model, "usage_format": "anthropic",
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 1000000, "output_tokens": 100}})
}

#[tokio::test]
async fn a_call_costs_what_its_seller_charges() {
    let batch = json!({"provider": "openai", "model": "gpt-5-2025-08-07", "timestamp": "2025-09-12T15:11:59Z",
        "operation": "responses", "usage_format": "openai_responses", "batch": true, "usage": {
            "completion_tokens": 0, "prompt_tokens": 0, "total_tokens": 51279835, "input_tokens": 31493594,
            "output_tokens": 19786241, "input_tokens_details": {"cached_tokens": 24045184},
            "output_tokens_details": {"reasoning_tokens": 18373824}}});
    let cases = [
        ("openai-batch-object-sept-2025", NATIVE, batch, "105.08928525"),
        ("anthropic-fallback-declined-before-output", NATIVE, fallback(0), "0.00866"),
        ("declined in mid-stream: 408 x 10 and 20 x 50 on top", NATIVE, fallback(20), "0.01374"),
        ("refused before any output", NATIVE, refused(0), "0"),
        ("refused in mid-stream", NATIVE, refused(10), "0.00525"),
        ("finetuned-cached-input", NATIVE, tuned("ft:gpt-4o-mini-2024-07-18:acme::abc123"), "0.0005664"),
        ("a fine-tuned model with a cached price", NATIVE, tuned("ft:gpt-4.1-mini-2025-04-14:acme::x"), "0.0013056"),
        ("fable51-one-million-marker", NATIVE, marked("claude-fable-5-1[1m]"), "0.2551"),
        ("otel-vertex-regional-claude", TRACES, claude_at("us-east5-aiplatform.googleapis.com"), "0.01155"),
        ("Vertex's global endpoint", TRACES, claude_at("aiplatform.googleapis.com"), "0.0105"),
        ("OpenAI's European host", LITELLM, litellm_at("https://eu.api.openai.com/v1"), "0.0044"),
        ("OpenAI's own host", LITELLM, litellm_at("https://api.openai.com/v1"), "0.004"),
    ];
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    app.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    for (at, (name, path, body, expected)) in cases.into_iter().enumerate() {
        let tenant = app.organization(&format!("org-{at}"), "UTC").await;
        let answer = post(&app, &tenant, path, "application/json", body.to_string()).await;
        assert!(answer.status.is_success(), "{name}: {}", answer.body);
        let listed = app.api(&tenant.key).get("/v1/events").await.json();
        let cost = listed["events"][0]["cost"].as_str().unwrap_or_else(|| panic!("{name}: {listed}"));
        let cost: rust_decimal::Decimal = cost.parse().unwrap();
        assert_eq!(cost.normalize().to_string(), expected, "{name}");
        assert_verified(&app, &tenant).await;
    }
}

fn much(batch: bool, aggregate: Value, requests: Value) -> Value {
    let mut event = json!({"id": "a", "provider": "openai", "model": "gpt-5.4", "batch": batch,
        "usage": {"prompt_tokens": 4000000, "completion_tokens": 0}});
    (event["aggregate"], event["requests"]) = (aggregate, requests);
    event.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    event
}

#[tokio::test]
async fn a_sum_of_requests_is_not_charged_as_one_long_request() {
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    app.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    for (at, (body, expected, possible_sum)) in [
        (much(false, json!("sum"), json!(40)), "10", false),
        (much(false, json!("sum"), Value::Null), "10", false),
        (much(true, Value::Null, Value::Null), "5", true),
        (much(false, Value::Null, Value::Null), "20", true),
    ]
    .into_iter()
    .enumerate()
    {
        let tenant = app.organization(&format!("org-{at}"), "UTC").await;
        let answer = post(&app, &tenant, NATIVE, "application/json", body.to_string()).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        let event = super::event(&app, &tenant, "a").await;
        let cost: rust_decimal::Decimal = event["cost"].as_str().unwrap().parse().unwrap();
        assert_eq!((cost.normalize().to_string().as_str(), &event["possible_sum"]), (expected, &json!(possible_sum)));
        assert_verified(&app, &tenant).await;
    }
    let tenant = app.organization("wrong", "UTC").await;
    for (body, pointer) in [
        (much(false, json!("total"), Value::Null), "/aggregate"),
        (much(false, Value::Null, json!(3)), "/requests"),
        (much(false, json!("sum"), json!(0)), "/requests"),
    ] {
        let answer = post(&app, &tenant, NATIVE, "application/json", body.to_string()).await.json();
        assert_eq!(answer["results"][0]["error"]["pointer"], json!(pointer), "{answer}");
    }
}

#[tokio::test]
async fn a_receipt_says_what_was_left_out_of_a_name_and_which_price_is_derived() {
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    let tenant = app.organization("acme", "UTC").await;
    let body = json!([{"id": "a", "provider": "anthropic", "model": "claude-opus-4-8[1m]", "batch": true,
        "timestamp": "2026-09-01T00:00:00Z", "usage": {"input_tokens": 10, "output_tokens": 100}}]);
    let answer = post(&app, &tenant, NATIVE, "application/json", body.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    let event = super::event(&app, &tenant, "a").await;
    let why = &event["receipt"][0]["why"];
    assert_eq!(
        (&why["mark"], &why["derived"], &why["name"]),
        (&json!("[1m]"), &json!("listed_undated"), &json!("listed")),
        "{event}"
    );
    let prices = app.api(&tenant.key).get("/v1/prices/anthropic/claude-opus-4-8").await.json();
    let derived = prices["prices"].as_array().unwrap().iter().filter(|price| price["derived"] == "listed_undated");
    assert_eq!(derived.count(), 5, "{prices}");
}
