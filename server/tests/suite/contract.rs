//! Discounts, markups and the contract through the real router: forms without JavaScript, and the API with the same words.

use crate::support::{Client, TestApp, acme_with, assert_says};
use axum::http::StatusCode;
use domain::event::EventInput;
use serde_json::json;

/// The application over the program's own price book, with a call of $0.0025 input and $0.001 output.
async fn start() -> (TestApp, Client, Client) {
    let now = EventInput {
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100}),
        ..EventInput::default()
    };
    acme_with(vec![now]).await
}

/// Posts a form and follows where it leads.
async fn post(browser: &Client, from: &str, path: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = [("org", "acme")].into_iter().chain(fields.iter().copied()).collect();
    let answer = browser.post_form_from(from, path, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.header("location").unwrap().to_owned()
}

#[tokio::test]
async fn a_discount_shows_its_effect_before_it_is_entered_and_can_end() {
    let (_app, browser, api) = start().await;
    let list = browser.page("/o/acme/prices/discounts").await;
    assert_says(
        &list,
        &[
            "No discounts or markups",
            "$100.00 list price → −12 % negotiated discount = $88.00 → +5 % internal markup = $92.40",
        ],
    );
    let form = "/o/acme/prices/discounts/new";
    assert_says(&browser.page(form).await, &["Show its effect"]);
    let wrong = browser.get(&format!("{form}?kind=discount&percent=120&seller=openai&source=")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_says(&wrong.body, &["Write a percentage above 0 and up to 100.", "Enter a source.", "value=\"120\""]);
    let seen = browser.page(&format!("{form}?kind=discount&percent=20&seller=openai&source=Contract+7")).await;
    assert_says(&seen, &["−20 % negotiated discount", "−$0.0007", "from $0.0035 to $0.0028", "Enter the discount"]);
    let nothing = browser.page(&format!("{form}?kind=markup&percent=20&seller=anthropic&source=Contract+7")).await;
    assert_says(&nothing, &["Nothing of these days is concerned", "Enter the markup"]);

    let fields = [("kind", "discount"), ("percent", "20"), ("provider", "openai"), ("source", "Contract 7")];
    let to = post(&browser, form, "/fn/prices/add-modifier", &fields).await;
    assert_eq!(to, "/o/acme/prices/discounts?notice=entered");
    assert_says(&browser.page(&to).await, &["1 discount and 0 markups", "−20 %", "Contract 7", "= $80.00"]);
    assert_says(&browser.page("/o/acme/prices/own").await, &["Entered the negotiated discount of factor 0.8"]);

    let held = api.get("/v1/price-modifiers").await.json()["modifiers"][0].clone();
    assert_eq!((&held["factor"], &held["provider"]), (&json!("0.8"), &json!("openai")));
    let typed = json!({"kind": "markup", "percent": "10", "meters": "output", "source": "Finance"});
    let effect = api.post_json("/v1/price-modifiers/effect", &typed).await.json();
    assert_eq!((&effect["before"], &effect["delta"]), (&json!("0.001000000000"), &json!("0.000100000000")));
    let regional = json!({"kind": "markup", "percent": "10", "attributes": "region=eu", "source": "Finance"});
    let refused = api.post_json("/v1/price-modifiers/effect", &regional).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    assert_eq!(api.post_json("/v1/price-modifiers", &typed).await.status, StatusCode::CREATED);
    let end = format!("/v1/rules/{}/end", held["rule_id"]);
    let ended = api.post_json(&end, &json!({"valid_to": "2020-01-01"})).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    assert_eq!(api.post_json(&end, &json!({"valid_to": "2020-01-01"})).await.status, StatusCode::NOT_FOUND);
    let change = ended.json()["change_id"].as_str().unwrap().to_owned();
    let undone = api.post_json(&format!("/v1/rule-changes/{change}/undo"), &json!({})).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.body);
}

#[tokio::test]
async fn a_term_is_entered_applied_to_a_month_and_stated_without_javascript() {
    let (_app, browser, api) = start().await;
    assert_says(&browser.page("/o/acme/prices/contract").await, &["No terms yet", "Add term"]);
    let form = "/o/acme/prices/contract/new";
    let wrong = [
        ("kind", "graduated"),
        ("meters", "images"),
        ("more_meters", "output"),
        ("tiers[0][units]", "10"),
        ("tiers[0][value]", "cheap"),
        ("from", "x"),
    ];
    post(&browser, form, "/fn/prices/add-term", &[&wrong[..], &[("source", "Contract 7")]].concat()).await;
    let again = browser.page(form).await;
    assert_says(
        &again,
        &["Write a percentage", "Use a month such as 2026-11.", "counted in the same unit", "value=\"cheap\""],
    );
    let fields = [
        ("kind", "allowance"),
        ("meters", "input_uncached"),
        ("units", "600"),
        ("provider", "openai"),
        ("from", "2026-11"),
        ("source", "Contract 7"),
    ];
    let to = post(&browser, form, "/fn/prices/add-term", &fields).await;
    assert_eq!(to, "/o/acme/prices/contract?notice=entered");
    let listed = browser.page(&to).await;
    assert_says(&listed, &["600 free input tokens of openai", "not applied", "Preview the contract for November 2026"]);

    let run = post(&browser, &to, "/fn/prices/start-run", &[("kind", "contract"), ("month", "2026-11")]).await;
    // 600 of 1,000 input tokens at $2.50 a million.
    assert_says(
        &browser.page(&run).await,
        &["Contract run", "the contract for November 2026", "−$0.0015", "waits for you"],
    );
    assert_says(&browser.page("/o/acme/prices/contract").await, &["See the preview"]);
    let id = run.rsplit('/').next().unwrap();
    post(&browser, &run, "/fn/prices/confirm-run", &[("run", id), ("reason", "November")]).await;
    assert_says(&browser.page(&run).await, &["Repricing complete", "Without it, $"]);
    assert_says(&browser.page("/o/acme/prices/contract").await, &["applied", "−$0.0015"]);
    let statement = browser.page("/o/acme/statements/2026-11/project/main").await;
    assert_says(&statement, &["Contract: 600 free input tokens of openai"]);

    let run = api.get(&format!("/v1/repricing-runs/{id}")).await.json();
    assert_eq!(run["selection"], json!({"from": ["2026-11-01"], "to": ["2026-12-01"]}));
    assert_eq!(run["contract"]["terms"][0]["charge"], "0.001000000000");
    let month = api.get("/v1/contract-months").await.json()["months"][0].clone();
    assert_eq!(
        (&month["month"], &month["state"], &month["effect"]),
        (&json!("2026-11"), &json!("applied"), &json!("-0.001500000000"))
    );
    let lines = api.get("/v1/statements?month=2026-11").await.json()["teams"][0]["projects"][0]["lines"].clone();
    let line = lines.as_array().unwrap().iter().find(|line| line["meter"] == "contract").unwrap();
    assert_eq!(
        (&line["amount"], &line["term"]),
        (&json!("-0.001500000000"), &json!("600 free input tokens of openai"))
    );
    let event = api.get("/v1/spend?from=2026-11-01&to=2026-12-01").await.json();
    assert_eq!(event["total"]["spend"], "0.002000000000");
}

#[tokio::test]
async fn terms_through_the_api() {
    let (app, _browser, api) = start().await;
    let wrong = json!({"kind": "volume", "meters": "tokens", "tiers": [{"boundary": "ten", "price": "-10%"}], "from": "2026-13", "source": ""});
    let refused = api.post_json("/v1/contract-terms", &wrong).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let mut pointers: Vec<String> =
        refused.json()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].to_string()).collect();
    pointers.sort();
    assert_eq!(pointers, ["\"/from\"", "\"/source\"", "\"/tiers\""]);
    let term = json!({"kind": "volume", "meters": "tokens", "tiers": [{"boundary": ">= 1000", "price": "$1.50"}], "from": "2026-10", "source": "Contract 7"});
    assert_eq!(api.post_json("/v1/contract-terms", &term).await.status, StatusCode::CREATED);
    let held = api.get("/v1/contract-terms").await.json()["terms"][0].clone();
    assert_eq!(held["words"], "volume tiers of tokens");
    let tier = json!({"above": "1000", "inclusive": true, "factor": null, "rate": "1.5", "per": 1_000_000});
    assert_eq!((&held["tiers"][0]["factor"], &held["tiers"][1]), (&json!("1"), &tier));
    let without_month = api.post_json("/v1/repricing-runs", &json!({"kind": "contract"})).await;
    assert_eq!(without_month.json()["errors"][0]["pointer"], "/month");
    let run = api.post_json("/v1/repricing-runs", &json!({"kind": "contract", "month": "2026-11"})).await.json();
    // 1,100 tokens at $1.50 a million in place of $0.0035.
    assert_eq!(run["preview"]["delta"], "-0.001850000000");
    let path = format!("/v1/rules/{}/end", held["rule_id"]);
    assert_eq!(api.post_json(&path, &json!({"valid_to": "soon"})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(api.post_json(&path, &json!({"valid_to": "2027-01"})).await.status, StatusCode::OK);
    let globex = app.organization("Globex", "UTC").await;
    let other = app.api(&globex.key);
    assert_eq!(other.post_json(&path, &json!({"valid_to": "2027-01"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.get("/v1/contract-terms").await.json()["terms"], json!([]));
    assert_eq!(other.get("/v1/contract-months").await.json()["months"], json!([]));
}
