//! States of PostgreSQL that pass: whatever the format, the sender is told to send the same again, and nothing was recorded.

use super::cloudevents::cloud_event;
use super::{litellm, otlp, post};
use crate::support::TestApp;
use axum::http::StatusCode;
use serde_json::json;

/// One of each kind: lost connection, no room, shutdown, serialization, deadlock, lock time-out, read-only.
const PASSING: [&str; 9] = ["08006", "53100", "53300", "57P01", "57P03", "40001", "40P01", "55P03", "25006"];

#[tokio::test]
async fn every_format_is_told_to_come_back() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let event = json!({"id": "e", "provider": "openai", "model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 1}});
    let json = "application/json";
    let formats = [
        ("/v1/events", json, event.to_string()),
        ("/v1/ingest/litellm", json, litellm::log("l").to_string()),
        ("/v1/ingest/cloudevents", "application/cloudevents+json", cloud_event("1").to_string()),
        ("/api/v1/events", "application/cloudevents+json", cloud_event("2").to_string()),
        ("/otlp/v1/traces", json, otlp::request(json!([otlp::span("eee19b7ec3c1b174")])).to_string()),
        ("/otlp/v1/logs", json, otlp::log_request().to_string()),
    ];
    let pool = &app.backend.pool;
    let fail = "create function fail() returns trigger language plpgsql as $$
        begin raise exception 'a state that passes' using errcode = (select code from failing); end $$";
    for sql in [
        "create table failing as select ''::text as code",
        fail,
        "create trigger failing before insert on event_ids for each statement execute function fail()",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    for code in PASSING {
        sqlx::query("update failing set code = $1").bind(code).execute(pool).await.unwrap();
        for (path, kind, body) in &formats {
            let answer = post(&app, &acme, path, kind, body.clone()).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path} {code}: {}", answer.body);
            let wait = answer.header("retry-after").and_then(|text| text.parse::<u32>().ok());
            assert!(wait.is_some_and(|wait| wait > 0), "{path} {code}");
        }
    }
    sqlx::query("drop trigger failing on event_ids").execute(pool).await.unwrap();
    for (path, kind, body) in &formats {
        let answer = post(&app, &acme, path, kind, body.clone()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
    }
    let listed = app.api(&acme.key).get("/v1/events").await.json();
    assert_eq!(listed["events"].as_array().unwrap().len(), formats.len(), "each once");
}
