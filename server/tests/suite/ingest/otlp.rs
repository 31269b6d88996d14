//! `/otlp/v1/…`.

use super::{event, everything, post};
use crate::support::TestApp;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use serde_json::{Value, json};
use std::io::Write;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const TRACES: &str = "/otlp/v1/traces";
const LOGS: &str = "/otlp/v1/logs";

pub(super) fn attributes(values: Value) -> Value {
    let kind = |value: &Value| match value {
        Value::String(_) => "stringValue",
        Value::Number(number) if number.is_f64() => "doubleValue",
        _ => "intValue",
    };
    let fields = values.as_object().unwrap().iter();
    fields.map(|(key, value)| json!({"key": key, "value": {kind(value): value}})).collect()
}

/// A call of Anthropic with the figures of the README, counted as the conventions say: the cache is inside the input.
pub(super) fn span(id: &str) -> Value {
    json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "name": "chat", "kind": 3,
        "startTimeUnixNano": "1795164000250000000", "endTimeUnixNano": "1795164001500000000",
        "attributes": attributes(json!({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5-20250929",
            "gen_ai.usage.input_tokens": 21_292, "gen_ai.usage.cache_read.input_tokens": 20_480, "gen_ai.usage.output_tokens": 391,
            "gen_ai.input.messages": "SECRET", "gen_ai.output.messages": "SECRET",
        })),
        "events": [{"name": "gen_ai.content.prompt", "attributes": attributes(json!({"gen_ai.prompt": "SECRET"}))}],
        "status": {},
    })
}

pub(super) fn request(spans: Value) -> Value {
    json!({"resourceSpans": [{"resource": {"attributes": attributes(json!({"service.name": "checkout"}))},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}]})
}

/// A request as Claude Code reports it.
pub(super) fn log_request() -> Value {
    let record = json!({"timeUnixNano": "1795164000250000000", "body": {"stringValue": "claude_code.api_request"},
        "attributes": attributes(json!({"event.name": "api_request", "model": "claude-sonnet-4-5-20250929", "input_tokens": "812",
            "output_tokens": "391", "cache_read_tokens": "20480", "cache_creation_tokens": "0", "cost_usd": "0.014445",
            "session.id": "s1", "event.sequence": 1}))});
    json!({"resourceLogs": [{"resource": {"attributes": attributes(json!({"service.name": "claude-code"}))},
        "scopeLogs": [{"logRecords": [record]}]}]})
}

fn protobuf(request: Value) -> Vec<u8> {
    serde_json::from_value::<ExportTraceServiceRequest>(request).unwrap().encode_to_vec()
}

#[tokio::test]
async fn spans_in_both_encodings_are_the_same_event() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let body = request(json!([span("eee19b7ec3c1b174")]));
    let json = post(&app, &acme, TRACES, JSON, body.to_string()).await;
    assert_eq!((json.status, json.body.as_str(), json.header("content-type")), (StatusCode::OK, "{}", Some(JSON)));
    let wire = post(&app, &acme, TRACES, PROTOBUF, protobuf(body.clone())).await;
    assert_eq!((wire.status, wire.body.as_str(), wire.header("content-type")), (StatusCode::OK, "", Some(PROTOBUF)));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&protobuf(body.clone())).unwrap();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(body.to_string().as_bytes()).unwrap();
    for (kind, encoding, bytes) in
        [(PROTOBUF, "gzip", gzip.finish().unwrap()), (JSON, "deflate", deflate.finish().unwrap())]
    {
        let headers = [("content-type", kind), ("content-encoding", encoding), ("x-api-key", acme.key.as_str())];
        let answer = app.anonymous().send(Method::POST, TRACES, &headers, Body::from(bytes)).await;
        assert_eq!(answer.status, StatusCode::OK, "{encoding}: {}", answer.body);
    }
    let listed = app.api(&acme.key).get("/v1/events").await.json();
    assert_eq!(listed["events"].as_array().unwrap().len(), 1, "four times the same span");
    let found = event(&app, &acme, "5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174").await;
    assert_eq!((&found["cost"], &found["feature"]), (&json!("0.014445000000"), &json!("checkout")));
    assert_eq!(found["latency_ms"], 1250);
    assert!(!everything(&app, &acme).await.contains("SECRET"));
}

#[tokio::test]
async fn refused_spans_are_counted_and_listed() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let mut silent = span("0000000000000001");
    silent["attributes"] = attributes(json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}));
    let body = request(json!([span("eee19b7ec3c1b174"), silent]));
    let answer = post(&app, &acme, TRACES, JSON, body.to_string()).await;
    assert_eq!((answer.status, &answer.json()["partialSuccess"]["rejectedSpans"]), (StatusCode::OK, &json!("1")));
    let headers = [("content-type", PROTOBUF)];
    let answer = app.api(&acme.key).send(Method::POST, TRACES, &headers, Body::from(protobuf(body))).await;
    let partial = ExportTraceServiceResponse::decode(answer.body.as_bytes()).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("counts no tokens"), "{}", partial.error_message);
    let rejected = app.api(&acme.key).get("/v1/events/rejected").await.json();
    assert_eq!(
        (&rejected["rejected"][0]["model"], &rejected["rejected"][0]["pointer"]),
        (&json!("gpt-4o"), &json!("/usage"))
    );
}

#[tokio::test]
async fn errors_speak_the_encoding_of_the_request() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    for (kind, body) in [(JSON, "["), (PROTOBUF, "\u{ff}")] {
        let answer = post(&app, &acme, TRACES, kind, body).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::BAD_REQUEST, Some(kind)));
    }
    let anonymous = app.anonymous().post_json(TRACES, &json!({})).await;
    assert_eq!((anonymous.status, &anonymous.json()["code"]), (StatusCode::UNAUTHORIZED, &json!(16)));
    let plain = post(&app, &acme, TRACES, "text/plain", "x").await;
    assert_eq!((plain.status, &plain.json()["code"]), (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!(3)));
    // Also what is refused before or beside the route.
    let refused = async |method: Method, path: &str, kind: &str, encoding: &str| {
        let headers = [("content-type", kind), ("content-encoding", encoding), ("x-api-key", acme.key.as_str())];
        app.anonymous().send(method, path, &headers, Body::from("{}")).await
    };
    let packed = refused(Method::POST, TRACES, JSON, "br").await;
    assert_eq!((packed.status, &packed.json()["code"]), (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!(3)));
    assert!(packed.json()["message"].as_str().unwrap().contains("gzip"), "{}", packed.body);
    let packed = refused(Method::POST, LOGS, PROTOBUF, "br").await;
    assert_eq!((packed.status, packed.header("content-type")), (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(PROTOBUF)));
    assert!(packed.body.starts_with("\u{8}\u{3}\u{12}"), "code and message in protobuf: {:?}", packed.body);
    let nowhere = refused(Method::POST, "/otlp/v1/profiles", JSON, "identity").await;
    assert_eq!((nowhere.status, &nowhere.json()["code"]), (StatusCode::NOT_FOUND, &json!(5)));
    let read = refused(Method::GET, TRACES, JSON, "identity").await;
    assert_eq!((read.status, &read.json()["code"]), (StatusCode::METHOD_NOT_ALLOWED, &json!(12)));
    // OpenRouter's test call, and an exporter with nothing to say.
    for (kind, body) in [(JSON, ""), (JSON, "{}"), (JSON, r#"{"resourceSpans":[]}"#), (PROTOBUF, "")] {
        for path in [TRACES, LOGS, "/otlp/v1/metrics"] {
            let headers = [("content-type", kind), ("x-test-connection", "true")];
            let answer = app.api(&acme.key).send(Method::POST, path, &headers, Body::from(body)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {body}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn claude_code_is_recorded_from_its_log_records_alone() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let body = log_request();
    for _ in 0..2 {
        assert_eq!(post(&app, &acme, LOGS, JSON, body.to_string()).await.body, "{}");
    }
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "claude_code.token.usage", "sum": {"dataPoints": [{"asInt": "812"}]}}]}]}]});
    assert_eq!(post(&app, &acme, "/otlp/v1/metrics", JSON, metrics.to_string()).await.body, "{}");
    let listed = app.api(&acme.key).get("/v1/events").await.json();
    let rows = listed["events"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["cost"], &rows[0]["feature"]),
        (1, &json!("0.014445000000"), &json!("claude-code"))
    );
}

#[tokio::test]
async fn coding_agents_say_what_they_worked_on() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let send = async |agent: &str, sequence: i64, resource: Value, labels: &str| {
        let mut body = log_request();
        let mut named = json!({"service.name": agent});
        named.as_object_mut().unwrap().extend(resource.as_object().unwrap().clone());
        body["resourceLogs"][0]["resource"]["attributes"] = attributes(named);
        let own = &mut body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"];
        own.as_array_mut().unwrap().retain(|attribute| attribute["key"] != "event.sequence");
        own.as_array_mut().unwrap().extend(attributes(json!({"event.sequence": sequence})).as_array().unwrap().clone());
        let headers = [("content-type", JSON), ("x-tallystick-labels", labels)];
        let answer = app.api(&acme.key).send(Method::POST, LOGS, &headers, Body::from(body.to_string())).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "{}"));
    };
    let vcs = json!({"vcs.repository.url.full": "https://github.com/acme/web.git", "vcs.ref.head.name": "refs/heads/fix", "pr": "#7"});
    send("claude-code", 1, vcs, "").await;
    // What stands in the request comes before its header.
    send(
        "codex_cli_rs",
        2,
        json!({"branch": "main"}),
        "repo=git%40github.com:acme/web.git,branch=x,ticket=WEB-1,user=ada",
    )
    .await;
    send("claude-code", 3, json!({"repo": "acme/web", "tallystick.feature": "own"}), ",=,repo").await;
    let spend = async |by: &str| {
        let found =
            app.api(&acme.key).get(&format!("/v1/spend?from=2026-11-01&to=2026-12-01&group_by={by}")).await.json();
        let mut rows: Vec<_> =
            found["rows"].as_array().unwrap().iter().map(|row| (row[by].clone(), row["requests"].clone())).collect();
        rows.sort_by_key(|(word, _)| word.to_string());
        json!(rows)
    };
    assert_eq!(spend("tag.repo").await, json!([["acme/web", 3]]));
    assert_eq!(spend("tag.branch").await, json!([["fix", 1], ["main", 1], [null, 1]]));
    assert_eq!(spend("tag.pr").await, json!([["7", 1], [null, 2]]));
    assert_eq!(spend("tag.ticket").await, json!([["WEB-1", 1], [null, 2]]));
    assert_eq!(spend("feature").await, json!([["claude-code", 1], ["codex", 1], ["own", 1]]));
    assert_eq!(spend("user").await, json!([["ada", 1], [null, 2]]));
}
