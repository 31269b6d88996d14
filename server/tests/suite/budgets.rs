//! `/v1/budgets` and `/v1/alerts`, and the way from an event to the e-mail.

use crate::support::{Answer, Client, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::delivery::Mailer;
use secrecy::SecretString;
use serde_json::{Value, json};
use server::jobs::Jobs;
use testkit::SmtpSink;

async fn patch(client: &Client, path: &str, body: Value) -> Answer {
    let headers = [("content-type", "application/json")];
    client.send(Method::PATCH, path, &headers, Body::from(body.to_string())).await
}

async fn delete(client: &Client, path: &str) -> Answer {
    client.send(Method::DELETE, path, &[], Body::empty()).await
}

fn new_budget() -> Value {
    json!({"name": "Production", "scope": "project:main", "amount": "100", "recipients": ["Owner@acme.example"]})
}

fn pointers(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_budget_is_made_read_changed_and_archived() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let api = app.api(&acme.key);
    let mut wanted = new_budget();
    wanted["recipients"] = json!(["Owner@acme.example", "Ada@example.com"]);
    let created = api.post_json("/v1/budgets", &wanted).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    let path = created.header("location").unwrap().to_owned();
    let budget = created.json();
    assert_eq!(budget["scope"], "project:main");
    assert_eq!(budget["amount"], "100.000000000000");
    assert_eq!(budget["thresholds"], json!([50, 80, 100]), "the usual ones");
    assert_eq!(budget["recipients"], json!(["owner@acme.example", "ada@example.com"]));
    assert_eq!(budget["unconfirmed_recipients"], json!(["ada@example.com"]));
    assert_eq!(budget["month"]["month"], "2026-11");
    assert_eq!(budget["month"]["used"], "0.000000000000");
    assert_eq!(budget["month"]["status"], "within");
    assert_eq!(budget["month"]["unpriced_events"], 0);

    assert_eq!(api.get(&path).await.json(), budget);
    assert_eq!(api.get("/v1/budgets").await.json()["budgets"], json!([budget]));

    let changed = patch(&api, &path, json!({"amount": "250.5", "thresholds": [100, 10, 10]})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(changed.json()["amount"], "250.500000000000");
    assert_eq!(changed.json()["month"]["amount"], "250.500000000000");
    assert_eq!(changed.json()["thresholds"], json!([10, 100]));
    assert_eq!(changed.json()["name"], "Production", "what is not named stays");

    let sent = api.post_json(&format!("{path}/test"), &json!({})).await;
    assert_eq!((sent.status, sent.json()), (StatusCode::ACCEPTED, json!({"mails": 1})));

    assert_eq!(delete(&api, &path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&api, &path).await.status, StatusCode::CONFLICT);
    assert_eq!(api.get("/v1/budgets").await.json()["budgets"], json!([]));
    let archived = api.get(&path).await.json();
    assert!(archived["archived_at"].is_string() && archived["month"].is_null(), "{archived}");
}

#[tokio::test]
async fn wrong_input_is_named_field_by_field() {
    let app = TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let wrong = json!({"name": " ", "scope": "planet", "amount": "-1", "thresholds": [0], "recipients": ["ada"]});
    let refused = api.post_json("/v1/budgets", &wrong).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(pointers(&refused), ["/name", "/scope", "/amount", "/thresholds", "/recipients"]);

    let mut elsewhere = new_budget();
    elsewhere["scope"] = json!("team:nowhere");
    let refused = api.post_json("/v1/budgets", &elsewhere).await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["code"].clone()),
        (StatusCode::BAD_REQUEST, json!("unknown"))
    );

    let mut unknown = new_budget();
    unknown["surprise"] = json!(1);
    assert_eq!(api.post_json("/v1/budgets", &unknown).await.status, StatusCode::BAD_REQUEST);
    let form = api.send(Method::POST, "/v1/budgets", &[("content-type", "text/plain")], Body::from("{}")).await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let headers = [("content-type", "application/json")];
    let large = api.send(Method::POST, "/v1/budgets", &headers, Body::from(" ".repeat(70_000))).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    for query in ["state=open1", "before=x", "budget=x", "colour=red"] {
        let refused = api.get(&format!("/v1/alerts?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(pointers(&refused), [query.split('=').next().unwrap()]);
    }
    assert_eq!(api.get("/v1/budgets/x").await.status, StatusCode::NOT_FOUND);
    let nobody = app.anonymous().post_json("/v1/budgets", &new_budget()).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_organizations_key_finds_nothing() {
    let app = TestApp::start().await;
    let (acme, other) = (app.organization("Acme", "UTC").await, app.organization("Other", "UTC").await);
    let created = app.api(&acme.key).post_json("/v1/budgets", &new_budget()).await;
    let path = created.header("location").unwrap().to_owned();
    let stranger = app.api(&other.key);
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(patch(&stranger, &path, json!({"name": "mine"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(&stranger, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.post_json(&format!("{path}/test"), &json!({})).await.status, StatusCode::NOT_FOUND);
    let budget_id = path.rsplit('/').next().unwrap();
    assert_eq!(stranger.get(&format!("/v1/alerts?budget={budget_id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.get("/v1/budgets").await.json()["budgets"], json!([]));
}

#[tokio::test]
async fn an_event_over_the_budget_becomes_an_alert_and_a_mail_while_the_server_runs() {
    let (app, sink) = (TestApp::start().await, SmtpSink::start().await);
    let acme = app.organization("Acme", "Asia/Kolkata").await;
    let api = app.api(&acme.key);
    let mut budget = new_budget();
    budget["amount"] = json!("0.01");
    let path = api.post_json("/v1/budgets", &budget).await.header("location").unwrap().to_owned();
    let mailer = Mailer::smtp_from(&SecretString::from(sink.url()), "Tallystick <tally@example.com>").unwrap();
    let jobs = Jobs::start(&app.backend, mailer);

    // 5,000 tokens at $2.50 per million: more than a cent, all thresholds at once.
    let event = json!({"provider": "openai", "model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 5000, "completion_tokens": 0}});
    let body = event.to_string();
    let items = backend::events::split(body.as_bytes(), false).unwrap();
    let events = backend::events::ingest(&app.backend, &acme.scope, &items).await.unwrap();
    assert_eq!(events.accepted, 1, "{events:?}");
    let mail = sink.wait_for(|mail| mail.to == ["owner@acme.example"]).await;
    assert_eq!(mail.subject(), "Production has used 125 % of its November budget ($0.0125 of $0.01)");
    jobs.stop().await;

    let ledger = api.get("/v1/alerts?state=open").await.json();
    assert_eq!((ledger["alerts"].as_array().unwrap().len(), ledger["next"].clone()), (1, Value::Null));
    let told = &ledger["alerts"][0];
    assert_eq!(told["spend"], "0.012500000000");
    assert_eq!((told["month"].clone(), told["thresholds"].clone()), (json!("2026-11"), json!([50, 80, 100])));
    assert_eq!(told["deliveries"][0]["state"], "sent");
    assert_eq!(told["deliveries"][0]["answer"], "250 2.0.0 queued as 1");
    assert_eq!(api.get(&path).await.json()["month"]["status"], "exceeded");

    let acknowledge = format!("/v1/alerts/{}/acknowledge", told["id"].as_str().unwrap());
    let long = api.post_json(&acknowledge, &json!({"note": "x".repeat(501)})).await;
    assert_eq!((long.status, pointers(&long)), (StatusCode::BAD_REQUEST, vec!["/note".to_owned()]));
    let noted = api.post_json(&acknowledge, &json!({"note": "planned load test"})).await;
    assert_eq!(noted.status, StatusCode::NO_CONTENT, "{}", noted.body);
    let again = api.send(Method::POST, &acknowledge, &[], Body::empty()).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT, "no body is needed");
    let up_to = api.post_json("/v1/alerts/acknowledge", &json!({"up_to": told["id"]})).await;
    assert_eq!(up_to.status, StatusCode::NO_CONTENT, "{}", up_to.body);
    let rows = api.get("/v1/alerts?state=acknowledged").await.json();
    assert_eq!(
        (rows["alerts"].as_array().unwrap().len(), rows["alerts"][0]["note"].clone()),
        (1, json!("planned load test"))
    );
}
