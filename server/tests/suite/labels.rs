//! Product lines, required labels and aliases of values through the real router: by API, and as pages without scripts.

use crate::support::{Client, TestApp, acme_with, assert_says, call};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Acme spent $0.0105 on November 17, two of three calls with a feature; its owner is signed in.
async fn start() -> (TestApp, Client, Client) {
    let of = |id: &str, feature: Value| call(json!({"id": id, "feature": feature}));
    acme_with(vec![of("one", json!("Chat-Bot")), of("two", json!("chatbot")), of("three", json!(null))]).await
}

#[tokio::test]
async fn labels_are_required_and_values_made_one() {
    let (_app, browser, api) = start().await;
    let path = "/o/acme/labels";
    assert_says(
        &browser.page(path).await,
        &["No required labels yet", "Every value counts as itself.", "Could count as"],
    );
    let enter = async |door: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> = [("org", "acme")].iter().chain(fields).copied().collect();
        browser.post_form_from(path, &format!("/fn/labels/{door}"), &fields).await
    };
    let required = enter("require", &[("label", "feature")]).await;
    assert_eq!(required.header("location"), Some("/o/acme/labels?notice=required"), "{}", required.body);
    let month = "from=2026-11-01&to=2026-12-01";
    assert_says(
        &browser.page(&format!("{path}?{month}")).await,
        &["66.7 %", "Where labels are missing", "\"feature\": \"…\"", "/o/acme/events?"],
    );
    let wrong = enter("alias", &[("label", "model"), ("value", ""), ("canonical", "x")]).await;
    assert_says(&browser.page(wrong.header("location").unwrap()).await, &["Use feature, environment", "alias-value"]);
    let one = enter("alias", &[("label", "feature"), ("value", "Chat-Bot"), ("canonical", "chatbot")]).await;
    assert_eq!(one.header("location"), Some("/o/acme/labels?notice=aliased#aliases"), "{}", one.body);
    let spend = api.get(&format!("/v1/spend?{month}&group_by=feature&measure=requests")).await.json();
    let rows = spend["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{spend}");
    assert!(rows.iter().any(|row| row["feature"] == "chatbot" && row["requests"] == 2), "{spend}");

    let told = api.get(&format!("/v1/required-labels?{month}")).await.json();
    assert_eq!(
        (&told["labels"][0]["label"], &told["labels"][0]["missing"]["requests"]),
        (&json!("feature"), &json!(1))
    );
    assert_eq!(
        (&told["missing"][0]["project"], &told["missing"][0]["set"]),
        (&json!("main"), &json!("\"feature\": \"…\""))
    );
    let aliases = api.get("/v1/value-aliases").await.json();
    assert_eq!((&aliases["aliases"][0]["value"], &aliases["proposals"]), (&json!("Chat-Bot"), &json!([])));
    let circle = json!({"label": "feature", "value": "chatbot", "canonical": "Chat-Bot"});
    assert_eq!(api.post_json("/v1/value-aliases", &circle).await.json()["errors"][0]["pointer"], "/canonical");
    let removed = enter("remove-alias", &[("label", "feature"), ("value", "Chat-Bot")]).await;
    assert_eq!(removed.header("location"), Some("/o/acme/labels?notice=removed#aliases"));
    let released = enter("release", &[("label", "feature")]).await;
    assert_eq!(released.header("location"), Some("/o/acme/labels?notice=released"));
}

#[tokio::test]
async fn a_project_is_put_into_a_product_line() {
    let (_app, browser, api) = start().await;
    let created =
        browser.post_form("/fn/projects/create-product-line", &[("org", "acme"), ("name", "Assistants")]).await;
    assert_eq!(created.header("location"), Some("/o/acme/product-lines/assistants?notice=created"), "{}", created.body);
    assert_says(&browser.page("/o/acme/product-lines/assistants").await, &["No project belongs to it"]);
    let edit = "/o/acme/projects/main/edit";
    assert_says(&browser.page(edit).await, &["Set product line", "Assistants"]);
    let fields = [("org", "acme"), ("project", "main"), ("product_line", "assistants"), ("from", "2026-11-15")];
    let put = browser.post_form_from(edit, "/fn/projects/assign-product-line", &fields).await;
    assert_eq!(put.header("location"), Some("/o/acme/projects/main?notice=placed"), "{}", put.body);
    let month = "from=2026-11-01&to=2026-12-01";
    let shown = browser.page(&format!("/o/acme/product-lines/assistants?{month}")).await;
    assert_says(&shown, &["/o/acme/projects/main", "$0.0105"]);
    assert_says(&browser.page("/o/acme/projects").await, &["no product line", "/o/acme/product-lines/assistants"]);
    let file = browser.get("/o/acme/projects.csv").await.body;
    assert!(file.lines().any(|line| line.contains("main") && line.contains(",assistants,")), "{file}");
    let spend = api.get(&format!("/v1/spend?{month}&group_by=product_line")).await.json();
    assert_eq!(spend["rows"][0]["product_line"], "assistants", "{spend}");

    let listed = api.get("/v1/product-lines").await.json();
    let of = &listed["product_lines"][0];
    assert_eq!((&of["slug"], &of["projects"][0]["valid_from"]), (&json!("assistants"), &json!("2026-11-15")));
    let taken = api.post_json("/v1/product-lines", &json!({"name": "Assistants"})).await;
    assert_eq!(taken.json()["errors"][0]["pointer"], "/slug", "{}", taken.body);
    assert_eq!(browser.get("/o/acme/product-lines/none").await.status, StatusCode::NOT_FOUND);
}
