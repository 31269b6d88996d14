//! Allocation through the real router: a rule is looked at, entered, explained, moved and undone by the API, and the page says the same.

use crate::support::{Client, TestApp};
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::seed;

async fn post(api: &Client, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = api.post_json(path, body).await;
    (answer.status, answer.json())
}

/// Acme used a dollar in web-shop's name and three of the project main itself.
async fn start() -> (TestApp, Client, Client) {
    let app = TestApp::priced().await;
    let acme = seed::named(&app.backend, "Acme", "UTC").await;
    acme.team("growth").await;
    let call = |amount: i64, repo: &str| {
        let mut call = seed::call("2026-11-17T10:00:00Z".parse().unwrap(), amount.into());
        call.tags.insert("repo".to_owned(), repo.to_owned());
        call
    };
    acme.record([call(1, "web-shop"), call(3, "infra")]).await;
    let browser = app.signed_in(acme.email.as_str()).await;
    let api = app.api(secrecy::ExposeSecret::expose_secret(&acme.key));
    (app, browser, api)
}

#[tokio::test]
async fn a_rule_is_previewed_entered_explained_and_undone() {
    let (_app, browser, api) = start().await;
    let days = "from=2026-11-01&to=2026-12-01";
    let rule = json!({
        "name": "Web repositories",
        "conditions": [{"dimension": "tag.repo", "test": "starts_with", "values": "web-"}],
        "method": "relabel",
        "targets": [{"to": "team:growth"}],
        "reason": "Growth took them over."
    });
    let (status, preview) = post(&api, "/v1/allocation-rules/preview", &rule).await;
    assert_eq!((status, &preview["moved"]["spend"]), (StatusCode::OK, &json!("1.000000000000")));
    let growth = preview["changes"].as_array().unwrap().iter().find(|change| change["slug"] == "growth").unwrap();
    assert_eq!(growth["months"], json!([{"month": "2026-11", "spend": "1.000000000000", "requests": 1, "tokens": 10}]));
    assert_eq!(api.get("/v1/allocation-rules").await.json()["rules"], json!([]), "nothing was entered");

    let (status, made) = post(&api, "/v1/allocation-rules", &rule).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let listed = api.get("/v1/allocation-rules").await.json();
    assert_eq!(listed["rules"][0]["sentence"], "Usage where tag repo starts with web- counts for team growth.");
    let id = &listed["rules"][0]["rule_id"];
    let allocation = api.get(&format!("/v1/allocation?{days}")).await.json();
    let totals: Vec<(&Value, &Value)> =
        allocation["teams"].as_array().unwrap().iter().map(|team| (&team["slug"], &team["total"]["spend"])).collect();
    assert_eq!(totals, [(&json!("main"), &json!("3.000000000000")), (&json!("growth"), &json!("1.000000000000"))]);
    assert_eq!(allocation["unallocated"]["spend"], "0.000000000000");
    assert_eq!((&allocation["flows"][0]["rule_id"], &allocation["flows"][0]["from"]["slug"]), (id, &json!("main")));
    let explained = api.get(&format!("/v1/allocation-rules/{id}/explanation?{days}")).await.json();
    assert_eq!(explained["origins"][0]["model"], "gpt-4o");
    assert_eq!(explained["days"][0]["day"], "2026-11-17");

    let page = browser.get("/o/acme/allocation?month=2026-11").await;
    let text = page.body.replace('\u{a0}', " ").replace("<!>", "");
    for said in ["Usage where tag repo starts with web- counts for team growth.", "100 %", "$4.00 of $4.00"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let overview = browser.get("/o/acme").await.body.replace('\u{a0}', " ");
    assert!(overview.contains("/o/acme/allocation?month=2026-11"), "a link on the Overview");
    let (status, _) = post(&api, &format!("/v1/allocation-rules/{id}/place"), &json!({"place": 1})).await;
    assert_eq!(status, StatusCode::OK);

    let change = made["change_id"].as_str().unwrap();
    assert_eq!(post(&api, &format!("/v1/rule-changes/{change}/undo"), &json!({})).await.0, StatusCode::OK);
    assert_eq!(api.get(&format!("/v1/allocation?{days}")).await.json()["flows"], json!([]));
}

#[tokio::test]
async fn what_a_rule_shares_out_stands_on_statements_and_in_explore() {
    let (_app, browser, api) = start().await;
    let rule = json!({
        "name": "Web repositories",
        "conditions": [{"dimension": "tag.repo", "test": "starts_with", "values": "WEB-"}],
        "method": "relabel",
        "targets": [{"to": "team:growth"}],
        "reason": "Growth took them over."
    });
    assert_eq!(post(&api, "/v1/allocation-rules", &rule).await.0, StatusCode::CREATED);
    let charge = json!({"charges": [{
        "id": "pool", "kind": "gpu_hours", "description": "Pool", "project": "main", "amount": "6",
        "from": "2026-11-10", "to": "2026-11-12", "source": "Invoice 7", "reason": "Month end"
    }]});
    assert_eq!(post(&api, "/v1/charges", &charge).await.0, StatusCode::CREATED);
    let whole = json!({
        "name": "Platform", "conditions": [{"dimension": "project", "test": "is", "values": "main"}],
        "method": "fixed", "targets": [{"to": "team:growth", "percent": "50"}, {"to": "team:main", "percent": "50"}], "reason": "Agreed."
    });
    assert_eq!(post(&api, "/v1/allocation-rules", &whole).await.0, StatusCode::CREATED);

    let days = "from=2026-11-01&to=2026-12-01";
    let answer = api.get(&format!("/v1/spend?{days}&group_by=allocated_team,team&measure=spend")).await.json();
    let rows: Vec<(&str, &str, &str)> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| ["allocated_team", "team", "spend"].map(|field| row[field].as_str().unwrap()).into())
        .collect();
    assert_eq!(rows, [("growth", "main", "2.500000000000"), ("main", "main", "1.500000000000")]);
    assert_eq!(answer["total"]["spend"], "4.000000000000");
    let file = api.get(&format!("/v1/spend?{days}&group_by=allocated_team&bucket=day&format=csv")).await.body;
    assert!(file.starts_with("bucket,allocated_team,spend,"), "{file}");
    assert!(file.contains("\r\n2026-11-17,growth,2.500000000000,"), "{file}");
    assert_eq!(api.get(&format!("/v1/spend?{days}&group_by=allocated_team,customer")).await.status, 422);
    assert_eq!(api.get("/v1/events?allocated_team=growth").await.status, 400);

    let statements = api.get("/v1/statements?month=2026-11").await.json();
    let team = |slug: &str| statements["teams"].as_array().unwrap().iter().find(|team| team["team"] == slug).unwrap();
    let growth = team("growth");
    assert_eq!((&growth["spend"], &growth["shared"]), (&json!("0.000000000000"), &json!("5.500000000000")));
    let lines: Vec<(&Value, &Value, &Value)> = growth["shared_lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["rule"], &line["is_charge"], &line["amount"]))
        .collect();
    let [one, two, three] = ["1.000000000000", "1.500000000000", "3.000000000000"].map(Value::from);
    let (web, platform) = (json!("Web repositories"), json!("Platform"));
    let [usage, of_charges] = [false, true].map(Value::from);
    assert_eq!(lines, [(&web, &usage, &one), (&platform, &usage, &two), (&platform, &of_charges, &three)]);
    assert_eq!(growth["shared_lines"][0]["from"], json!({"kind": "project", "slug": "main"}));
    assert_eq!(
        (&team("main")["total"], &statements["total"]["total"]),
        (&json!("4.500000000000"), &json!("10.000000000000"))
    );
    assert_eq!(
        (&statements["unallocated_total"], &statements["total"]["shared"]),
        (&json!("0.000000000000"), &json!("0.000000000000"))
    );

    let text = |body: &str| body.replace('\u{a0}', " ").replace("<!>", "");
    let rule_id = growth["shared_lines"][2]["rule_id"].as_u64().unwrap();
    let explained = format!("/o/acme/allocation/2026-11/rule/{rule_id}");
    let statement = text(&browser.get("/o/acme/statements/2026-11/team/growth").await.body);
    assert!(statement.contains(&explained) && statement.contains("charges from project main"), "{statement}");
    assert!(text(&browser.get("/o/acme/statements?month=2026-11").await.body).contains("Shared, $"));
    let charges = text(&browser.get(&explained).await.body);
    assert!(charges.contains("Charges, by rule") && charges.contains("3.00"), "{charges}");
    let explore = text(&browser.get(&format!("/o/acme/explore?{days}&group_by=allocated_team&chart=lines")).await.body);
    assert!(explore.contains("/o/acme/allocation/2026-11/team/growth") && explore.contains("2.50"), "{explore}");
    let refused = browser.get(&format!("/o/acme/explore?{days}&group_by=allocated_team&measure=error_rate")).await;
    assert!(refused.body.contains("Allocation rules share out spend, requests and tokens"), "{}", refused.body);
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let (_app, browser, api) = start().await;
    let rule = json!({"name": "", "conditions": [{"dimension": "colour", "test": "is", "values": "red"}], "method": "guess", "reason": "x"});
    let (status, problem) = post(&api, "/v1/allocation-rules", &rule).await;
    let wrong: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|error| error["pointer"].as_str()).collect();
    assert_eq!((status, wrong), (StatusCode::BAD_REQUEST, vec!["/name", "/conditions/0/dimension", "/method"]));
    for (query, code) in [
        ("from=2026-11-01", 400),
        ("from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z", 400),
        ("from=2026-11-01&to=2026-12-01&team=growth", 400),
    ] {
        assert_eq!(api.get(&format!("/v1/allocation?{query}")).await.status, code, "{query}");
    }
    let page = browser.get("/o/acme/allocation/new?name=Web&method=relabel&reason=x&conditions[0][dimension]=project&conditions[0][test]=is&conditions[0][values]=main&targets[0][to]=project:main").await;
    assert!(page.body.contains("These rules go round in a circle: project main → project main."), "{}", page.body);
}
