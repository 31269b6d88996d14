//! Business metrics through the real router: sent, listed, asked for their unit costs, and shown.

use crate::support::{Client, FORM_WITH_FILE, TestApp, acme_with, assert_says, call, form_with_file};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// Acme spent $0.0035 on November 17; its owner is signed in.
async fn start() -> (TestApp, Client, Client) {
    acme_with(vec![call(json!({}))]).await
}

fn tickets(period: &str, value: &str) -> Value {
    json!({"name": "tickets", "unit": "tickets", "period": period, "value": value, "labels": {"project": "main"}})
}

#[tokio::test]
async fn values_are_sent_and_what_a_unit_cost_is_asked() {
    let (_app, browser, api) = start().await;
    assert_says(&browser.page("/o/acme/business-metrics").await, &["No business metrics yet"]);
    let send = async |values: Value| api.post_json("/v1/business-metrics", &json!({ "values": values })).await;
    let revenue = json!({"name": "revenue", "unit": "USD", "period": "2026-11", "value": "1.0035"});
    let sent = send(json!([tickets("2026-11-17", "7"), tickets("2026-11-19", "2"), revenue])).await;
    assert_eq!(sent.json(), json!({"recorded": 3, "superseded": 0, "duplicates": 0}), "{}", sent.body);
    let again = send(json!([tickets("2026-11-17", "7"), tickets("2026-11-19", "3")])).await;
    assert_eq!(again.json(), json!({"recorded": 0, "superseded": 1, "duplicates": 1}));
    let wrong = send(json!([tickets("2026-11-17", "7"), tickets("November", "x")])).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let wrong = wrong.json();
    assert_eq!(
        (&wrong["errors"][0]["pointer"], &wrong["errors"][1]["pointer"]),
        (&json!("/values/1/period"), &json!("/values/1/value"))
    );
    let mut other = tickets("2026-11-17", "7");
    other["unit"] = json!("chats");
    assert_eq!(send(json!([other])).await.json()["errors"][0]["pointer"], "/values/0/unit");

    let listed = api.get("/v1/business-metrics").await.json();
    assert_eq!(listed["metrics"][1]["name"], "tickets");
    assert_eq!((&listed["metrics"][1]["values"], &listed["metrics"][1]["labels"]), (&json!(2), &json!(["project"])));
    let days = "from=2026-11-16&to=2026-11-20&bucket=day";
    let asked = api.get(&format!("/v1/business-metrics/tickets?{days}&project=main")).await.json();
    let steps = asked["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 2, "days without values are left out: {asked}");
    assert_eq!(
        (&steps[0]["cost_per_unit"], &steps[1]["cost_per_unit"]),
        (&json!("0.000500000000"), &json!("0.000000000000"))
    );
    assert_eq!((&asked["total"]["value"], &asked["total"]["spend"]), (&json!("10"), &json!("0.003500000000")));
    assert_eq!(asked["values"].as_array().unwrap().len(), 3, "with what was superseded");
    let month = api.get("/v1/business-metrics/revenue?from=2026-11-01&to=2026-12-01").await.json();
    assert_eq!((&month["total"]["margin"], &month["total"]["cost_per_unit"]), (&json!("1.000000000000"), &Value::Null));
    assert_eq!(api.get("/v1/business-metrics/tickets?from=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(api.get(&format!("/v1/business-metrics/none?{days}")).await.status, StatusCode::NOT_FOUND);

    let month = "from=2026-11-01&to=2026-12-01";
    assert_says(
        &browser.page(&format!("/o/acme/business-metrics?{month}")).await,
        &["tickets", "revenue", "$0.00035", "$1.00 (99.7 %)"],
    );
    let shown = browser.page(&format!("/o/acme/business-metrics/tickets?{month}&project=main")).await;
    assert_says(
        &shown,
        &["Cost per unit (tickets), November", "2 of 30 days have values", "no values", "superseded", "value=\"main\""],
    );
    let none = browser.page(&format!("/o/acme/business-metrics/tickets?{month}&project=side")).await;
    assert_says(&none, &["No values in these days"]);
    assert_eq!(browser.get("/o/acme/business-metrics/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_of_values_is_looked_at_first() {
    let (_app, browser, _) = start().await;
    let list = "/o/acme/business-metrics";
    let upload = async |text: &str| {
        let headers = [
            ("content-type", FORM_WITH_FILE),
            ("accept", "text/html"),
            ("sec-fetch-site", "same-origin"),
            ("referer", "http://tallystick.test/o/acme/business-metrics"),
        ];
        let path = format!("{list}/imports");
        browser.send(Method::POST, &path, &headers, Body::from(form_with_file(&[], text))).await
    };
    let head = "name,unit,period,value,labels\ntickets,tickets,2026-11-17,7,project=main\n";
    let wrong = upload(&format!("{head}tickets,tickets,x,7,\n")).await;
    assert_says(
        &browser.page(wrong.header("location").unwrap()).await,
        &["1 of 2 rows cannot be entered", "period: Use a day"],
    );
    let right = upload(head).await;
    let path = right.header("location").unwrap().to_owned();
    assert_says(&browser.page(&path).await, &["Enter 1 value", "project=main"]);
    let import = path.rsplit('/').next().unwrap();
    let fields = [("org", "acme"), ("import", import)];
    let answer = browser.post_form_from(&path, "/fn/business-metrics/enter-import", &fields).await;
    assert_eq!(answer.header("location"), Some("/o/acme/business-metrics?notice=imported"), "{}", answer.body);
    assert_says(&browser.page(&path).await, &["Entered on"]);
}
