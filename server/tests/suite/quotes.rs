//! `POST /v1/quotes` through the real router, and `tallystick quote` as a person runs it.

use crate::support::TestApp;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

fn question() -> Value {
    json!({
        "name": "a", "provider": "anthropic", "model": "claude-sonnet-4-5-20250929", "flavor": "default",
        "usage": {"input_tokens": 1_000, "cache_read_input_tokens": 20_000, "output_tokens": 391}, "at": "2026-11-12T12:00:00Z",
    })
}

#[tokio::test]
async fn every_question_has_an_answer_and_nothing_is_recorded() {
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let one = api.post_json("/v1/quotes", &question()).await;
    assert_eq!(one.status, StatusCode::OK, "{}", one.body);
    let answer = one.json()["quotes"][0].clone();
    assert_eq!((&answer["name"], &answer["usd"]), (&json!("a"), &json!("0.014865")));
    assert_eq!(answer["lines"].as_array().unwrap().len(), 3);

    let many = api.post_json("/v1/quotes", &json!({"quotes": [question(), {"name": "b"}, {"name": "c", "provider": "nobody", "model": "x", "usage": {"prompt_tokens": 1}, "flavor": "chat"}]})).await;
    assert_eq!(many.status, StatusCode::MULTI_STATUS, "something is invalid");
    let many = many.json();
    assert_eq!(many["quotes"][0], answer);
    assert!(many["quotes"][1]["invalid"].is_string() && many["quotes"][2]["unpriced"].is_string(), "{many}");
    assert_eq!(api.post_json("/v1/quotes", &json!([question()])).await.json()["quotes"][0], answer);

    let lines = format!("{}\n\nnot json\n", question());
    let headers = [("content-type", "application/x-ndjson")];
    let lines = api.send(Method::POST, "/v1/quotes", &headers, Body::from(lines)).await.json();
    assert_eq!(lines["quotes"][0], answer);
    assert!(lines["quotes"][1]["invalid"].is_string());
    assert_eq!(api.get("/v1/events").await.json()["events"], json!([]));

    let many: Vec<Value> = std::iter::repeat_with(|| json!({})).take(1_001).collect();
    assert_eq!(api.post_json("/v1/quotes", &json!(many)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let broken = api.send(Method::POST, "/v1/quotes", &[("content-type", "application/json")], Body::from("{")).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.anonymous().post_json("/v1/quotes", &question()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_organizations_own_prices_go_first() {
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    let (acme, other) = (app.organization("Acme", "UTC").await, app.organization("Other", "UTC").await);
    let half = json!({"kind": "discount", "provider": "anthropic", "percent": "50", "source": "Contract"});
    assert_eq!(app.api(&acme.key).post_json("/v1/price-modifiers", &half).await.status, StatusCode::CREATED);
    let usd = async |key| app.api(key).post_json("/v1/quotes", &question()).await.json()["quotes"][0]["usd"].clone();
    assert_eq!(usd(&acme.key).await, json!("0.0074325"));
    assert_eq!(usd(&other.key).await, json!("0.014865"));
}

#[test]
fn the_command_reads_lines_and_needs_no_database() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallystick"));
    let mut child = command
        .args(["quote", "-"])
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary");
    let lines = format!("{}\n{{\"name\": \"b\"}}\n", question());
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((answers.len(), &answers[0]["usd"]), (2, &json!("0.014865")));
    assert!(answers[1]["invalid"].is_string());

    let missing = Command::new(env!("CARGO_BIN_EXE_tallystick")).args(["quote", "/does/not/exist"]).output().unwrap();
    assert!(!missing.status.success() && missing.stdout.is_empty());
}
