//! Usage that no rule reads, and cost without usage: neither is silent.

use super::{assert_verified, event, post};
use crate::support::{Tenant, TestApp};
use backend::Clock;
use serde_json::{Value, json};

const PATH: &str = "/v1/events";

async fn recorded(app: &TestApp, tenant: &Tenant, events: Value) {
    let answer = post(app, tenant, PATH, "application/json", events.to_string()).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

#[tokio::test]
async fn a_number_that_no_rule_reads_is_told_everywhere() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let call = |id: &str, usage: Value| json!({"id": id, "provider": "openai", "model": "gpt-4o", "usage": usage});
    let read = json!({"prompt_tokens": 10, "completion_tokens": 2});
    let mut more = read.clone();
    more["tool_usage"] = json!({"maps": {"num_requests": 3}});
    let mut most = more.clone();
    most["new_units"] = json!(7);
    recorded(&app, &acme, json!([call("read", read), call("more", more), call("most", most)])).await;
    assert_eq!(event(&app, &acme, "read").await["unread_usage"], json!({}));
    assert_eq!(
        event(&app, &acme, "most").await["unread_usage"],
        json!({"new_units": "7", "tool_usage.maps.num_requests": "3"})
    );
    let client = app.api(&acme.key);
    let day = app.clock.now().date_naive();
    let span = format!("from={day}&to={}", day.succ_opt().unwrap());
    let spend = client.get(&format!("/v1/spend?{span}&group_by=provider,unread_usage&measure=requests")).await.json();
    let mut rows: Vec<(Option<&str>, u64)> = spend["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["unread_usage"].as_str(), row["requests"].as_u64().unwrap()))
        .collect();
    rows.sort_unstable();
    let (one, both) = ("tool_usage.maps.num_requests", "new_units,tool_usage.maps.num_requests");
    assert_eq!(rows, [(None, 1), (Some(both), 1), (Some(one), 1)]);
    let listed = client.get(&format!("/v1/events?unread_usage={both}")).await.json();
    assert_eq!(listed["events"].as_array().map(Vec::len), Some(1), "{listed}");
    let unread = backend::events::unread_usage(&app.backend, &acme.scope).await.unwrap();
    let found: Vec<_> =
        unread.iter().map(|unread| (unread.provider.as_str(), unread.field.as_str(), unread.events)).collect();
    assert_eq!(found, [("openai", one, 2), ("openai", "new_units", 1)]);
    assert_verified(&app, &acme).await;
}

#[tokio::test]
async fn a_cost_without_usage_is_an_event_whose_usage_is_unknown() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let call = |id: &str, amount: &str| json!({"id": id, "provider": "openai", "model": "gpt-4o", "reported_cost": {"amount": amount, "currency": "USD"}});
    recorded(&app, &acme, json!([call("known", "0.42"), call("free", "0")])).await;
    let known = event(&app, &acme, "known").await;
    assert_eq!((&known["cost"], &known["reported_cost"]), (&Value::Null, &json!("0.420000000000")));
    assert_eq!(known["upper_bound"], "0.420000000000", "budgets count it");
    assert_eq!(known["unpriced_reason"], "Only its cost was sent: what was used is unknown.");
    let free = event(&app, &acme, "free").await;
    assert_eq!((&free["cost"], &free["reported_cost"]), (&json!("0.000000000000"), &json!("0.000000000000")));
    let neither = json!([{"provider": "openai", "model": "gpt-4o"}]).to_string();
    let refused = post(&app, &acme, PATH, "application/json", neither).await;
    assert_eq!(refused.json()["results"][0]["error"]["pointer"], "/usage");
    assert_verified(&app, &acme).await;
}

#[tokio::test]
async fn a_failed_attempt_that_used_nothing_costs_nothing_whoever_was_asked() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let failed = json!([{"id": "f", "provider": "nobody", "model": "none", "status": "error", "usage_format": "meters", "usage": {}}]);
    recorded(&app, &acme, failed).await;
    assert_eq!(event(&app, &acme, "f").await["cost"], "0.000000000000");
}

#[tokio::test]
async fn writes_to_the_cache_are_for_an_hour_where_only_that_comes_to_the_reported_cost() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let call = |id: &str, amount: &str| {
        json!({"id": id, "provider": "anthropic", "model": "claude-sonnet-4-5",
            "usage": {"input_tokens": 100, "output_tokens": 10, "cache_creation_input_tokens": 1_000},
            "reported_cost": {"amount": amount, "currency": "USD"}})
    };
    // 100 x 3 + 10 x 15 + 1,000 x 6 (an hour) or x 3.75 (five minutes), per million.
    recorded(&app, &acme, json!([call("hour", "0.00645"), call("five", "0.0042"), call("other", "0.006")])).await;
    let hour = event(&app, &acme, "hour").await;
    assert_eq!((&hour["cost"], &hour["meters"]["Cache write, 1 h"]), (&json!("0.006450000000"), &json!("1000")));
    assert_eq!((&hour["adds_up"], hour["attributes"].get("Cache writes").is_some()), (&json!(true), true));
    for (id, cost) in [("five", "0.004200000000"), ("other", "0.004200000000")] {
        assert_eq!(event(&app, &acme, id).await["cost"], cost, "{id}");
    }
    assert_verified(&app, &acme).await;
}
