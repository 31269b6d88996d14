//! `/v1/prices` and the pages of the price book through the real router.

use crate::support::{Client, TestApp};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::keys::NewKey;
use domain::event::EventInput;
use domain::identity::KeyScope;
use domain::project::KeyProject;
use secrecy::ExposeSecret;
use serde_json::json;

/// The application over the program's own price book.
async fn start() -> TestApp {
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    app
}

/// The owner's browser.
async fn owner(app: &TestApp, email: &str) -> Client {
    let browser = app.anonymous();
    let fields = [("email", email), ("password", "correct horse battery staple")];
    let signed_in = browser.post_form("/fn/identity/sign-in", &fields).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    browser
}

/// A page with ordinary blanks.
fn plain(page: &str) -> String {
    page.replace('\u{a0}', " ")
}

#[tokio::test]
async fn models_are_found_and_shown_with_every_dated_price() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let found = api.get("/v1/prices?q=o3&provider=openai&limit=1").await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.body);
    let model = &found.json()["models"][0];
    assert_eq!((&model["provider"], &model["model"]), (&json!("openai"), &json!("o3")));
    let input = json!({"rate": "2", "per": 1_000_000, "valid_from": "2025-06-10T00:00:00Z", "own": false});
    assert_eq!((&model["input"], &model["own"]), (&input, &json!(false)));
    let next = found.json()["next"].as_str().unwrap().to_owned();
    let second = api.get(&format!("/v1/prices?q=o3&provider=openai&limit=1&cursor={next}")).await.json();
    assert_ne!(second["models"][0]["model"], "o3");
    assert_eq!(second["matching"], found.json()["matching"]);

    let model = api.get("/v1/prices/openai/o3").await.json();
    let old = model["prices"].as_array().unwrap().iter().find(|price| price["rate"] == "40").unwrap();
    assert_eq!((&old["meter"], &old["terms"]), (&json!("output"), &json!("Standard")));
    assert_eq!((&old["valid_to"], &old["source"]), (&json!("2025-06-10T00:00:00Z"), &json!("genai-prices")));
    assert!(model["aliases"].as_array().unwrap().iter().any(|alias| alias["pattern"] == "=o3-2025-04-16"));

    // A slash in a name is written as %2F.
    let slashed = api.get("/v1/prices?provider=openrouter&q=openai/gpt-4o&limit=1").await.json();
    let name = slashed["models"][0]["model"].as_str().unwrap().replace('/', "%2F");
    assert_eq!(api.get(&format!("/v1/prices/openrouter/{name}")).await.status, StatusCode::OK, "{name}");

    let file = api.get("/v1/prices?q=o3&provider=openai&format=csv").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(file.body.starts_with("price_id,provider,model,meter,unit,terms,rate,per,currency,"), "{}", file.body);
}

#[tokio::test]
async fn whoever_may_not_read_is_refused_and_wrong_parameters_are_named() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    for (query, pointer) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("colour=red", "colour")] {
        let refused = api.get(&format!("/v1/prices?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    assert_eq!(api.get("/v1/prices/openai/no-such-model").await.status, StatusCode::NOT_FOUND);
    let owner = backend::identity::system_scope(&app.backend, acme.scope.org_id()).await.unwrap();
    let project = backend::projects::list_projects(&app.backend, &owner).await.unwrap()[0].project_id;
    let new = NewKey {
        name: "ingest".to_owned(),
        scopes: [KeyScope::Ingest].into(),
        project: KeyProject::AllWithDefault(project),
        expires_at: None,
    };
    let key = backend::keys::create(&app.backend, &owner, new).await.unwrap();
    let ingest = app.api(key.secret.expose_secret());
    for path in ["/v1/prices", "/v1/prices/openai/o3"] {
        assert_eq!(app.anonymous().get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(ingest.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn the_pages_say_what_is_used_and_since_when_it_costs_what() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let event = |model: &str| EventInput {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100}),
        ..EventInput::default()
    };
    let sent = vec![event("o3-2025-04-16"), event("no-such-model")];
    backend::events::ingest_inputs(&app.backend, &acme.scope, sent).await.unwrap();
    let browser = owner(&app, &acme.email).await;

    let page = browser.get("/o/acme/prices").await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "2 models used in November for $0.0028",
        "50.0 % of requests priced",
        "1 request of this month without a price",
        "href=\"/o/acme/prices/openai/o3\"",
        "not in the book",
        "genai-prices",
    ] {
        assert!(plain(&page.body).contains(part), "{part} in {}", page.body);
    }
    let found = browser.get("/o/acme/prices?q=sonnet+4&book_provider=anthropic").await.body;
    assert!(
        found.contains("/o/acme/prices/anthropic/claude-sonnet-4") && found.contains("value=\"sonnet 4\""),
        "{found}"
    );
    assert!(!found.contains("/o/acme/prices/aws/"), "only the chosen provider");

    let model = browser.get("/o/acme/prices/openai/o3").await;
    assert_eq!(model.status, StatusCode::OK);
    for part in [
        "Input $2.00 per 1M tokens, Output $8.00 per 1M tokens, since Jun 10, 2025.",
        "Jun 10, 2025: Input $10.00 to $2.00",
        "o3-2025-04-16",
        "chart-svg",
    ] {
        assert!(plain(&model.body).contains(part), "{part} in {}", model.body);
    }
    assert_eq!(browser.get("/o/acme/prices/openai/no-such-model").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/o/acme/prices/openai").await.status, StatusCode::NOT_FOUND);

    let file = browser.get("/o/acme/prices.csv?q=o3&provider=openai").await;
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"acme-prices.csv\""));
    let stranger = app.anonymous().send(Method::GET, "/o/acme/prices.csv", &[], Body::empty()).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let other = app.organization("Other", "UTC").await;
    let other = owner(&app, &other.email).await;
    for path in ["/o/acme/prices", "/o/acme/prices/openai/o3", "/o/acme/prices.csv"] {
        assert_eq!(other.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
