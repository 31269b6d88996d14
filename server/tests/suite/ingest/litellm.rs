//! `POST /v1/ingest/litellm`.

use super::{event, everything, post};
use crate::support::TestApp;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/v1/ingest/litellm";

/// A log as litellm 1.109.1 sends it, at a time that the test's clock takes.
pub(super) fn log(call_id: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{call_id}"), "litellm_call_id": call_id, "trace_id": "t", "call_type": "acompletion",
        "status": "success", "custom_llm_provider": "anthropic", "startTime": 1_795_164_000.25, "endTime": 1_795_164_001.5,
        "model": "claude-sonnet-4-5-20250929", "response_cost": 0.014445, "request_tags": ["feature:triage"],
        "model_map_information": {"model_map_key": "claude-sonnet-4-5-20250929"},
        // LiteLLM counts the cache inside the prompt, for Anthropic too.
        "metadata": {"usage_object": {"prompt_tokens": 21_292, "completion_tokens": 391, "total_tokens": 21_683,
            "prompt_tokens_details": {"cached_tokens": 20_480, "cache_creation_tokens": 0},
            "cache_read_input_tokens": 20_480, "cache_creation_input_tokens": 0}},
        "messages": [{"role": "user", "content": "SECRET"}], "response": {"choices": [{"message": "SECRET"}]},
    })
}

#[tokio::test]
async fn every_log_format_is_taken_and_priced_without_the_overlap() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let json = "application/json";
    let lines = format!("{}\n{}", log("l1"), log("l2"));
    for (kind, body, events) in [
        (json, json!([log("a1"), log("a2")]).to_string(), 2),
        (json, lines.clone(), 2),
        ("application/x-ndjson", lines.replace("l1", "n1").replace("l2", "n2"), 2),
        (json, log("s").to_string(), 1),
        (json, json!([log("nan")]).to_string().replace("0.014445", "NaN"), 1),
    ] {
        let answer = post(&app, &acme, PATH, kind, body).await;
        assert_eq!(
            (answer.status, answer.json()["accepted"].as_u64()),
            (StatusCode::OK, Some(events)),
            "{}",
            answer.body
        );
    }
    let found = event(&app, &acme, "a1:chatcmpl-a1").await;
    // 812 input, 20,480 read from the cache, 391 output: the same call as in the README.
    assert_eq!((&found["cost"], &found["reported_cost"]), (&json!("0.014445000000"), &json!("0.014445000000")));
    assert_eq!(found["meters"], json!({"Input": "812", "Cache read": "20480", "Output": "391"}));
    assert_eq!((&found["feature"], &found["adds_up"]), (&json!("triage"), &json!(true)));
    assert_eq!(event(&app, &acme, "nan:chatcmpl-nan").await["reported_cost"], Value::Null);
    assert!(!everything(&app, &acme).await.contains("SECRET"));

    // Without any id of LiteLLM's, the request's key gives one.
    let mut nameless = log("");
    nameless.as_object_mut().unwrap().retain(|name, _| name != "id" && name != "litellm_call_id");
    for (key, accepted, duplicates) in [("1", 2, 0), ("1", 0, 2), ("2", 2, 0)] {
        let headers = [("content-type", json), ("idempotency-key", key)];
        let body = json!([nameless, nameless]).to_string();
        let answer = app.api(&acme.key).send(Method::POST, PATH, &headers, Body::from(body)).await.json();
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(accepted), &json!(duplicates)), "{answer}");
    }
    let wrong = app.api(&acme.key).send(Method::POST, PATH, &[("idempotency-key", "a b")], Body::from("[]")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.body);
    let again = post(&app, &acme, PATH, json, json!([log("a1")]).to_string()).await.json();
    assert_eq!((&again["duplicates"], &again["accepted"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn bad_logs_are_listed_and_the_others_recorded() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let mut impossible = log("bad");
    impossible["metadata"]["usage_object"]["prompt_tokens"] = json!(-1);
    let files = json!({"id": "f", "call_type": "acreate_file", "status": "success", "model": ""});
    let body = json!([impossible, files.clone(), 7, log("good")]).to_string();
    let answer = post(&app, &acme, PATH, "application/json", body).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    let answered = answer.json();
    let places: Vec<(u64, bool)> = answered["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["index"].as_u64().unwrap(), result["status"] == "accepted"))
        .collect();
    assert_eq!(places, [(0, false), (2, false), (3, true)], "a file that was made is no call of a model");
    let rejected = app.api(&acme.key).get("/v1/events/rejected").await.json();
    let reasons: Vec<&str> =
        rejected["rejected"].as_array().unwrap().iter().map(|row| row["pointer"].as_str().unwrap()).collect();
    assert!(reasons.contains(&"/usage/prompt_tokens") && reasons.contains(&""), "{reasons:?}");
    assert_eq!(post(&app, &acme, PATH, "application/json", "[{").await.status, StatusCode::BAD_REQUEST);
    let refused = post(&app, &acme, PATH, "application/json", "[7]").await;
    assert_eq!((refused.status, &refused.json()["rejected"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(1)));
    let nothing = post(&app, &acme, PATH, "application/json", json!([files]).to_string()).await;
    assert_eq!(nothing.status, StatusCode::OK, "no call of a model is no refusal");
}

#[tokio::test]
async fn a_project_that_is_there_is_used_and_another_is_a_tag() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let mut unknown = log("unknown");
    unknown["request_tags"] = json!(["project:nowhere"]);
    let mut known = log("known");
    known["request_tags"] = json!(["project:main"]);
    let answer = post(&app, &acme, PATH, "application/json", json!([unknown, known]).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let (unknown, known) =
        (event(&app, &acme, "unknown:chatcmpl-unknown").await, event(&app, &acme, "known:chatcmpl-known").await);
    assert_eq!((&unknown["project"], &unknown["attributes"]["tag.project"]), (&json!("main"), &json!("nowhere")));
    assert_eq!((&known["project"], known["attributes"].get("tag.project")), (&json!("main"), None));
}

#[tokio::test]
async fn only_a_key_that_may_send_is_heard_and_prompts_may_be_large() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let anonymous = app.anonymous().post_json(PATH, &log("x")).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    let by_header =
        app.anonymous().send(Method::POST, PATH, &[("x-api-key", &acme.key)], Body::from(log("x").to_string())).await;
    assert_eq!(by_header.status, StatusCode::OK, "{}", by_header.body);
    let mut large = log("large");
    large["messages"] = json!("SECRET".repeat(3_000_000));
    let answer = post(&app, &acme, PATH, "application/json", json!([large]).to_string()).await;
    assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (StatusCode::OK, Some(1)));
}
