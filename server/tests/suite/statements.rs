//! Review and close of a month through the real router: pages, forms, the API, and the check of what was exported.

use crate::support::process::tallystick;
use crate::support::{Answer, Client, TestApp, assert_says, call};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::OrgScope;
use serde_json::{Value, json};

const PAGE: &str = "/o/acme/statements/2026-10";
const TEAM: &str = "/o/acme/statements/2026-10/team/main";

/// Acme spent $0.0035 on October 17; its owner is signed in.
async fn start() -> (TestApp, OrgScope, Client, Client) {
    let app = TestApp::priced().await;
    let acme = app.organization("Acme", "UTC").await;
    let browser = app.signed_in(&acme.email).await;
    spend(&app, &acme.scope, "one", "2026-10-17").await;
    let api = app.api(&acme.key);
    (app, acme.scope, browser, api)
}

async fn spend(app: &TestApp, scope: &OrgScope, id: &str, day: &str) {
    let call = call(json!({"id": id, "timestamp": format!("{day}T10:00:00Z")}));
    backend::events::ingest_inputs(&app.backend, scope, vec![call]).await.unwrap();
}

async fn post(browser: &Client, from: &str, form: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [&[("org", "acme"), ("of", "2026-10")][..], more].concat();
    browser.post_form_from(from, &format!("/fn/statements/{form}"), &fields).await
}

async fn posted(browser: &Client, from: &str, form: &str, more: &[(&str, &str)], notice: &str) -> String {
    let answer = post(browser, from, form, more).await;
    let to = answer.header("location").unwrap_or_default().to_owned();
    assert!(to.ends_with(&format!("notice={notice}")), "{form}: {} to {to} {}", answer.status, answer.body);
    browser.page(to.split_once("/o/").map(|(_, path)| format!("/o/{path}")).as_deref().unwrap_or(&to)).await
}

#[tokio::test]
async fn a_month_goes_from_open_to_closed_on_its_pages() {
    let (app, scope, browser, api) = start().await;
    let open = browser.page(PAGE).await;
    assert_says(&open, &["open, no version yet", "Start review", "Statements add up", "100.000 %", "ended Oct 31"]);
    assert_says(&open, &["Chargeback-ready", "100.0 %", "priced, allocated and undisputed"]);
    assert!(!open.contains("Close October with"), "not before the review");
    assert_says(&browser.page("/o/acme/statements?month=2026-10").await, &["Review and close", ">open<"]);

    let reviewed = posted(&browser, PAGE, "review", &[], "version").await;
    assert_says(
        &reviewed,
        &[
            "The version is taken.",
            "in review, version 1 of",
            "Close October with $0.0035",
            "Nothing moved since version 1.",
        ],
    );
    let team = browser.page(TEAM).await;
    assert_says(&team, &["Accept statement", "version 1 states $0.0035", "main/openai/gpt-4o"]);
    let accepted = posted(&browser, TEAM, "accept", &[("team", "main")], "accepted").await;
    assert_says(&accepted, &["The statement is accepted.", "Version 1 accepted on"]);
    app.clock.advance(chrono::Duration::seconds(1));

    // A dispute without a reason comes back with what was typed.
    let dispute = [("team", "main"), ("line", "main/openai/gpt-4o"), ("amount", "0.0035")];
    let wrong = post(&browser, TEAM, "dispute", &[&dispute[..], &[("reason", " ")]].concat()).await;
    assert_eq!(wrong.status, StatusCode::SEE_OTHER);
    assert_says(&browser.page(TEAM).await, &["Say why, for those who read the numbers later.", "value=\"0.0035\""]);
    let disputed = [&dispute[..], &[("reason", "Not ours.")]].concat();
    assert_says(&posted(&browser, TEAM, "dispute", &disputed, "disputed").await, &["Not ours.", "no answer yet"]);
    let shown = browser.page(PAGE).await;
    assert_says(&shown, &["0.0 %", "$0.0035 disputed"]);
    assert_says(&shown, &["1 open", "disputed version 1, no answer yet", "Answer to main about main/openai/gpt-4o"]);
    assert!(!shown.contains("Close October with"), "a dispute is in the way");
    let month = api.get("/v1/statements/2026-10").await.json();
    let id = month["replies"][1]["dispute"]["dispute_id"].as_str().unwrap().to_owned();
    let answer = [("dispute", id.as_str()), ("outcome", "refused"), ("text", "The key is yours.")];
    assert_says(
        &posted(&browser, PAGE, "answer", &answer, "answered").await,
        &["dispute refused", "The key is yours."],
    );

    let stale = post(&browser, PAGE, "close", &[("total", "1")]).await;
    assert_eq!(stale.status, StatusCode::SEE_OTHER);
    assert_says(&browser.page(PAGE).await, &["The total is $0.0035 by now, not $1.00. Look at it again."]);
    let closed = posted(&browser, PAGE, "close", &[("total", "0.003500000000")], "closed").await;
    assert_says(&closed, &["The month is closed.", "closed, version 2 of"]);
    assert!(!closed.contains("Take new version"));

    // What comes now stands in November, with the month that it belongs to.
    spend(&app, &scope, "late", "2026-10-30").await;
    assert_says(
        &browser.page("/o/acme/statements?month=2026-11").await,
        &["Adjustments of closed months", "October 2026", "main/openai/gpt-4o", "+$0.0035"],
    );
    assert_says(&browser.page("/o/acme/statements/2026-11").await, &["1 adjustment here, +$0.0035"]);
    assert_says(&browser.page("/o/acme/statements/2026-11/team/main").await, &["Adjustments of closed months"]);
    assert_says(&browser.page("/o/acme/statements?month=2026-10").await, &[">closed<", "$0.0035"]);
    assert_eq!(browser.get("/o/acme/statements/2026-1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&format!("{PAGE}?from=9")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_month_is_closed_by_the_api_and_checked_without_it() {
    let (app, scope, _, api) = start().await;
    let take = async || api.send(Method::POST, "/v1/statements/2026-10/versions", &[], Body::empty()).await;
    let first = take().await;
    assert_eq!((first.status, &first.json()["number"]), (StatusCode::CREATED, &json!(1)), "{}", first.body);
    assert_eq!(take().await.status, StatusCode::CONFLICT, "nothing moved");
    spend(&app, &scope, "two", "2026-10-18").await;
    assert_eq!(take().await.json()["number"], 2);
    let changes = api.get("/v1/statements/2026-10/changes?from=1&to=2").await.json();
    assert_eq!(changes["total"], "0.003500000000");
    let change = &changes["changes"][0];
    assert_eq!((&change["line"], &change["before"]), (&json!("main/openai/gpt-4o"), &json!("0.003500000000")));
    assert_eq!(api.get("/v1/statements/2026-10/changes").await.status, StatusCode::BAD_REQUEST);
    let version = api.get("/v1/statements/2026-10/versions/1").await.json();
    assert_eq!((&version["state"], &version["total"]), (&json!("in_review"), &json!("0.003500000000")));
    assert_eq!(version["entries"][0]["source"], json!({"kind": "usage", "provider": "openai", "model": "gpt-4o"}));
    assert_eq!(api.get("/v1/statements/2026-10/versions/7").await.status, StatusCode::NOT_FOUND);
    let disputes = "/v1/statements/2026-10/teams/main/disputes";
    let refused = api.post_json(disputes, &json!({"line": "none", "reason": "No."})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/line")));
    let dispute = api.post_json(disputes, &json!({"amount": "0.001", "reason": "No."})).await;
    assert_eq!(dispute.status, StatusCode::CREATED, "{}", dispute.body);
    let ready = &api.get("/v1/statements/2026-10").await.json()["chargeback_ready"];
    assert_eq!(
        (&ready["share"], &ready["disputed"], &ready["open_disputes"]),
        (&json!("0.857"), &json!("0.001000000000"), &json!(1))
    );
    assert_eq!(&api.get("/v1/statements?month=2026-10").await.json()["chargeback_ready"], ready);
    let total = json!({"total": "0.007"});
    let early = api.post_json("/v1/statements/2026-10/close", &total).await;
    assert_eq!((early.status, early.body.contains("Disputes settled")), (StatusCode::CONFLICT, true), "{}", early.body);
    let answer = format!("/v1/statements/2026-10/disputes/{}/answer", dispute.json()["dispute_id"].as_str().unwrap());
    let answered = api.post_json(&answer, &json!({"accepted": true, "text": "Repriced."})).await;
    assert_eq!(answered.status, StatusCode::NO_CONTENT, "{}", answered.body);
    let closed = api.post_json("/v1/statements/2026-10/close", &total).await;
    assert_eq!(closed.status, StatusCode::CREATED, "{}", closed.body);
    let month = api.get("/v1/statements/2026-10").await.json();
    assert_eq!((&month["state"], month["versions"].as_array().unwrap().len()), (&json!("closed"), 3));
    assert_eq!(month["replies"][0]["dispute"]["answer"]["accepted"], true);
    spend(&app, &scope, "late", "2026-10-30").await;
    let november = api.get("/v1/statements?month=2026-11").await.json();
    assert_eq!(
        (&november["adjusted"], &november["adjustments"][0]["month"]),
        (&json!("0.003500000000"), &json!("2026-10"))
    );
    let october = api.get("/v1/statements?month=2026-10").await.json();
    assert_eq!((&october["state"], &october["total"]["spend"]), (&json!("closed"), &json!("0.007000000000")));

    let bundle = api.get("/v1/statements/2026-10/bundle").await;
    let hash = closed.json()["hash"].as_str().unwrap().to_owned();
    let (right, said) = verified(&bundle.body);
    assert!(
        right && said.contains("3 versions of acme: sums, hashes and chain are right.") && said.contains(&hash),
        "{said}"
    );
    let mut changed: Value = serde_json::from_str(&bundle.body).unwrap();
    changed["versions"][2]["body"]["statement"]["teams"][0]["projects"][0]["lines"][0]["amount"] = json!("1");
    let (right, said) = verified(&changed.to_string());
    assert!(!right && said.contains("2026-10 version 3: The body's hash is"), "{said}");
    assert!(said.contains("2026-10 version 3, team main, project main: The lines add up to"), "{said}");
    let (right, said) = verified("{}");
    assert!(!right && said.is_empty(), "{said}");
}

/// Whether the binary finds a bundle right, and what it prints.
fn verified(bundle: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bundle.json");
    std::fs::write(&file, bundle).expect("a file");
    let output = tallystick().args(["statement", "verify"]).arg(&file).output().expect("the binary");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn a_markup_is_entered_and_ended_and_every_page_says_which_total_it_shows() {
    let (_app, _, browser, api) = start().await;
    let page = "/o/acme/statements/markup";
    assert_says(&browser.page(page).await, &["No markup", "Enter markup", "all without one of their own"]);
    let wrong = post(&browser, page, "markup", &[("percent", "500"), ("reason", "So.")]).await;
    assert_eq!(wrong.status, StatusCode::SEE_OTHER);
    assert_says(&browser.page(page).await, &["Enter percent from 0 to 100, such as 5 or 2.5."]);
    let form = [("percent", "5"), ("from", "2026-10"), ("reason", "Platform cost.")];
    let entered = posted(&browser, page, "markup", &form, "entered").await;
    assert_says(&entered, &["The markup is entered.", "All teams", "5 %", "since October 2026", "Platform cost."]);

    assert_says(
        &browser.page("/o/acme/statements?month=2026-10").await,
        &["usage + markup", "Total with markup, $", "Total without markup, $", "$0.003675"],
    );
    assert_says(&browser.page(TEAM).await, &["without markup", "Markup 5 %", "with markup"]);
    assert_says(&browser.page(PAGE).await, &["Total with markup, $"]);
    let month = api.get("/v1/statements?month=2026-10").await.json();
    let total = ["total", "markup", "total_with_markup"].map(|name| month["teams"][0][name].clone());
    assert_eq!(total, ["0.003500000000", "0.000175000000", "0.003675000000"].map(Value::from));
    assert_eq!(
        (&month["teams"][0]["markup_percent"], &month["total"]["markup"]),
        (&json!("5"), &json!("0.000175000000"))
    );
    assert_eq!(api.get("/v1/statements/2026-10").await.json()["total"], "0.003675000000");
    let file = browser.get("/o/acme/statements.csv?month=2026-10").await.body;
    assert!(file.contains(",main,,main,,,Markup 5\u{a0}%,markup,,,,,,,0.000175000000,USD,,"), "{file}");

    let own = json!({"percent": "0", "team": "main", "from": "2026-10", "reason": "Agreed."});
    assert_eq!(api.post_json("/v1/markups", &own).await.status, StatusCode::CREATED);
    let unknown = api.post_json("/v1/markups", &json!({"percent": "1", "team": "none", "reason": "So."})).await;
    assert_eq!((unknown.status, &unknown.json()["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/team")));
    assert_eq!(api.get("/v1/statements/2026-10").await.json()["total"], "0.003500000000");
    let list = api.get("/v1/markups").await.json();
    let shown: Vec<_> =
        list["markups"].as_array().unwrap().iter().map(|rule| (&rule["team"], &rule["percent"])).collect();
    assert_eq!(shown, [(&json!("main"), &json!("0")), (&Value::Null, &json!("5"))]);
    let rule = list["markups"][0]["rule_id"].to_string();
    let end = [("org", "acme"), ("rule", rule.as_str()), ("valid_to", "2026-10"), ("page", "markup")];
    let ended = browser.post_form_from(page, "/fn/prices/end", &end).await;
    assert_eq!(ended.header("location"), Some("/o/acme/statements/markup?notice=ended"), "{}", ended.body);
    assert_eq!(api.get("/v1/statements/2026-10").await.json()["total"], "0.003675000000");
}
