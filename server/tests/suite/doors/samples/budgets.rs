//! Budgets and alerts.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::{PROJECT, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let (budget, alert, token) = (world.budget.as_str(), world.alert.as_str(), world.recipient_token.as_str());
    let scope = format!("project:{PROJECT}");
    let words = [("name", "Next"), ("amount", "250"), ("thresholds", "50, 100"), ("recipients", "ada@example.com")];
    let created: Vec<_> = words.into_iter().chain([("scope", scope.as_str())]).collect();
    let changed: Vec<_> = words.into_iter().chain([("budget", budget)]).collect();
    let manages = |sample: Sample| sample.needs(Permission::ManageBudgets);
    let administers = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    vec![
        page("/recipients/{org}/{token}", format!("/recipients/acme/{token}")).guarded(Guard::Open),
        form("confirm-recipient", &[("token", token)]).guarded(Guard::Open),
        page("/o/{org}/budgets", "/o/acme/budgets"),
        manages(page("/o/{org}/budgets/new", "/o/acme/budgets/new")),
        page("/o/{org}/budgets/{budget}", format!("/o/acme/budgets/{budget}")),
        manages(page("/o/{org}/budgets/{budget}/edit", format!("/o/acme/budgets/{budget}/edit"))),
        page("/o/{org}/alerts", "/o/acme/alerts"),
        page("/o/{org}/budgets.csv", "/o/acme/budgets.csv"),
        page("/o/{org}/alerts.csv", "/o/acme/alerts.csv"),
        manages(form("create-budget", &created)),
        manages(form("change-budget", &changed)),
        manages(form("archive-budget", &[("budget", budget)])),
        manages(form("test-budget", &[("budget", budget), ("to", "recipients")])),
        manages(form("acknowledge-alert", &[("alert", alert), ("older", "true"), ("note", "planned")])),
        api("GET /v1/budgets", "/v1/budgets"),
        api("GET /v1/budgets/{budget_id}", format!("/v1/budgets/{budget}")),
        api("GET /v1/alerts", "/v1/alerts"),
        administers(api("POST /v1/budgets", "/v1/budgets"))
            .body(json!({"name": "Next", "scope": scope, "amount": "250"})),
        administers(api("PATCH /v1/budgets/{budget_id}", format!("/v1/budgets/{budget}")))
            .body(json!({"amount": "250"})),
        administers(api("DELETE /v1/budgets/{budget_id}", format!("/v1/budgets/{budget}"))),
        administers(api("POST /v1/budgets/{budget_id}/test", format!("/v1/budgets/{budget}/test"))),
        administers(api("POST /v1/alerts/acknowledge", "/v1/alerts/acknowledge")).body(json!({"up_to": alert})),
        administers(api("POST /v1/alerts/{alert_id}/acknowledge", format!("/v1/alerts/{alert}/acknowledge"))),
    ]
}
