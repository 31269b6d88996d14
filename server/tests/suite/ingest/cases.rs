//! Inputs with their right answers, from the project's shared data; the tests pass where they are missing, and say so.

use super::{assert_verified, post};
use crate::support::{Tenant, TestApp};
use rust_decimal::Decimal;
use serde_json::Value;
use std::path::Path;

/// Cases of a file, by name; none where it is missing.
#[expect(clippy::print_stdout, reason = "a test says what it left out")]
fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cases").join(file);
    let Ok(lines) = std::fs::read_to_string(path) else {
        println!("left out: {file} is not here");
        return vec![];
    };
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Posts the body of a case; the events that there are then, the newest first, and what was refused.
async fn posted(app: &TestApp, tenant: &Tenant, case: &Value) -> (Vec<Value>, Vec<Value>) {
    // A moment within the last day of the clock below.
    let body = case["body"].to_string().replace("$NOW_NANOS", "1796083200000000000");
    let answer = post(app, tenant, case["path"].as_str().unwrap(), "application/json", body).await;
    assert!(answer.status.is_success() || answer.status == 422, "{}: {}", case["name"], answer.body);
    assert_verified(app, tenant).await;
    let client = app.api(&tenant.key);
    let list = |listed: &Value| listed.as_array().cloned().unwrap_or_default();
    let mut events = vec![];
    for row in list(&client.get("/v1/events?limit=200").await.json()["events"]) {
        events.push(client.get(&format!("/v1/events/{}", row["event_key"].as_str().unwrap())).await.json());
    }
    (events, list(&client.get("/v1/events/rejected?limit=200").await.json()["rejected"]))
}

async fn tenant() -> (TestApp, Tenant) {
    let app = TestApp::start().await;
    app.clock.set("2026-12-01T00:00:00Z".parse().unwrap());
    let tenant = app.organization("acme", "UTC").await;
    (app, tenant)
}

#[tokio::test]
async fn inputs_that_were_open_have_their_right_cost() {
    for case in cases("open.jsonl").iter().filter(|case| case["kind"] != "csv") {
        let (app, tenant) = tenant().await;
        let (events, refused) = posted(&app, &tenant, case).await;
        let [event] = &events[..] else { panic!("{}: {events:?} {refused:?}", case["name"]) };
        let expected: Decimal = case["expect"]["cost_usd"].as_str().unwrap().parse().unwrap();
        let cost = event["cost"].as_str().map(|cost| cost.parse::<Decimal>().unwrap());
        assert_eq!(cost, Some(expected), "{}", case["name"]);
    }
}

/// What a case has to come to: events, refused ones, cost of all events, and what its newest event says by JSON pointer.
type Expected = (&'static str, usize, usize, &'static str, &'static [(&'static str, &'static str)]);

const CLIENTS: &[Expected] = &[
    ("litellm-proxy-retry-shares-call-id", 2, 0, "0.00525", &[("/attempt", "2"), ("/attempts/0/status", "error")]),
    ("litellm-rerank-silently-free", 1, 0, "0.002", &[("/meters/Rerank units", "1")]),
    (
        "langfuse-generation-passed-over",
        1,
        0,
        "0.00525",
        &[
            ("/model", "gpt-4o-2024-08-06"),
            ("/time_to_first_token_ms", "130"),
            ("/attributes/Session", "lf-sess"),
            ("/attributes/User", "lf-user"),
        ],
    ),
    (
        "anthropic-sdk-native-1h-cache",
        1,
        0,
        "0.030195",
        &[
            ("/meters/Cache write, 5 min", "1000"),
            ("/meters/Cache write, 1 h", "2000"),
            ("/attributes/Finish reason", "end_turn"),
        ],
    ),
    ("pydantic-ai-1h-cache", 1, 0, "0.030195", &[("/reported_cost", "0.030195000000")]),
    (
        "litellm-otel-alias-as-response-model",
        1,
        0,
        "0.00525",
        &[("/model", "gpt-4o"), ("/attributes/Finish reason", "stop"), ("/meters/Cache read", "1000")],
    ),
    ("litellm-otel-cache-hit-charged", 1, 0, "0", &[("/avoided_cost", "0.005250000000")]),
    (
        "label-of-passed-over-parent-lost",
        1,
        0,
        "0.025695",
        &[
            ("/feature", "an"),
            ("/attributes/Session", "conv-1"),
            ("/attributes/User", "u-1"),
            ("/attributes/Finish reason", "stop"),
        ],
    ),
    ("failed-call-counted-twice", 1, 0, "0", &[("/status", "rate_limited")]),
    ("zero-usage-success-is-free", 0, 1, "0", &[]),
    ("traceloop-gemini-thoughts-from-total", 1, 0, "0.00154852", &[("/meters/Reasoning", "250")]),
    ("ai-sdk-5-google-providerMetadata", 1, 0, "0.00154852", &[("/usage_format", "gemini")]),
    ("strands-ttft-in-milliseconds", 1, 0, "0.00525", &[("/time_to_first_token_ms", "187")]),
    (
        "error-kind-from-exception-event",
        1,
        0,
        "0",
        &[("/status", "rate_limited"), ("/attributes/Error kind", "openai.RateLimitError")],
    ),
    ("codex-completed-twice", 1, 0, "0.003875", &[("/time_to_first_token_ms", "119")]),
    ("litellm-session-is-not-a-request", 2, 0, "0.0105", &[("/attributes/Session", "SESS-turn2")]),
    ("litellm-failure-before-any-provider", 1, 0, "0", &[("/unpriced_reason", "null")]),
    ("litellm-model-with-provider-prefix", 1, 0, "0.00525", &[("/model", "gpt-4o")]),
    ("traceloop-bedrock-provider", 1, 0, "0.0091311", &[("/provider", "aws")]),
];

#[tokio::test]
async fn bodies_of_real_clients_come_to_what_they_cost() {
    for case in cases("clients.jsonl") {
        let Some(expected) = CLIENTS.iter().find(|expected| case["name"] == expected.0) else { continue };
        let (name, count, refusals, cost, said) = expected;
        let (app, tenant) = tenant().await;
        let (events, refused) = posted(&app, &tenant, &case).await;
        assert_eq!((events.len(), refused.len()), (*count, *refusals), "{name}: {events:?} {refused:?}");
        let costs = events.iter().map(|event| event["cost"].as_str().unwrap().parse::<Decimal>().unwrap());
        assert_eq!(costs.sum::<Decimal>(), cost.parse().unwrap(), "{name}");
        for (pointer, value) in *said {
            let found = events[0].pointer(pointer).unwrap_or(&Value::Null);
            let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            assert_eq!(found, *value, "{name}: {pointer} of {}", events[0]);
        }
        for attempt in events.iter().filter(|_| *name == "litellm-session-is-not-a-request") {
            assert_eq!(attempt["attempts"], serde_json::json!([]), "{name}");
        }
    }
}

#[tokio::test]
async fn a_parent_that_comes_after_its_child_is_passed_over() {
    let (app, tenant) = tenant().await;
    let mut last = None;
    for case in cases("clients.jsonl") {
        if case["name"].as_str().is_some_and(|name| name.starts_with("parent-after-child-counted-twice")) {
            last = Some(posted(&app, &tenant, &case).await);
        }
    }
    if let Some((events, refused)) = last {
        assert_eq!((events.len(), &events[0]["cost"]), (1, &Value::from("0.030195000000")), "{events:?}");
        assert_eq!(refused[0]["code"], "repeats");
    }
}
