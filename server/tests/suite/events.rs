//! `/v1/events`: every form of body, every answer.

use crate::support::{Answer, Tenant, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;

/// Headers of a request.
type Headers = Vec<(&'static str, &'static str)>;

fn event(id: &str) -> Value {
    json!({
        "id": id, "timestamp": "2026-11-20T09:30:00Z", "provider": "openai", "model": "gpt-4o-2024-08-06",
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}
    })
}

async fn post(app: &TestApp, tenant: &Tenant, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    app.api(&tenant.key).send(Method::POST, "/v1/events", headers, body.into()).await
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A zstd frame with one raw block (RFC 8878, 3.1.1): enough to see that it is taken apart.
fn zstd(text: &[u8]) -> Vec<u8> {
    let size = u32::try_from(text.len()).unwrap();
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend_from_slice(&size.to_le_bytes());
    frame.extend_from_slice(&(size << 3 | 1).to_le_bytes()[..3]);
    frame.extend_from_slice(text);
    frame
}

#[tokio::test]
async fn every_form_and_encoding_of_a_body_is_taken() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let json = ("content-type", "application/json");
    let lines = ("content-type", "application/x-ndjson");
    let text = |value: Value| value.to_string().into_bytes();
    let two_lines = |a: &str, b: &str| format!("{}\n{}\n", event(a), event(b)).into_bytes();
    let cases: [(Headers, Vec<u8>, u64); 8] = [
        (vec![json], text(event("one")), 1),
        (vec![], text(json!([event("a1"), event("a2")])), 2),
        (vec![("content-type", "application/json; charset=utf-8")], text(json!({"events": [event("w1")]})), 1),
        (vec![lines], two_lines("l1", "l2"), 2),
        (vec![json], two_lines("s1", "s2"), 2),
        (vec![json, ("content-encoding", "gzip")], gzip(&text(json!([event("g1"), event("g2")]))), 2),
        (vec![lines, ("content-encoding", "zstd")], zstd(&two_lines("z1", "z2")), 2),
        (vec![json], text(json!([])), 0),
    ];
    for (headers, body, events) in cases {
        let answer = post(&app, &acme, &headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{headers:?}: {}", answer.body);
        assert_eq!(answer.json()["accepted"], events, "{headers:?}");
    }
    let listed = app.api(&acme.key).get("/v1/events?limit=200").await.json();
    assert_eq!(listed["events"].as_array().unwrap().len(), 12);
}

#[tokio::test]
async fn the_answer_has_a_result_for_every_event_in_its_place() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let mut other = event("a");
    other["latency_ms"] = json!(7);
    let mut bad = event("c");
    bad["status"] = json!("ok");
    let unpriced = json!({"id": "u", "timestamp": "2026-11-20T09:30:00Z", "provider": "openai", "model": "gpt-99",
        "usage": {"prompt_tokens": 10}});
    let answer = app
        .api(&acme.key)
        .post_json("/v1/events", &json!([event("a"), event("a"), other.clone(), bad, unpriced]))
        .await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    let result = |index: u64, id: &str, status: &str, cost: Option<&str>| json!({"index": index, "id": id, "status": status, "cost": cost, "currency": cost.map(|_| "USD"), "error": null});
    let mut expected = json!({
        "accepted": 2, "duplicates": 1, "conflicts": 1, "rejected": 1,
        "results": [
            result(0, "a", "accepted", Some("0.003500000000")), result(1, "a", "duplicate", Some("0.003500000000")),
            result(2, "a", "conflict", None), result(3, "c", "rejected", None), result(4, "u", "accepted", None),
        ]
    });
    let found = answer.json();
    for index in [2, 3] {
        let error = &found["results"][index]["error"];
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
        expected["results"][index]["error"] = error.clone();
    }
    assert_eq!(found, expected);
    assert_eq!(found["results"][2]["error"]["code"], "conflict");
    assert_eq!(found["results"][3]["error"]["pointer"], "/status");

    let listed = app.api(&acme.key).get("/v1/events/rejected").await.json();
    let codes: Vec<_> = listed["rejected"].as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes.len(), 2, "{listed}");
    assert!(codes.contains(&json!("conflict")), "a conflict is in the list: {codes:?}");

    // All refused is no success, whether rejected or conflicting; a repetition of what is recorded is one.
    for refused in [json!({"a": 1}), json!([other, {"a": 1}])] {
        let answer = app.api(&acme.key).post_json("/v1/events", &refused).await;
        assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (StatusCode::UNPROCESSABLE_ENTITY, Some(0)));
    }
    assert_eq!(
        app.api(&acme.key).post_json("/v1/events", &json!([])).await.status,
        StatusCode::OK,
        "nothing is refused"
    );
    let beside = app.api(&acme.key).post_json("/v1/events", &json!([event("a"), {"a": 1}])).await;
    assert_eq!(beside.status, StatusCode::MULTI_STATUS, "a duplicate is recorded");
    let again = app.api(&acme.key).post_json("/v1/events", &event("a")).await;
    assert_eq!((again.status, again.json()["duplicates"].as_u64()), (StatusCode::OK, Some(1)));
    // A line that is not JSON spoils only itself.
    let body = format!("{}\nnot json\n{}", event("x"), event("y"));
    let answer = post(&app, &acme, &[("content-type", "application/x-ndjson")], body).await;
    assert_eq!((answer.status, answer.json()["accepted"].as_u64()), (StatusCode::MULTI_STATUS, Some(2)));
}

#[tokio::test]
async fn a_request_with_an_idempotency_key_is_recorded_once() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let nameless = |tokens: u64| json!({"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": tokens}});
    // Two calls that look alike are two calls; one brings its own id.
    let body = json!([nameless(7), nameless(7), event("own")]).to_string();
    let headers = |key| [("content-type", "application/json"), ("idempotency-key", key)];
    let first = post(&app, &acme, &headers("batch-1"), body.clone()).await.json();
    assert_eq!((first["accepted"].as_u64(), first["results"][2]["id"].as_str()), (Some(3), Some("own")));
    let again = post(&app, &acme, &headers("batch-1"), body.clone()).await;
    assert_eq!((again.status, again.json()["duplicates"].as_u64()), (StatusCode::OK, Some(3)));
    let ids = |answer: &Value| -> Vec<Value> {
        answer["results"].as_array().unwrap().iter().map(|result| result["id"].clone()).collect()
    };
    assert_eq!(ids(&again.json()), ids(&first));
    // Another request under the same key is said, and another key is another request.
    let other = post(&app, &acme, &headers("batch-1"), json!([nameless(8)]).to_string()).await;
    assert_eq!((other.status, &other.json()["conflicts"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(1)));
    let fresh = post(&app, &acme, &headers("batch-2"), json!([nameless(7)]).to_string()).await;
    assert_eq!(fresh.json()["accepted"], 1);
    let wrong = post(&app, &acme, &headers("two words"), body).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("Idempotency-Key"), "{}", wrong.body);
}

#[tokio::test]
async fn an_unusable_request_is_one_problem_and_records_nothing() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let json = ("content-type", "application/json");
    let padding = " ".repeat(9 * 1024 * 1024);
    let bomb = gzip(format!("[{}{padding}]", event("a")).as_bytes());
    assert!(bomb.len() < 100_000, "small on the wire");
    let many = format!("[{}]", vec!["{}"; 5_001].join(","));
    let cut = gzip(event("a").to_string().as_bytes());
    let cases: [(Headers, Vec<u8>, StatusCode); 9] = [
        (vec![json], b"{\"id\":".to_vec(), StatusCode::BAD_REQUEST),
        (vec![json], Vec::new(), StatusCode::BAD_REQUEST),
        (vec![json], b"\xff\xfe".to_vec(), StatusCode::BAD_REQUEST),
        (vec![json, ("content-encoding", "gzip")], b"no gzip".to_vec(), StatusCode::BAD_REQUEST),
        (vec![json, ("content-encoding", "gzip")], cut[..cut.len() / 2].to_vec(), StatusCode::BAD_REQUEST),
        (vec![json], format!("[{padding}]").into_bytes(), StatusCode::PAYLOAD_TOO_LARGE),
        (vec![json, ("content-encoding", "gzip")], bomb, StatusCode::PAYLOAD_TOO_LARGE),
        (vec![json], many.into_bytes(), StatusCode::PAYLOAD_TOO_LARGE),
        (vec![("content-type", "text/csv")], event("a").to_string().into_bytes(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for (headers, body, status) in cases {
        let answer = post(&app, &acme, &headers, body).await;
        assert_eq!(answer.status, status, "{headers:?} {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["status"], status.as_u16());
    }
    let brotli = post(&app, &acme, &[json, ("content-encoding", "br")], "x").await;
    assert_eq!(
        (brotli.status, brotli.header("content-type")),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some("application/problem+json"))
    );
    assert!(app.api(&acme.key).get("/v1/events").await.json()["events"].as_array().unwrap().is_empty());

    let anonymous = app.anonymous().post_json("/v1/events", &event("a")).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        app.api("tally_live_nonsense").post_json("/v1/events", &event("a")).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn one_event_is_explained_and_only_to_its_own_organization() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let globex = app.organization("Globex", "UTC").await;
    let claude = json!({
        "id": "req/1", "timestamp": "2026-11-20T09:30:00Z", "provider": "anthropic", "model": "claude-sonnet-4-5-20250929",
        "usage": {"input_tokens": 812, "cache_read_input_tokens": 20_480, "output_tokens": 391}, "tags": {"v": "7"},
        "reported_cost": {"amount": "0.0137", "currency": "USD"}
    });
    assert_eq!(app.api(&acme.key).post_json("/v1/events", &claude).await.status, StatusCode::OK);
    let found = app.api(&acme.key).get("/v1/events/req%2F1").await.json();
    assert_eq!(found["cost"], "0.014445000000");
    assert_eq!(found["timestamp"], "2026-11-20T15:00:00+05:30");
    assert_eq!(found["reported_cost"], "0.013700000000");
    assert_eq!(found["usage"], claude["usage"]);
    assert_eq!(found["attributes"]["tag.v"], "7");
    let line = &found["receipt"][1];
    assert_eq!(
        (&line["meter"], &line["quantity"], &line["amount"]),
        (&json!("input_cache_read"), &json!("20480"), &json!("0.006144000000"))
    );
    assert_eq!((&line["rate"], &line["per"], &line["unit"]), (&json!("0.3"), &json!(1_000_000), &json!("tokens")));
    let key = found["event_key"].as_str().unwrap();
    assert_eq!(app.api(&acme.key).get(&format!("/v1/events/{key}")).await.json(), found);
    for path in ["/v1/events/req%2F1".to_owned(), format!("/v1/events/{key}"), "/v1/events/none".to_owned()] {
        assert_eq!(app.api(&globex.key).get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn lists_are_paged_filtered_and_downloaded() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let client = app.api(&acme.key);
    let mut risky = event("=cmd()");
    risky["feature"] = json!("triage");
    let unpriced = json!({"id": "u", "timestamp": "2026-11-20T09:31:00Z", "provider": "openai", "model": "gpt-99",
        "usage": {"prompt_tokens": 10}});
    let batch =
        json!([event("a"), event("b"), risky, unpriced, {"id": "bad", "provider": "openai", "model": "m", "usage": 7}]);
    assert_eq!(client.post_json("/v1/events", &batch).await.status, StatusCode::MULTI_STATUS);

    let first = client.get("/v1/events?limit=3").await.json();
    assert_eq!(first["events"][0]["id"], "u", "newest first");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = client.get(&format!("/v1/events?limit=3&cursor={cursor}")).await.json();
    assert_eq!((second["events"].as_array().unwrap().len(), &second["next_cursor"]), (1, &Value::Null));
    assert_eq!(client.get(&format!("/v1/events?feature=x&cursor={cursor}")).await.status, StatusCode::BAD_REQUEST);

    let csv = client.get("/v1/events?feature=triage&format=csv").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(csv.body.contains("'=cmd()"), "{}", csv.body);

    let rejected = client.get("/v1/events/rejected").await.json();
    assert_eq!(
        (&rejected["rejected"][0]["id"], &rejected["rejected"][0]["pointer"]),
        (&json!("bad"), &json!("/usage"))
    );
    let unpriced = client.get("/v1/events/unpriced").await.json();
    assert_eq!((&unpriced["unpriced"][0]["model"], &unpriced["unpriced"][0]["events"]), (&json!("gpt-99"), &json!(1)));

    for wrong in ["limit=0", "limit=201", "from=yesterday", "unpriced=perhaps", "colour=red", "cursor=%00", "status="] {
        let status = client.get(&format!("/v1/events?{wrong}")).await.status;
        let expected = if wrong == "status=" { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(status, expected, "{wrong}");
    }
    assert_eq!(client.get("/v1/events/rejected?model=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_description_says_which_format_follows() {
    let app = TestApp::start().await;
    let description = app.anonymous().get("/openapi.json").await.json();
    let text = description["paths"]["/v1/events"]["post"]["description"].as_str().unwrap();
    assert!(
        text.contains("`anthropic` for chat of `anthropic`") && text.contains("`openai_embeddings` for embeddings of"),
        "{text}"
    );
    assert!(
        description["components"]["schemas"]["UsageFormat"]["enum"]
            .as_array()
            .unwrap()
            .contains(&json!("bedrock_converse"))
    );
}
