//! Journals through the real router: recorded by POST, fetched by GET, and on their page.

use crate::support::{Client, TestApp, acme_with, call};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const PAGE: &str = "/o/acme/statements/2026-11/journal";
const JOURNAL: &str = "/v1/statements/2026-11/journal";

/// Acme spent $350.00 on November 17; its owner is signed in.
async fn start() -> (TestApp, Client, Client) {
    acme_with(vec![call(json!({"usage": {"prompt_tokens": 100_000_000, "completion_tokens": 10_000_000}}))]).await
}

async fn export(api: &Client, query: &str) -> (StatusCode, Value) {
    let answer = api.send(Method::POST, &format!("{JOURNAL}?{query}"), &[], axum::body::Body::empty()).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_second_file_is_known_by_its_references() {
    let (_app, _browser, api) = start().await;
    let file = format!("{JOURNAL}?kind=accrual&preset=net_suite");
    assert_eq!(api.get(&file).await.status, StatusCode::NOT_FOUND, "what is not on record has no file");
    let (status, first) = export(&api, "kind=accrual&preset=net_suite").await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    assert_eq!((&first["journal_id"], &first["total"]), (&json!("2026-11-A1"), &json!("350.000000000000")));
    assert_eq!(first["reversal_date"], "2026-12-01");
    let (status, second) = export(&api, "kind=accrual&preset=xero").await;
    assert_eq!((status, &second), (StatusCode::OK, &first), "recorded once, with who was first");

    let got = api.get(&file).await;
    assert_eq!(got.header("content-type"), Some("text/csv; charset=utf-8"));
    let name = "attachment; filename=\"acme-2026-11-accrual-v1-net_suite.csv\"";
    assert_eq!(got.header("content-disposition"), Some(name));
    assert_eq!(domain::statement::sha256(&got.body), first["sha256"].as_str().unwrap());
    assert_eq!(api.get(&file).await.body, got.body);
    let xero = api.get(&format!("{JOURNAL}?kind=accrual&preset=xero")).await.body;
    for text in [&got.body, &xero] {
        assert!(text.contains("acme-2026-11-accrual-v1") && text.contains("2026-11-A1"), "{text}");
    }
    for (query, status) in [
        ("kind=accrual&preset=sap", StatusCode::BAD_REQUEST),
        ("kind=bill", StatusCode::BAD_REQUEST),
        ("kind=accrual&part=2", StatusCode::BAD_REQUEST),
        ("kind=accrual&part=0", StatusCode::BAD_REQUEST),
        ("kind=chargeback", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(api.get(&format!("{JOURNAL}?{query}")).await.status, status, "{query}");
    }
    assert_eq!(export(&api, "kind=chargeback").await.0, StatusCode::CONFLICT, "the month is not closed");
    assert_eq!(api.get("/v1/statements/2026-13/journal?kind=accrual").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn settings_are_read_and_changed() {
    let (_app, _browser, api) = start().await;
    let before = api.get("/v1/journal-settings").await.json();
    assert_eq!(before["accrual_account"], "Accrued liabilities");
    let put = async |body: Value| {
        let json = [("content-type", "application/json")];
        api.send(Method::PUT, "/v1/journal-settings", &json, axum::body::Body::from(body.to_string())).await
    };
    let wrong = put(json!({"expense_account": "", "dates": "many"})).await;
    let pointers: Vec<Value> =
        wrong.json()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!((wrong.status, pointers), (StatusCode::BAD_REQUEST, vec![json!("/expense_account"), json!("/dates")]));
    let changed = put(json!({"expense_account": "6510"})).await;
    assert_eq!((changed.status, &changed.json()["expense_account"]), (StatusCode::OK, &json!("6510")));
    assert_eq!(api.get("/v1/journal-settings").await.json(), changed.json());
}

#[tokio::test]
async fn the_page_exports_and_says_who_did() {
    let (_app, browser, _api) = start().await;
    let before = browser.page(PAGE).await;
    assert!(before.contains("Export 2026-11-A1") && before.contains("A month is charged back once it is closed."));
    let form = [("org", "acme"), ("month", "2026-11"), ("kind", "accrual"), ("preset", "generic")];
    let sent = browser.post_form("/fn/journal/export", &form).await;
    assert_eq!(sent.header("location"), Some(&*format!("{PAGE}?notice=exported")), "{}", sent.body);
    let after = browser.page(PAGE).await;
    assert!(after.contains("by owner@") && after.contains("for Generic CSV"), "{after}");
    assert!(!after.contains("Export 2026-11-A1"), "once per version");
    let again = browser.post_form("/fn/journal/export", &form).await;
    assert_eq!(again.header("location"), Some(&*format!("{PAGE}?notice=repeated")));
    let file = browser.get(&format!("{PAGE}.csv?kind=accrual&preset=quick_books&part=1")).await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.body.starts_with("Journal No,Journal Date,Memo,Account,Debits,Credits,"), "{}", file.body);

    let settings = [("org", "acme"), ("month", "2026-11"), ("settings[expense_account]", "")];
    let refused = browser.post_form_from(PAGE, "/fn/journal/set", &settings).await;
    assert_eq!(refused.header("location"), Some(PAGE));
    assert!(browser.page(PAGE).await.contains("Enter an expense account."));
    let settings = [("org", "acme"), ("month", "2026-11"), ("settings[expense_account]", "6510")];
    browser.post_form("/fn/journal/set", &settings).await;
    assert!(browser.page(PAGE).await.contains("6510"));
}

#[tokio::test]
async fn statements_by_mail_are_set_on_their_page_and_by_api() {
    let (_app, browser, api) = start().await;
    let owner = "owner@acme.example";
    let fields = [("org", "acme"), ("schedule", "over"), ("recipients", "nobody@acme.example")];
    let refused = browser.post_form_from("/o/acme/statements/mails", "/fn/statements/set-mails", &fields).await;
    assert_eq!(refused.header("location"), Some("/o/acme/statements/mails"));
    let told = browser.get("/o/acme/statements/mails").await.body;
    assert!(told.contains("nobody@acme.example is no member."), "{told}");
    let fields = [("org", "acme"), ("schedule", "over"), ("recipients", &*format!("{owner} main"))];
    let sent = browser.post_form("/fn/statements/set-mails", &fields).await;
    assert_eq!(sent.header("location"), Some("/o/acme/statements/mails?notice=saved"));
    let mails = api.get("/v1/statement-mails").await.json();
    assert_eq!(mails, json!({"schedule": "over", "recipients": [format!("{owner} main")]}));
    let put = async |body: Value| {
        let json = [("content-type", "application/json")];
        api.send(Method::PUT, "/v1/statement-mails", &json, axum::body::Body::from(body.to_string())).await
    };
    let wrong = put(json!({"schedule": "daily", "recipients": ["x"]})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/schedule");
    let off = put(json!({"schedule": "off", "recipients": []})).await;
    assert_eq!((off.status, off.json()), (StatusCode::OK, json!({"schedule": "off", "recipients": []})));
}
