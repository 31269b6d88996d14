//! `/v1/organization`: what Settings can do about events, a key can do.

use crate::support::{Answer, Client, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/v1/organization";

async fn change(key: &Client, change: Value) -> Answer {
    key.send(Method::PATCH, PATH, &[("content-type", "application/json")], Body::from(change.to_string())).await
}

#[tokio::test]
async fn a_key_reads_and_sets_how_events_are_kept_and_counted() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let key = app.api(&acme.key);
    let before = key.get(PATH).await.json();
    assert_eq!((&before["slug"], &before["time_zone"]), (&json!("acme"), &json!("Asia/Kolkata")));
    assert_eq!((&before["retention_days"], &before["drop_possible_duplicates"]), (&Value::Null, &json!(false)));

    assert_eq!(change(&key, json!({"retention_days": 400})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(change(&key, json!({"drop_possible_duplicates": true})).await.status, StatusCode::NO_CONTENT);
    let after = key.get(PATH).await.json();
    assert_eq!(
        (&after["retention_days"], &after["drop_possible_duplicates"]),
        (&json!(400), &json!(true)),
        "one at a time"
    );
    assert_eq!(change(&key, json!({"retention_days": null})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(key.get(PATH).await.json()["retention_days"], Value::Null, "null is for ever");

    let short = change(&key, json!({"retention_days": 33, "drop_possible_duplicates": false})).await;
    assert_eq!(
        (short.status, &short.json()["errors"][0]["pointer"]),
        (StatusCode::BAD_REQUEST, &json!("/retention_days"))
    );
    assert_eq!(key.get(PATH).await.json()["drop_possible_duplicates"], json!(true), "nothing of it was done");
    assert_eq!(change(&key, json!({"retention": 400})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn two_events_of_one_answer_are_listed_with_their_money() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let key = app.api(&acme.key);
    let event = |id: &str| {
        json!({"id": id, "timestamp": "2026-11-20T09:30:00Z", "provider": "openai", "model": "gpt-4o-2024-08-06",
            "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}, "provider_response_id": "chatcmpl-1"})
    };
    for id in ["gateway", "sdk"] {
        assert_eq!(key.post_json("/v1/events", &event(id)).await.status, StatusCode::OK);
    }
    let listed = key.get("/v1/events/possible-duplicates").await.json();
    assert_eq!((&listed["events"], &listed["cost"]), (&json!(1), &json!("0.003500000000")), "{listed}");
    assert_eq!(
        (&listed["possible_duplicates"][0]["event"]["id"], &listed["possible_duplicates"][0]["first"]["id"]),
        (&json!("sdk"), &json!("gateway"))
    );
    assert_eq!(key.get("/v1/events/possible-duplicates?model=gpt-4o").await.status, StatusCode::BAD_REQUEST);
}
