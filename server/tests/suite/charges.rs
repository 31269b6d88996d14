//! Charges beside events through the real router: the API, the form, a file, and the pages that show them.

use crate::support::{Client, FORM_WITH_FILE, TestApp, acme_with, assert_says, call, form_with_file};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const FORM: &str = "/o/acme/charges/new";

/// Acme spent $0.0035 on November 17; its owner is signed in.
async fn start() -> (TestApp, Client, Client) {
    acme_with(vec![call(json!({}))]).await
}

fn charge(id: &str, amount: &str) -> Value {
    json!({"id": id, "kind": "gpu_hours", "description": "GPU pool", "amount": amount, "from": "2026-11-01",
        "to": "2026-12-01", "project": "main", "labels": {"pool": "a"}, "source": "Bill", "reason": "November"})
}

async fn send(api: &Client, charges: Value) -> (StatusCode, Value) {
    let answer = api.post_json("/v1/charges", &json!({ "charges": charges })).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn charges_are_sent_once_and_ended_with_a_reason() {
    let (_app, browser, api) = start().await;
    let (status, first) = send(&api, json!([charge("a", "30"), charge("b", "60")])).await;
    assert_eq!((status, &first["entered"]), (StatusCode::CREATED, &json!(2)), "{first}");
    let (status, again) = send(&api, json!([charge("a", "30.00")])).await;
    let expected = json!({"change_id": null, "entered": 0, "duplicates": 1});
    assert_eq!((status, again), (StatusCode::OK, expected));
    assert_eq!(send(&api, json!([charge("a", "31")])).await.0, StatusCode::CONFLICT);
    let mut wrong = charge("c", "x");
    wrong["kind"] = json!("gpu");
    let (status, problem) = send(&api, json!([charge("d", "1"), wrong])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/charges/1/kind", "/charges/1/amount"]);
    let mut nowhere = charge("e", "1");
    nowhere["project"] = json!("nowhere");
    assert_eq!(send(&api, json!([nowhere])).await.1["errors"][0]["pointer"], "/charges/0/project");
    assert_eq!(send(&api, json!([])).await.0, StatusCode::BAD_REQUEST);

    let listed = api.get("/v1/charges").await.json();
    assert_eq!(listed["charges"].as_array().unwrap().len(), 2, "nothing of a wrong request is entered");
    let newest = &listed["charges"][0];
    assert_eq!((&newest["id"], &newest["amount"]), (&json!("b"), &json!("60.000000000000")));
    assert_eq!((&newest["labels"], &newest["project"]), (&json!({"pool": "a"}), &json!("main")));
    let end = format!("/v1/charges/{}/end", newest["rule_id"]);
    let refused = api.post_json(&end, &json!({"valid_to": "2026-11-16", "reason": ""})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/reason")));
    let ended = api.post_json(&end, &json!({"valid_to": "2026-11-16", "reason": "Cancelled."})).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);

    // 20 of 30 days of 30, and 15 of 30 days of 60.
    let statement = api.get("/v1/statements?month=2026-11").await.json();
    assert_eq!(
        (&statement["total"]["spend"], &statement["total"]["charged"]),
        (&json!("0.003500000000"), &json!("50.000000000000"))
    );
    let project = &statement["teams"][0]["projects"][0];
    assert_eq!((&project["charged"], project["charges"].as_array().unwrap().len()), (&json!("50.000000000000"), 2));
    let spend = api.get("/v1/spend?from=2026-11-01&to=2026-12-01").await.json();
    assert_eq!(spend["total"]["spend"], "0.003500000000", "charges are no spend");
    assert_says(&browser.page("/o/acme/settings/audit").await, &["before 2026-11-16. Cancelled."]);
}

#[tokio::test]
async fn the_form_the_pages_and_the_overview_name_charges_beside_usage() {
    let (_app, browser, _) = start().await;
    assert_says(&browser.page("/o/acme/charges").await, &["No charges yet", "Add charges"]);
    let wrong = [("org", "acme"), ("charge[kind]", "seats"), ("charge[rate]", "x"), ("labels", "prod")];
    let answer = browser.post_form_from(FORM, "/fn/charges/enter", &wrong).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some(FORM)));
    assert_says(
        &browser.page(FORM).await,
        &["name=value between commas.</a>", "href=\"#charge[rate]\"", "value=\"prod\""],
    );
    let right = [
        ("org", "acme"),
        ("charge[kind]", "seats"),
        ("charge[description]", "Chat for all"),
        ("charge[quantity]", "3"),
        ("charge[rate]", "100"),
        ("charge[from]", "2026-11-01"),
        ("charge[source]", "Order 7"),
        ("charge[reason]", "Plan"),
        ("labels", "stage=prod"),
    ];
    let answer = browser.post_form_from(FORM, "/fn/charges/enter", &right).await;
    assert_eq!(answer.header("location"), Some("/o/acme/charges?notice=entered"), "{}", answer.body);
    let month = "from=2026-11-01&to=2026-12-01";
    let list = browser.page(&format!("/o/acme/charges?{month}")).await;
    assert_says(
        &list,
        &["Charges, November", "$200", "3 × $100.00 a month", "unallocated", "Chat for all", "since Nov 1, 2026"],
    );
    let overview = browser.page(&format!("/o/acme?{month}")).await;
    assert_says(&overview, &["usage + ", ">$200.00 charges</a>", "$0.0035"]);
    assert!(
        !browser.page(&format!("/o/acme?{month}&model=gpt-4o")).await.contains("usage + "),
        "charges have no model"
    );
    let statements = browser.page("/o/acme/statements?month=2026-11").await;
    assert_says(&statements, &["November 2026, usage + charges", "Unallocated charges", "200.00"]);
    let path = list.split("/o/acme/charges/4").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/o/acme/charges/4{path}");
    assert_says(
        &browser.page(&path).await,
        &["Chat for all</h1>", "November 2026", "stage=prod", "Order 7", "End charge"],
    );
    let file = browser.get("/o/acme/charges.csv").await.body;
    assert_says(
        &file,
        &["charge,id,kind,", ",seats,Chat for all,,,3,100.000000000000,USD,2026-11-01,,,,,stage=prod,Order 7,Plan,"],
    );
    let id = path.rsplit('/').next().unwrap();
    let end = [("org", "acme"), ("charge", id), ("valid_to", ""), ("reason", "A mistake.")];
    let answer = browser.post_form_from(&path, "/fn/charges/end", &end).await;
    assert_eq!(answer.header("location"), Some("/o/acme/charges?notice=ended"), "{}", answer.body);
    assert!(!browser.page(&format!("/o/acme?{month}")).await.contains("usage + "));
    assert_eq!(browser.get("/o/acme/charges/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_is_shown_with_its_wrong_rows_before_it_is_entered() {
    let (_app, browser, _) = start().await;
    let upload = async |text: &str| {
        let headers = [
            ("content-type", FORM_WITH_FILE),
            ("accept", "text/html"),
            ("sec-fetch-site", "same-origin"),
            ("referer", "http://tallystick.test/o/acme/charges/new"),
        ];
        browser.send(Method::POST, "/o/acme/charges/imports", &headers, Body::from(form_with_file(&[], text))).await
    };
    let answer = upload("kind,colour\nother,red\n").await;
    assert_eq!(answer.header("location"), Some(FORM), "{}", answer.body);
    assert_says(&browser.page(FORM).await, &["There is no field", "colour"]);
    let head = "kind,description,amount,from,to,project,source,reason\n";
    let row = "seats,Chat,20,2026-11-01,2026-12-01,main,Bill,End\n";
    let wrong = upload(&format!("{head}{row}seats,Chat,x,2026-11-01,2026-12-01,main,Bill,End\n")).await;
    let shown = browser.page(wrong.header("location").unwrap()).await;
    assert_says(&shown, &["1 of 2 rows cannot be entered", "amount: Use a number", "ready"]);
    assert!(!shown.contains("Enter 2 charges"), "{shown}");
    let right = upload(&format!("{head}{row}")).await;
    let path = right.header("location").unwrap().to_owned();
    assert_says(&browser.page(&path).await, &["1 charge can be entered", "Enter 1 charge"]);
    let import = path.rsplit('/').next().unwrap();
    let answer =
        browser.post_form_from(&path, "/fn/charges/enter-import", &[("org", "acme"), ("import", import)]).await;
    assert_eq!(answer.header("location"), Some("/o/acme/charges?notice=imported"), "{}", answer.body);
    assert_says(&browser.page(&path).await, &["Entered on"]);
}
