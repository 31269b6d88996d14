//! API keys through their page.

use crate::support::{Client, TestApp};
use axum::http::StatusCode;

async fn owner(app: &TestApp) -> (Client, String) {
    let acme = app.organization("Acme", "UTC").await;
    let browser = app.anonymous();
    let fields = [("email", acme.email.as_str()), ("password", testkit::seed::PASSWORD)];
    assert_eq!(browser.post_form("/fn/identity/sign-in", &fields).await.status, StatusCode::SEE_OTHER);
    (browser, acme.key)
}

const PAGE: &str = "/o/acme/settings/keys";

#[tokio::test]
async fn a_key_is_shown_once_works_and_stops_working() {
    let app = TestApp::start().await;
    let (browser, _) = owner(&app).await;
    let fields = [("org", "acme"), ("name", "Robot"), ("project", "only:main"), ("ingest", "true"), ("read", "true")];
    let made = browser.post_form_from(PAGE, "/fn/keys/create", &fields).await;
    assert_eq!(made.header("location"), Some(PAGE));
    assert!(!made.body.contains("tally_live_"), "not in the redirect's body");
    let shown = browser.get(PAGE).await;
    let key = shown.body.split("tally_live_").nth(1).unwrap();
    let key = format!("tally_live_{}", key.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap());
    assert_eq!(key.len(), 47, "{key}");
    assert!(shown.body.contains("only main"));
    let again = browser.get(PAGE).await;
    assert!(!again.body.contains(&key) && again.body.contains("Robot"), "shown once");
    assert!(!browser.get("/o/acme").await.body.contains(&key));

    assert_eq!(app.api(&key).get("/v1/spend?from=2026-11-01&to=2026-12-01").await.status, StatusCode::OK);
    let row = again.body.split("Revoke the key Robot").next().unwrap();
    let id = row.rsplit("name=\"key\" value=\"").next().unwrap().split('"').next().unwrap().to_owned();
    let revoked = browser.post_form("/fn/keys/revoke", &[("org", "acme"), ("key", &id)]).await;
    assert_eq!(revoked.header("location"), Some("/o/acme/settings/keys?notice=revoked"));
    let refused = app.api(&key).get("/v1/spend?from=2026-11-01&to=2026-12-01").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(browser.get(PAGE).await.body.contains("revoked"));
}

#[tokio::test]
async fn a_wrong_form_comes_back_as_it_was() {
    let app = TestApp::start().await;
    let (browser, _) = owner(&app).await;
    let fields = [("org", "acme"), ("name", "Robot 7"), ("project", "all:main"), ("expires_in_days", "90")];
    browser.post_form_from(PAGE, "/fn/keys/create", &fields).await;
    let page = browser.get(PAGE).await;
    assert!(page.body.contains("Choose at least one thing that the key may do."), "{}", page.body);
    assert!(page.body.contains("value=\"Robot 7\""), "{}", page.body);
    for project in ["only:nope", "all:nope", "nope", "none:main"] {
        let fields = [("org", "acme"), ("name", "x"), ("project", project), ("ingest", "true")];
        browser.post_form_from(PAGE, "/fn/keys/create", &fields).await;
        assert!(browser.get(PAGE).await.body.contains("Choose a project of this organization."), "{project}");
    }
}
