//! Copies of a streamed usage, and running totals: counted once, told on the event.

use super::{assert_verified, event, post};
use crate::support::TestApp;
use serde_json::{Value, json};

const NATIVE: &str = "/v1/events";

fn streamed(id: &str, output: u32) -> Value {
    json!({"id": id, "provider": "anthropic", "model": "claude-sonnet-4-5", "timestamp": "2026-11-20T09:41:07Z",
        "provider_response_id": "msg_01", "usage": {"input_tokens": 1_000, "output_tokens": output}})
}

#[tokio::test]
async fn the_largest_copy_counts_and_its_receipt_says_so() {
    let app = TestApp::start().await;
    let tenant = app.organization("acme", "UTC").await;
    let mut said = vec![];
    for output in [1, 400, 90] {
        let answer = post(&app, &tenant, NATIVE, "application/json", json!([streamed("a", output)]).to_string()).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        let answer = answer.json();
        said.push((answer["results"][0]["status"].clone(), answer["results"][0]["cost"].clone()));
    }
    let expected = [("accepted", "0.003015000000"), ("updated", "0.009000000000"), ("duplicate", "0.009000000000")];
    assert_eq!(said, expected.map(|(status, cost)| (json!(status), json!(cost))));
    let event = event(&app, &tenant, "a").await;
    assert_eq!(event["smaller_copies"], json!({"copies": 1, "tokens": 1_001, "cost": "0.003015000000"}));
    assert_eq!((&event["usage"]["output_tokens"], &event["possible_duplicates"]), (&json!(400), &json!([])));
    let rejected = app.api(&tenant.key).get("/v1/events/rejected").await.json();
    assert_eq!(rejected["rejected"], json!([]));
    assert_verified(&app, &tenant).await;
}

#[tokio::test]
async fn of_running_totals_only_the_growth_counts() {
    let app = TestApp::start().await;
    let tenant = app.organization("acme", "UTC").await;
    let report = |id: &str, minute: u32, output: u32| {
        let mut event = streamed(id, output);
        event.as_object_mut().unwrap().remove("provider_response_id");
        (event["aggregate"], event["series"]) = (json!("cumulative"), json!("session-7"));
        event["timestamp"] = json!(format!("2026-11-20T09:{minute}:00Z"));
        event
    };
    let reports = json!([report("a", 10, 100), report("b", 11, 300), report("c", 12, 300)]);
    let answer = post(&app, &tenant, NATIVE, "application/json", reports.to_string()).await.json();
    let costs: Vec<&Value> = answer["results"].as_array().unwrap().iter().map(|result| &result["cost"]).collect();
    assert_eq!(costs, ["0.004500000000", "0.003000000000", "0.000000000000"], "{answer}");
    let event = event(&app, &tenant, "b").await;
    assert_eq!(event["attributes"]["Running totals of"], "session-7", "{event}");
    assert_eq!((&event["adds_up"], &event["usage"]["output_tokens"]), (&json!(true), &json!(300)), "as it was sent");
    assert_verified(&app, &tenant).await;
}
