//! Lists as files, statements down to their events, and the events behind an event's own words.

use crate::support::{Client, TestApp, acme_with, call};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

/// Acme has calls of $0.0035, one from its own cache, one without a price; its owner is signed in.
async fn start() -> (TestApp, Client, Client) {
    acme_with(vec![
        call(json!({"id": "plain", "session_id": "s/1", "request_id": "r 1", "customer": "!globex", "feature": "search"})),
        call(json!({"id": "cached", "session_id": "s/1", "response_cache_hit": true})),
        call(json!({"id": "strange", "model": "=cmd()", "timestamp": "2026-10-02T10:00:00Z", "session_id": "s/1"})),
    ])
    .await
}

async fn page(browser: &Client, path: &str) -> String {
    browser.page(path).await.replace("&amp;", "&")
}

#[tokio::test]
async fn every_list_is_a_file_with_the_rows_of_its_page() {
    let (app, browser, _) = start().await;
    let budget =
        [("org", "acme"), ("name", "=all()"), ("amount", "250"), ("scope", "organization"), ("thresholds", "50, 100")];
    let made = browser.post_form("/fn/create-budget", &budget).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let price = [
        ("org", "acme"),
        ("provider", "openai"),
        ("model", "gpt-4o"),
        ("rates[0][meter]", "output"),
        ("rates[0][rate]", "9"),
        ("confirmed", "true"),
        ("source", "Contract"),
    ];
    let entered = browser.post_form("/fn/prices/enter", &price).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.body);
    for (list, name, header, row) in [
        ("budgets", "budgets", "budget,scope,month,status,used,", "'=all(),organization,2026-11,"),
        ("alerts", "alerts", "triggered_at,budget,month,thresholds_percent,", ""),
        ("forecast", "forecast", "scope,name,month_to_date,", "organization,"),
        ("projects", "projects", "team,team_name,project,", "main,"),
        ("events", "events", "timestamp,id,project,", "2026-11-17T10:00:00.000000Z,"),
        ("sessions", "sessions", "id,first_at,last_at,duration_ms,calls,", "s/1,2026-11-17T10:00:00Z,"),
        ("interactions", "interactions", "id,first_at,last_at,duration_ms,calls,", ""),
        ("events/unpriced", "unpriced", "provider,model,reason,events,", "openai,'=cmd(),"),
        (
            "prices/own",
            "price-overrides",
            "provider,model,meter,tier,rate,per,",
            "openai,gpt-4o,output,standard,9,1000000,USD,",
        ),
        ("settings/members", "members", "email,role,teams,joined_at\r\n", "owner@acme.example,owner,"),
        ("settings/keys", "api-keys", "key_id,name,key,scopes,", ""),
        ("settings/audit", "audit-log", "at,who,action,detail\r\n", ""),
    ] {
        let address = format!("/o/acme/{list}.csv");
        let list = page(&browser, &format!("/o/acme/{list}")).await;
        assert!(list.contains(&format!("href=\"{address}\"")), "{address} in {list}");
        let file = browser.get(&address).await;
        assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"), "{address}: {}", file.body);
        let attached = format!("attachment; filename=\"acme-{name}.csv\"");
        assert_eq!(file.header("content-disposition"), Some(attached.as_str()));
        assert!(file.body.starts_with(header), "{}", file.body);
        assert!(file.body.lines().skip(1).any(|line| line.starts_with(row)) || row.is_empty(), "{}", file.body);
        let stranger = app.anonymous().send(Method::GET, &address, &[], Body::empty()).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{address}");
    }
}

#[tokio::test]
async fn a_statements_line_has_its_rate_and_opens_its_events() {
    let (_app, browser, api) = start().await;
    let statement = page(&browser, "/o/acme/statements/2026-11/project/main").await;
    assert!(statement.contains(">2.5000 / 1M") && statement.contains("title=\"$10.00 / 1M\""), "{statement}");
    assert!(
        statement.contains("<p class=\"print-head\"><strong>Acme</strong> · Statement of main, November 2026</p>"),
        "{statement}"
    );
    let events = "/o/acme/events?from=2026-11-01&to=2026-12-01&project=main&team=main&provider=openai&model=gpt-4o";
    assert!(statement.contains(&format!("href=\"{events}\"")), "{statement}");
    let behind = page(&browser, events).await;
    assert!(behind.contains("0.0035") && behind.contains("cache hit") && !behind.contains("=cmd()"), "{behind}");
    let month = "/v1/statements?month=2026-11";
    let lines = api.get(month).await.json()["teams"][0]["projects"][0]["lines"].clone();
    assert_eq!((&lines[0]["rate"], &lines[0]["rate_per"]), (&json!("2.5"), &json!(1_000_000)));
    let file = api.get(&format!("{month}&format=csv")).await.body;
    let mut rows = file.lines();
    assert!(
        rows.next().is_some_and(|head| head.ends_with(",quantity,rate,rate_per,requests,amount,currency,charge,rule")),
        "{file}"
    );
    assert!(rows.next().is_some_and(|row| row.ends_with(",1000,2.5,1000000,1,0.002500000000,USD,,")), "{file}");
}

#[tokio::test]
async fn an_event_says_its_cost_first_and_leads_to_what_shares_its_words() {
    let (_app, browser, api) = start().await;
    let event_page = async |id: &str| {
        let key = api.get(&format!("/v1/events/{id}")).await.json()["event_key"].as_str().unwrap().to_owned();
        page(&browser, &format!("/o/acme/events/{key}")).await
    };
    let plain = event_page("plain").await;
    assert!(plain.contains("$0.0035 · gpt-4o · search</h1>"), "{plain}");
    assert!(event_page("cached").await.contains("cache hit · gpt-4o · chat</h1>"));
    let list = "/o/acme/events";
    let [request, calls] = ["request_id=r%201", "session_id=s%2F1"].map(|id| format!("{list}?{id}"));
    let session = "/o/acme/sessions/s%2F1".to_owned();
    let customer = format!("{list}?from=2026-11-01&to=2026-12-01&customer=%5C%21globex");
    let key = format!("{list}?from=2026-11-01&to=2026-12-01&api_key=");
    for link in [&request, &session, &customer, &key] {
        assert!(plain.contains(&format!("href=\"{link}")), "{link} in {plain}");
    }
    // A session is shown whole, whichever month the list would have begun with.
    let count = |page: String| page.matches("class=\"row-link\"").count();
    assert_eq!((count(page(&browser, &calls).await), count(page(&browser, &session).await)), (3, 3));
    assert_eq!(count(page(&browser, &request).await), 1);
    assert_eq!(count(page(&browser, &customer).await), 1);
    assert_eq!(count(page(&browser, list).await), 2);
    let found = api.get("/v1/events?session_id=s/1&request_id=r%201").await.json();
    assert_eq!((&found["events"][0]["id"], found["events"].as_array().unwrap().len()), (&json!("plain"), 1));
}

#[tokio::test]
async fn a_session_says_its_cost_first_and_what_is_missing_from_it() {
    let (_app, browser, api) = start().await;
    let session = page(&browser, "/o/acme/sessions/s%2F1").await;
    assert!(session.contains("s/1 · main · !globex · 46 days · 3 calls · $0.0035</h1>"), "{session}");
    assert!(session.contains("+ 1 unpriced call, at most $"), "{session}");
    let which = page(&browser, "/o/acme/events?session_id=s%2F1&unpriced=true").await;
    assert!(which.contains("=cmd()") && !which.contains("0.0035"), "{which}");
    let month = page(&browser, "/o/acme/sessions?period=month").await;
    assert!(month.contains("1 session · $0.0035 · p50 $0.0035") && month.contains("/o/acme/sessions/s%2F1"), "{month}");

    let found = api.get("/v1/sessions/s%2F1").await.json();
    assert_eq!((&found["calls"], &found["unpriced"], &found["cost"]), (&json!(3), &json!(1), &json!("0.003500000000")));
    assert_eq!((&found["events"][0]["id"], &found["events"][1]["input_tokens"]), (&json!("strange"), &json!(1_000)));
    let listed = api.get("/v1/sessions?from=2026-11-01&sort=newest").await.json();
    assert_eq!((&listed["count"], &listed["rows"][0]["calls"]), (&json!(1), &json!(2)));
    assert_eq!(listed["total"]["cost"], "0.003500000000");
    let file = api.get("/v1/sessions?from=2026-11-01&format=csv").await.body;
    assert!(file.lines().nth(1).is_some_and(|row| row.starts_with("s/1,2026-11-17T10:00:00Z,")), "{file}");
    assert_eq!(api.get("/v1/interactions").await.json()["count"], 0);
    for (path, status) in [
        ("/v1/sessions/none", StatusCode::NOT_FOUND),
        ("/v1/interactions/s%2F1", StatusCode::NOT_FOUND),
        ("/v1/sessions/s%2F1?limit=1", StatusCode::BAD_REQUEST),
        ("/v1/sessions?sort=dear", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(api.get(path).await.status, status, "{path}");
    }
}
