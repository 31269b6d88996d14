//! The rejected list through the real router: counted, and dismissed by API and on its page without JavaScript.

use crate::support::{Answer, Client, Tenant, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const API: &str = "/v1/events/rejected";
const PAGE: &str = "/o/acme/events/rejected";

/// Sends events that are rejected for their status.
async fn send(app: &TestApp, tenant: &Tenant, models: &[&str]) {
    let bad =
        |model: &&str| json!({"provider": "openai", "model": model, "usage": {"prompt_tokens": 1}, "status": "lost"});
    let events: Vec<Value> = models.iter().map(bad).collect();
    let answer = app.api(&tenant.key).post_json("/v1/events", &json!(events)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
}

async fn delete(client: &Client, path: &str) -> Answer {
    client.send(Method::DELETE, path, &[], Body::empty()).await
}

async fn listed(client: &Client) -> Vec<(String, u64)> {
    let rows = client.get(API).await.json()["rejected"].as_array().unwrap().clone();
    let entry = |row: &Value| (row["model"].as_str().unwrap().to_owned(), row["times"].as_u64().unwrap());
    let mut entries: Vec<_> = rows.iter().map(entry).collect();
    entries.sort();
    entries
}

fn owned(entries: &[(&str, u64)]) -> Vec<(String, u64)> {
    entries.iter().map(|(model, times)| ((*model).to_owned(), *times)).collect()
}

#[tokio::test]
async fn a_program_sees_counts_and_dismisses() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let client = app.api(&acme.key);
    send(&app, &acme, &["x", "x", "y", "z"]).await;
    app.clock.advance(chrono::Duration::hours(1));
    send(&app, &acme, &["x"]).await;
    assert_eq!(listed(&client).await, owned(&[("x", 3), ("y", 1), ("z", 1)]));
    let newest = client.get(&format!("{API}?limit=1")).await.json()["rejected"][0].clone();
    assert_eq!((&newest["model"], &newest["first_received_at"]), (&json!("x"), &json!("2026-11-20T09:41:07Z")));
    assert_eq!(newest["received_at"], "2026-11-20T10:41:07Z");

    let other = |reason: &str| format!("{API}?code=unknown&pointer={reason}");
    assert_eq!(delete(&client, &other("/model")).await.json(), json!({"dismissed": 0}), "nothing is wrong there");
    for wrong in [
        "until=yesterday",
        "model=x",
        "pointer=/status",
        "until=2026-11-20T10:00:00Z&until=2026-11-20T10:00:00Z",
        "code=%00",
        "code=x&pointer=%00",
    ] {
        assert_eq!(delete(&client, &format!("{API}?{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let until = delete(&client, &format!("{API}?until=2026-11-20T10:00:00Z")).await;
    assert_eq!((until.status, until.json()), (StatusCode::OK, json!({"dismissed": 2})));
    assert_eq!(listed(&client).await, owned(&[("x", 3)]));
    assert_eq!(delete(&client, &other("/status&until=2026-11-20T10:00:00Z")).await.json(), json!({"dismissed": 0}));
    let entry = format!("{API}/{}", newest["rejected_id"].as_str().unwrap());
    assert_eq!(delete(&client, &entry).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&client, &entry).await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&client, &format!("{API}/x")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(listed(&client).await, owned(&[]));
}

#[tokio::test]
async fn a_person_dismisses_one_and_then_all() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let client = app.api(&acme.key);
    send(&app, &acme, &["x", "x", "y", "z"]).await;
    let browser = app.anonymous();
    let fields = [("email", &*acme.email), ("password", testkit::seed::PASSWORD)];
    browser.post_form("/fn/identity/sign-in", &fields).await;
    let page = browser.get(PAGE).await.body;
    for part in ["Last seen", "Times", "Dismiss all", "/fn/events/dismiss-rejected"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let rows = client.get(API).await.json();
    let of_x = rows["rejected"].as_array().unwrap().iter().find(|row| row["model"] == "x").unwrap();
    let fields = [("org", "acme"), ("entry", of_x["rejected_id"].as_str().unwrap())];
    let answer = browser.post_form_from(PAGE, "/fn/events/dismiss-rejected", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(listed(&client).await, owned(&[("y", 1), ("z", 1)]));

    let fields = [("org", "acme"), ("until", "2026-11-20T09:41:07Z"), ("code", "unknown"), ("pointer", "/elsewhere")];
    browser.post_form_from(PAGE, "/fn/events/dismiss-all-rejected", &fields).await;
    assert_eq!(listed(&client).await, owned(&[("y", 1), ("z", 1)]), "another reason");
    let fields = [fields[0], fields[1], fields[2], ("pointer", "/status")];
    browser.post_form_from(PAGE, "/fn/events/dismiss-all-rejected", &fields).await;
    assert_eq!(listed(&client).await, owned(&[]));
    let audit = browser.get("/o/acme/settings/audit").await.body;
    assert!(audit.contains("Dismissed 2 entries of the rejected list: unknown at /status."), "{audit}");
    send(&app, &acme, &["y", "z"]).await;

    // The page's own instant: what comes after it stays.
    let page = browser.get(PAGE).await.body;
    let until = page.split("name=\"until\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    app.clock.advance(chrono::Duration::seconds(1));
    send(&app, &acme, &["late"]).await;
    let fields = [("org", "acme"), ("until", until.as_str())];
    let answer = browser.post_form_from(PAGE, "/fn/events/dismiss-all-rejected", &fields).await;
    assert!(answer.header("location").is_some_and(|to| to.ends_with(PAGE)), "{:?}", answer.headers);
    assert_eq!(listed(&client).await, owned(&[("late", 1)]));
    let log = browser.get("/o/acme/settings/audit").await.body;
    assert!(log.contains("Dismissed 2 entries of the rejected list."), "{log}");
}
