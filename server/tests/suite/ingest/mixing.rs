//! Whatever format a call comes in, and however often, the totals are the same.

use super::post;
use crate::support::{Tenant, TestApp};
use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const CASES: u32 = 4;

/// One call and how it travels.
#[derive(Clone, Debug)]
struct Call {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
    route: Route,
    again: bool,
}

#[derive(Clone, Copy, Debug)]
enum Route {
    Native,
    LiteLlm,
    Otlp,
    CloudEvents,
}

fn call() -> impl Strategy<Value = Call> {
    let route = prop_oneof![Just(Route::Native), Just(Route::LiteLlm), Just(Route::Otlp), Just(Route::CloudEvents)];
    (0_u64..50_000, 0_u64..50_000, 0_u64..9_000, 0_u64..9_000, route, any::<bool>()).prop_map(
        |(plain, cached, text, reasoning, route, again)| Call {
            input: plain + cached,
            cached,
            output: text + reasoning,
            reasoning,
            route,
            again,
        },
    )
}

impl Call {
    fn usage(&self) -> Value {
        json!({
            "prompt_tokens": self.input, "completion_tokens": self.output, "total_tokens": self.input + self.output,
            "prompt_tokens_details": {"cached_tokens": self.cached},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        })
    }

    /// Path, content type and body.
    fn request(&self, number: usize, route: Route) -> (&'static str, &'static str, Value) {
        let native = json!({"id": format!("n{number}"), "timestamp": "2026-11-20T09:30:00Z", "provider": "openai",
            "model": "gpt-4o-2024-08-06", "usage": self.usage()});
        match route {
            Route::Native => ("/v1/events", "application/json", native),
            Route::LiteLlm => (
                "/v1/ingest/litellm",
                "application/json",
                json!({"litellm_call_id": format!("l{number}"), "call_type": "completion", "status": "success",
                    "custom_llm_provider": "openai", "model": "gpt-4o-2024-08-06", "startTime": 1_795_167_000.0,
                    "metadata": {"usage_object": self.usage()}}),
            ),
            Route::Otlp => ("/otlp/v1/traces", "application/json", self.span(number)),
            Route::CloudEvents => (
                "/v1/ingest/cloudevents",
                "application/cloudevents+json",
                json!({"specversion": "1.0", "type": "t", "source": "s", "id": format!("c{number}"), "data": native}),
            ),
        }
    }

    fn span(&self, number: usize) -> Value {
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let count = |key: &str, value: u64| json!({"key": key, "value": {"intValue": value.to_string()}});
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("{:016x}", number + 1),
            "startTimeUnixNano": "1795167000000000000", "endTimeUnixNano": "1795167001000000000",
            "attributes": [
                text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "openai"),
                text("gen_ai.response.model", "gpt-4o-2024-08-06"),
                count("gen_ai.usage.input_tokens", self.input), count("gen_ai.usage.output_tokens", self.output),
                count("gen_ai.usage.cache_read.input_tokens", self.cached),
                count("gen_ai.usage.reasoning.output_tokens", self.reasoning),
            ],
        }]}]}]})
    }
}

async fn send(app: &TestApp, tenant: &Tenant, call: &Call, number: usize, route: Route) {
    let (path, kind, body) = call.request(number, route);
    let answer = post(app, tenant, path, kind, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{call:?}: {}", answer.body);
}

#[tokio::test]
async fn mixing_formats_never_changes_a_total() {
    let app = TestApp::start().await;
    let mut runner = TestRunner::deterministic();
    for case in 0..CASES {
        let plain = app.organization(&format!("Plain {case}"), "Asia/Kolkata").await;
        let mixed = app.organization(&format!("Mixed {case}"), "Asia/Kolkata").await;
        let calls = proptest::collection::vec(call(), 1..24).new_tree(&mut runner).unwrap().current();
        for (number, call) in calls.iter().enumerate() {
            send(&app, &plain, call, number, Route::Native).await;
            send(&app, &mixed, call, number, call.route).await;
            if call.again {
                send(&app, &mixed, call, number, call.route).await;
            }
        }
        let path = "/v1/spend?from=2026-11-01&to=2026-12-01&group_by=model";
        let totals = |tenant: &Tenant| {
            let client = app.api(&tenant.key);
            async move { client.get(path).await.json() }
        };
        let (expected, found) = (totals(&plain).await, totals(&mixed).await);
        assert_eq!(found, expected, "{calls:?}");
        assert_ne!(expected["total"], Value::Null, "{expected}");
    }
}
