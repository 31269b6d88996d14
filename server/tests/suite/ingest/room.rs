//! Room for what is sent is shared: whatever one organization does with its half, another's events come in.

use super::post;
use crate::support::{Tenant, TestApp};
use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use domain::event::MAX_BODY_BYTES;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;

fn event(id: &str) -> Value {
    json!({"id": id, "provider": "openai", "model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}})
}

/// A body that begins and does not end.
fn withheld() -> Body {
    let begun = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"["))]);
    Body::from_stream(begun.chain(futures::stream::pending()))
}

/// Sends bodies that are withheld, each declared as large as may be, until there is no room for another.
async fn withhold(app: &TestApp, loud: &Tenant, path: &'static str, declared: usize) -> JoinSet<StatusCode> {
    let mut senders = JoinSet::new();
    for _ in 0..1_000 {
        let client = app.api(&loud.key);
        senders.spawn(async move {
            let length = declared.to_string();
            let headers = [("content-type", "application/json"), ("content-length", length.as_str())];
            client.send(Method::POST, path, &headers, withheld()).await.status
        });
        // A request that finds room waits for its body; the others are answered.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        if let Some(answered) = senders.try_join_next() {
            assert_eq!(answered.unwrap(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            return senders;
        }
    }
    panic!("{path}: there is always room");
}

#[tokio::test]
async fn withheld_bodies_keep_nobody_else_out() {
    let app = TestApp::start().await;
    let (loud, quiet) = (app.organization("loud", "UTC").await, app.organization("quiet", "UTC").await);
    for (n, (path, declared)) in [
        ("/v1/events", MAX_BODY_BYTES),
        ("/v1/ingest/litellm", 64 * 1024 * 1024),
        ("/v1/ingest/cloudevents", 64 * 1024 * 1024),
        ("/otlp/v1/traces", 64 * 1024 * 1024),
    ]
    .into_iter()
    .enumerate()
    {
        let mut held = withhold(&app, &loud, path, declared).await;
        assert!(held.len() > 1, "{path}: its own half is its own");
        let answer = post(&app, &quiet, "/v1/events", "application/json", event(&format!("q{n}")).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let small = post(&app, &loud, "/v1/events", "application/json", event(&format!("s{n}")).to_string()).await;
        assert_eq!(small.status, StatusCode::OK, "its own small bodies have room apart: {}", small.body);
        held.shutdown().await;
        // Who goes away gives its room back.
        let answer = post(&app, &loud, "/v1/events", "application/json", event(&format!("l{n}")).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
}

/// Batches of one organization with fresh tags on every event turn nobody else away. By how little others wait is tested beside the committer.
#[tokio::test]
async fn fresh_tags_on_full_batches_keep_nobody_else_out() {
    let app = TestApp::start().await;
    let (loud, quiet) = (app.organization("loud", "UTC").await, app.organization("quiet", "UTC").await);
    let mut batches = JoinSet::new();
    for batch in 0..4 {
        let tagged = |n: usize| {
            let tags: serde_json::Map<_, _> =
                (0..32).map(|tag| (format!("t{tag}"), json!(format!("{batch}-{n}-{tag}")))).collect();
            let mut event = event(&format!("b{batch}-{n}"));
            event["tags"] = Value::Object(tags);
            event
        };
        let body = Value::Array((0..500).map(tagged).collect()).to_string();
        let client = app.api(&loud.key);
        batches.spawn(async move {
            let headers = [("content-type", "application/json")];
            client.send(Method::POST, "/v1/events", &headers, body.into()).await.status
        });
    }
    tokio::task::yield_now().await;
    for n in 0..20 {
        let answer = post(&app, &quiet, "/v1/events", "application/json", event(&format!("q{n}")).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    while let Some(status) = batches.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    super::assert_verified(&app, &loud).await;
    super::assert_verified(&app, &quiet).await;
}
