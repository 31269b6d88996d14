//! Saved views through the real router: saved, opened, changed, pinned, deleted and restored.

use crate::support::{Client, TestApp, acme_with, assert_says, call};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// Acme spent $0.0035 on November 17; its owner is signed in.
async fn start() -> (TestApp, Client, Client) {
    acme_with(vec![call(json!({"feature": "triage"}))]).await
}

/// Sends a form and gives the address that it leads to.
async fn send(browser: &Client, door: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = [("org", "acme")].iter().chain(fields).copied().collect();
    let answer = browser.post_form(&format!("/fn/views/{door}"), &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{door}: {}", answer.body);
    answer.header("location").unwrap().to_owned()
}

#[tokio::test]
async fn a_view_keeps_its_address_and_opens_its_question() {
    let (_app, browser, _) = start().await;
    assert_says(&browser.page("/o/acme/explore").await, &["No saved views yet", "Save view"]);
    let query = "?measure=requests&group_by=feature&period=30d&model=gpt-4o";
    let saved = send(&browser, "save", &[("name", "Requests"), ("query", query)]).await;
    let address = saved.split("&notice").next().unwrap().to_owned();
    assert!(address.starts_with("/o/acme/explore?view="), "{saved}");
    let view = address.split('=').next_back().unwrap().to_owned();
    let opened = browser.get(&saved).await;
    assert_eq!(opened.status, StatusCode::FOUND);
    let question = opened.header("location").unwrap().to_owned();
    assert_eq!(
        question,
        format!("/o/acme/explore?measure=requests&group_by=feature&period=30d&model=gpt-4o&view={view}&notice=saved")
    );
    let shown = browser.page(&question).await;
    assert_says(
        &shown,
        &["The view is saved.", "<title>Requests · Tallystick</title>", "Requests by feature", "triage"],
    );
    assert!(!shown.contains("Update to these settings"), "nothing was changed");
    let changed = format!("/o/acme/explore?measure=spend&group_by=feature&period=30d&view={view}");
    assert_says(&browser.page(&changed).await, &["Update to these settings", "Leave this view"]);
    send(&browser, "change", &[("view", &view), ("query", "measure=spend&group_by=feature&project=main")]).await;
    send(&browser, "change", &[("view", &view), ("name", "By feature"), ("shared", "true")]).await;
    let opened = browser.get(&address).await;
    assert!(opened.header("location").unwrap().contains("measure=spend&group_by=feature&project=main"));
    let wrong = browser.post_form("/fn/views/save", &[("org", "acme"), ("name", ""), ("query", "project=")]).await;
    assert_eq!(wrong.status, StatusCode::SEE_OTHER);
    let removed = send(&browser, "delete", &[("view", &view)]).await;
    assert_says(&browser.page(&removed).await, &["The view is deleted.", "Undo"]);
    assert_eq!(browser.get(&address).await.status, StatusCode::NOT_FOUND);
    send(&browser, "restore", &[("view", &view)]).await;
    assert_eq!(browser.get(&address).await.status, StatusCode::FOUND);
    assert_says(
        &browser.get("/o/acme/suggestions?kind=anything&q=by+feat").await.body,
        &["By feature", "View", &address],
    );
}

#[tokio::test]
async fn a_pinned_view_stands_on_the_overview_and_on_pages() {
    let (_app, browser, _) = start().await;
    assert_says(&browser.page("/o/acme").await, &["Arrange views", "Save a view in Explore to pin it here."]);
    let usual = browser.page("/o/acme/projects/main").await;
    assert_says(&usual, &["Spend by feature", "Cost per request by model", "triage"]);
    let query = "measure=requests&group_by=feature&period=30d&chart=treemap";
    let saved = send(&browser, "save", &[("name", "Our requests"), ("query", query), ("shared", "true")]).await;
    let view = saved.split("view=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let arrange = async |board: &str, act: &str| {
        send(&browser, "arrange", &[("board", board), ("view", &view), ("act", act)]).await
    };
    assert_eq!(arrange("mine", "add").await, "/o/acme?arranged=true#views");
    assert_eq!(arrange("project:main", "add").await, "/o/acme/projects/main?arranged=true#views");
    let overview = browser.page("/o/acme").await;
    let address = format!("/o/acme/explore?view={view}");
    assert_says(&overview, &["Our requests", "Requests, Oct 22 – Nov 20", &address, "Our requests: Requests"]);
    let project = browser.page("/o/acme/projects/main").await;
    assert_says(&project, &["Our requests", "period=30d&amp;chart=treemap&amp;project=main"]);
    assert!(!project.contains("Cost per request by model"), "the usual ones stand where nothing was chosen");
    arrange("mine", "remove").await;
    assert!(!browser.page("/o/acme").await.contains("Requests, Oct 22"));
}

#[tokio::test]
async fn programs_save_views_for_the_organization() {
    let (_app, browser, api) = start().await;
    let query = "measure=spend&group_by=model&project=lost&sort=name";
    let made = api.post_json("/v1/views", &json!({"name": "Models", "query": query})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let made = made.json();
    assert_eq!(made["query"], "measure=spend&group_by=model&project=lost");
    assert_eq!((&made["shared"], &made["gone"]), (&json!(true), &json!(["There is no project lost."])));
    let view = made["view_id"].as_str().unwrap();
    let one = format!("/v1/views/{view}");
    let opened = browser.get(&format!("/o/acme/explore?view={view}")).await;
    assert_says(&browser.page(opened.header("location").unwrap()).await, &["There is no project lost."]);
    let json = [("content-type", "application/json")];
    let patch = Body::from(json!({"query": "?group_by=team"}).to_string());
    let changed = api.send(Method::PATCH, &one, &json, patch).await;
    assert_eq!(
        (&changed.json()["name"], &changed.json()["query"]),
        (&json!("Models"), &json!("measure=spend&group_by=team"))
    );
    let wrong = api.post_json("/v1/views", &json!({"name": " ", "query": format!("model={}", "x".repeat(5000))})).await;
    let pointers: Vec<Value> =
        wrong.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!((wrong.status, pointers), (StatusCode::BAD_REQUEST, vec![json!("/name"), json!("/query")]));
    assert_eq!(api.get("/v1/views").await.json()["views"].as_array().unwrap().len(), 1);
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        assert_eq!(api.send(Method::DELETE, &one, &[], Body::empty()).await.status, status);
    }
}

#[tokio::test]
async fn what_happened_stands_on_charts_and_below_them() {
    let (_app, browser, api) = start().await;
    let deploy = json!({"id": "d1", "kind": "deploy", "text": "Version 2 <b>", "at": "2026-11-17T14:05:00Z",
        "until": "2026-11-18T14:05:00Z", "project": "main", "link": "https://example.com/2"});
    let made = api.post_json("/v1/annotations", &deploy).await;
    assert_eq!((made.status, &made.json()["at"]), (StatusCode::CREATED, &json!("2026-11-17T14:05:00Z")));
    assert_eq!(api.post_json("/v1/annotations", &deploy).await.status, StatusCode::OK);
    let mut other = deploy.clone();
    other["text"] = json!("Version 3");
    assert_eq!(api.post_json("/v1/annotations", &other).await.status, StatusCode::CONFLICT);
    let wrong = api.post_json("/v1/annotations", &json!({"kind": "party", "text": "x", "at": "soon"})).await;
    let pointers: Vec<Value> =
        wrong.json()["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, [json!("/kind"), json!("/at")]);
    let listed = api.get("/v1/annotations?from=2026-11-18&to=2026-11-19").await.json();
    assert_eq!(listed["annotations"][0]["text"], "Version 2 <b>", "it touches the day after");
    assert_eq!(api.get("/v1/annotations?from=2026-11-18").await.status, StatusCode::BAD_REQUEST);
    let id = made.json()["annotation_id"].as_str().unwrap().to_owned();

    let shown = [
        "<title>Deploy: Version 2 &lt;b&gt;</title>",
        " · Deploy: Version 2 &lt;b&gt;",
        "Nov 17, 14:05 – Nov 18, 14:05",
        "project main",
    ];
    for path in [
        "/o/acme",
        "/o/acme/explore?measure=spend",
        "/o/acme/explore?measure=spend&period=90d",
        "/o/acme/projects/main",
    ] {
        assert_says(&browser.page(path).await, &shown);
    }
    assert!(!browser.page("/o/acme/explore?measure=spend&chart=table").await.contains("Version 2"));
    let edit = format!("/o/acme/annotations/{id}");
    assert_says(
        &browser.page(&edit).await,
        &["Edit annotation", "value=\"2026-11-17T14:05:00+00:00\"", "https://example.com/2"],
    );
    let form = |door: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> = [("org", "acme")].iter().chain(fields).copied().collect();
        let (door, browser) = (format!("/fn/annotations/{door}"), browser.clone());
        let fields: Vec<(String, String)> =
            fields.into_iter().map(|(name, is)| (name.to_owned(), is.to_owned())).collect();
        async move {
            let fields: Vec<_> = fields.iter().map(|(name, is)| (name.as_str(), is.as_str())).collect();
            let answer = browser.post_form(&door, &fields).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{door}: {}", answer.body);
            answer.header("location").unwrap().to_owned()
        }
    };
    let said = [("kind", "incident"), ("text", "Outage"), ("at", "2026-10-30"), ("until", "2026-10-31")];
    let recorded = form("record", &said).await;
    assert_eq!(recorded, "/o/acme/annotations?from=2026-10-01&to=2026-11-01&notice=recorded");
    assert_says(&browser.page(&recorded).await, &["Outage", "Oct 30 – Oct 31", "Incident", "stands on every chart"]);
    let fields = [("annotation", id.as_str()), ("kind", "deploy"), ("text", "Version 2.1"), ("at", "2026-11-17")];
    let changed = form("change", &fields).await;
    assert_says(&browser.page(&changed).await, &["Version 2.1", "The annotation is changed."]);
    let removed = form("delete", &[("annotation", &id)]).await;
    assert_says(&browser.page(&removed).await, &["The annotation is deleted.", "Undo"]);
    assert!(!browser.page("/o/acme").await.contains("Version 2.1"));
    form("restore", &[("annotation", &id)]).await;
    assert_says(&browser.page("/o/acme").await, &["Version 2.1"]);
}
