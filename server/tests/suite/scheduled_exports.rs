//! Scheduled exports through the real router: entered by API or form, sent by the worker, the bytes of a download.

use crate::support::{Answer, Client, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::exports::schedules;
use domain::event::EventInput;
use serde_json::{Value, json};
use testkit::ObjectStorage;

fn destination(storage: &ObjectStorage) -> Value {
    json!({
        "destination": {"kind": "s3", "endpoint": storage.endpoint(), "bucket": ObjectStorage::BUCKET, "account": ObjectStorage::KEY_ID},
        "secret": ObjectStorage::SECRET,
    })
}

async fn send(api: &Client, method: Method, path: &str, body: Value) -> Answer {
    api.send(method, path, &[("content-type", "application/json")], Body::from(body.to_string())).await
}

async fn download(api: &Client, path: &str) -> Vec<u8> {
    let answer = api.begin(Method::GET, path, &[], Body::empty()).await;
    axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()
}

#[tokio::test]
async fn a_scheduled_file_has_the_bytes_of_a_download() {
    let (app, storage) = (TestApp::start().await, ObjectStorage::start().await);
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let today = acme.scope.zone().day_of(app.backend.clock.now());
    let (from, to) = (today.pred_opt().unwrap(), today);
    let at = acme.scope.zone().start_of(from) + chrono::Duration::hours(9);
    let event = EventInput {
        timestamp: Some(at.fixed_offset()),
        provider: "openai".to_owned(),
        model: "gpt-4o-2024-08-06".to_owned(),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100}),
        customer: Some("initech".to_owned()),
        ..EventInput::default()
    };
    backend::events::ingest_inputs(&app.backend, &acme.scope, vec![event]).await.unwrap();
    let api = app.api(&acme.key);
    let put = async |path: &str, body: Value| send(&api, Method::PUT, path, body).await.status;
    assert_eq!(put("/v1/export-destinations/lake", destination(&storage)).await, StatusCode::CREATED);
    assert_eq!(put("/v1/export-destinations/lake", destination(&storage)).await, StatusCode::NO_CONTENT);
    let listed = api.get("/v1/export-destinations").await;
    assert!(!listed.body.contains(ObjectStorage::SECRET), "{}", listed.body);
    assert_eq!(listed.json()["destinations"][0]["bucket"], ObjectStorage::BUCKET);
    let tested = send(&api, Method::POST, "/v1/export-destinations/lake/test", json!({})).await;
    assert_eq!(tested.json(), json!({"error": null}));
    for format in ["csv", "parquet"] {
        let path = format!("/v1/export-schedules/{format}");
        let form = json!({"destination": "lake", "cadence": "daily", "hour": 6, "version": "1.3", "format": format, "bucket": "hour", "tags": "customer"});
        assert_eq!(put(&path, form).await, StatusCode::CREATED);
        let run = send(&api, Method::POST, &format!("{path}/run"), json!({})).await;
        assert_eq!(run.status, StatusCode::ACCEPTED, "{}", run.body);
        schedules::run_due(&app.backend).await.unwrap();
        let file = format!("{format}/focus-1.3-{from}-{to}.{format}");
        let query = format!("version=1.3&from={from}&to={to}&bucket=hour&tags=customer&format={format}");
        let bytes = download(&api, &format!("/v1/export/focus?{query}")).await;
        assert_eq!(storage.object(&file).unwrap(), bytes);
        let runs = api.get(&format!("{path}/runs")).await.json();
        let run = &runs["runs"][0];
        assert_eq!((&run["state"], &run["file"]["object"]), (&json!("done"), &json!(file)), "{runs}");
        assert_eq!(run["file"]["bytes"], bytes.len());
        let manifest: Value =
            serde_json::from_slice(&storage.object(&format!("{file}.manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest["sha256"], run["file"]["sha256"]);
        let told = api.get(&format!("/v1/export/focus/manifest?{query}")).await.json();
        assert_eq!(manifest["billed_cost"], told["billed_cost"]);
    }
}

#[tokio::test]
async fn a_wrong_field_is_named_in_the_body_and_in_the_form() {
    let (app, storage) = (TestApp::start().await, ObjectStorage::start().await);
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let mut wrong = destination(&storage);
    wrong["destination"]["endpoint"] = json!("https://storage.example.com/path");
    let refused = send(&api, Method::PUT, "/v1/export-destinations/lake", wrong).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/destination/endpoint", "{}", refused.body);
    let refused = send(&api, Method::PUT, "/v1/export-schedules/x", json!({"destination": "lake", "hour": 24})).await;
    let named: Vec<_> =
        refused.json()["errors"].as_array().unwrap().iter().map(|wrong| wrong["pointer"].clone()).collect();
    assert_eq!(named, ["/cadence", "/hour"]);
}
