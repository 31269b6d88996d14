//! How keys are billed through the real router: the key's page, the API, and what pages and files say beside spend.

use crate::support::{TestApp, assert_says};
use axum::http::StatusCode;
use serde_json::json;

const NOVEMBER: &str = "from=2026-11-01&to=2026-12-01";

#[tokio::test]
async fn a_key_is_included_in_a_plan_and_every_page_says_what_it_shows() {
    let app = TestApp::priced().await;
    let acme = app.organization("Acme", "UTC").await;
    let (browser, api) = (app.signed_in(&acme.email).await, app.api(&acme.key));
    let key = acme.scope.key_id().unwrap().to_string();
    let page = format!("/o/acme/settings/keys/{key}");
    assert_says(&browser.page(&page).await, &["Nothing was chosen: usage is metered.", "Choose the billing basis"]);
    assert!(!browser.page("/o/acme").await.contains("Billed spend"));
    assert_eq!(browser.get("/o/acme/settings/keys/nothing").await.status, StatusCode::NOT_FOUND);

    let form = |reason| {
        [("org", "acme"), ("key", key.as_str()), ("basis", "included"), ("valid_from", ""), ("reason", reason)]
    };
    let wrong = browser.post_form_from(&page, "/fn/keys/choose-billing", &form("")).await;
    assert_eq!((wrong.status, wrong.header("location")), (StatusCode::SEE_OTHER, Some(page.as_str())));
    assert_says(&browser.page(&page).await, &["href=\"#reason\""]);
    let chosen = browser.post_form_from(&page, "/fn/keys/choose-billing", &form("Team plan")).await;
    assert_eq!(chosen.header("location"), Some(format!("{page}?notice=chosen").as_str()));
    assert_says(&browser.page(&page).await, &["Included in a plan", "Team plan", "always"]);
    assert_says(&browser.page("/o/acme/settings/keys").await, &["Included in a plan", &page]);

    let event = json!({"id": "one", "timestamp": "2026-11-17T10:00:00Z", "provider": "openai", "model": "gpt-4o",
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100}});
    let sent = api.post_json("/v1/events", &json!([event])).await.json();
    assert_eq!(sent["results"][0]["cost"], "0.000000000000", "{sent}");
    let measures = "measure=spend,included_value&group_by=api_key";
    let answer = api.get(&format!("/v1/spend?{NOVEMBER}&{measures}")).await.json();
    let row = &answer["rows"][0];
    assert_eq!(
        (&row["api_key"], &row["spend"], &row["included_value"]),
        (&json!(key), &json!("0.000000000000"), &json!("0.003500000000"))
    );
    assert_eq!(answer["total"]["included_value"], "0.003500000000");
    let by_customer = api.get(&format!("/v1/spend?{NOVEMBER}&measure=included_value&group_by=customer")).await;
    assert_eq!(by_customer.status, StatusCode::UNPROCESSABLE_ENTITY, "labels have no meters");

    let beside = "list value</a> is included in plans and not billed.";
    assert_says(&browser.page("/o/acme").await, &["Billed spend. ", beside, "measure=included_value"]);
    let statement = "/o/acme/statements/2026-11/project/main";
    assert_says(&browser.page(statement).await, &["Billed spend. ", beside, "Included in a plan"]);
    let explore = "/o/acme/explore?measure=included_value&group_by=api_key";
    assert_says(&browser.page(explore).await, &["List value of included usage"]);
    let file = browser.get(&format!("/o/acme/explore.csv?{NOVEMBER}&measure=included_value&group_by=api_key")).await;
    assert_says(&file.body, &["included_value", "0.003500000000"]);
    let event = browser.page("/o/acme/events?period=90d").await;
    let href = event.split("/o/acme/events/0").nth(1).unwrap().split('"').next().unwrap();
    let receipt = browser.page(&format!("/o/acme/events/0{href}")).await;
    assert_says(&receipt, &["Included in a plan", "the key's billing basis"]);
}

#[tokio::test]
async fn the_api_chooses_and_lists_and_takes_back() {
    let app = TestApp::priced().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let key = acme.scope.key_id().unwrap();
    let choice = json!({"key_id": key, "basis": "included", "valid_from": "2026-11-01", "reason": "Team plan"});
    let made = api.post_json("/v1/billing-basis", &choice).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let listed = api.get("/v1/billing-basis").await.json();
    let row = &listed["choices"][0];
    assert_eq!(
        (&row["key_id"], &row["basis"], &row["valid_from"]),
        (&json!(key), &json!("included"), &json!("2026-11-01T00:00:00Z"))
    );
    let unknown = json!({"key_id": uuid::Uuid::nil(), "basis": "included", "reason": "Team plan"});
    let refused = api.post_json("/v1/billing-basis", &unknown).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("key_id")));
    let undo = format!("/v1/rule-changes/{}/undo", made.json()["change_id"].as_str().unwrap());
    assert_eq!(api.post_json(&undo, &json!({})).await.status, StatusCode::OK);
    assert!(!api.get("/v1/billing-basis").await.json()["choices"][0]["superseded_at"].is_null());
}
