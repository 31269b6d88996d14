//! Spend, statements, forecast.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::{PROJECT, TEAM, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    [spend(), statements(world)].concat()
}

fn spend() -> Vec<Sample> {
    vec![
        page("/o/{org}/explore", "/o/acme/explore"),
        page("/o/{org}/forecast", "/o/acme/forecast"),
        page("/o/{org}/suggestions", "/o/acme/suggestions?kind=anything&q=over"),
        page("/o/{org}/changes", "/o/acme/changes"),
        page("/o/{org}/forecast.csv", "/o/acme/forecast.csv"),
        page("/o/{org}/explore.csv", "/o/acme/explore.csv?from=2026-11-01&to=2026-12-01&group_by=project,model"),
        page("/o/{org}/exports", "/o/acme/exports?from=2026-11-01&to=2026-12-01"),
        page("/o/{org}/exports/focus", "/o/acme/exports/focus?from=2026-11-01&to=2026-12-01"),
        page("/o/{org}/statements/mails", "/o/acme/statements/mails"),
        form("statements/set-mails", &[("schedule", "closed"), ("recipients", "")]).needs(Permission::ManagePrices),
        api("GET /v1/statement-mails", "/v1/statement-mails"),
        api("PUT /v1/statement-mails", "/v1/statement-mails")
            .guarded(Guard::Key(KeyScope::Admin))
            .body(json!({"schedule": "over", "recipients": []})),
        page("/o/{org}/statements/markup", "/o/acme/statements/markup"),
        form("statements/markup", &[("percent", "5"), ("reason", "Platform")]).needs(Permission::ManagePrices),
        api("GET /v1/markups", "/v1/markups"),
        api("POST /v1/markups", "/v1/markups")
            .guarded(Guard::Key(KeyScope::Admin))
            .body(json!({"percent": "5", "reason": "Platform"})),
        page("/o/{org}/statements/{month}/journal", "/o/acme/statements/2026-11/journal"),
        page("/o/{org}/statements/{month}/journal.csv", "/o/acme/statements/2026-11/journal.csv?kind=accrual"),
        form("journal/export", &[("month", "2026-11"), ("kind", "accrual"), ("preset", "xero")])
            .needs(Permission::ManagePrices),
        form("journal/set", &[("month", "2026-11"), ("settings[expense_account]", "6510")])
            .needs(Permission::ManagePrices),
        api("GET /v1/statements/{month}/journal", "/v1/statements/2026-11/journal?kind=accrual&preset=xero"),
        // A month is nobody's.
        api("POST /v1/statements/{month}/journal", "/v1/statements/2026-11/journal?kind=accrual")
            .guarded(Guard::Key(KeyScope::Admin))
            .common(),
        api("GET /v1/journal-settings", "/v1/journal-settings"),
        api("PUT /v1/journal-settings", "/v1/journal-settings")
            .guarded(Guard::Key(KeyScope::Admin))
            .body(json!({"expense_account": "6510"})),
        api("GET /v1/spend", "/v1/spend?from=2026-11-01&to=2026-12-01&group_by=project,model"),
        api("GET /v1/spend/changes", "/v1/spend/changes?from=2026-11-01&to=2026-12-01"),
        api("GET /v1/dimensions", "/v1/dimensions"),
        api("GET /v1/export/focus", "/v1/export/focus?version=1.2&from=2026-11-01&to=2026-12-01"),
        api("GET /v1/export/focus/manifest", "/v1/export/focus/manifest?from=2026-11-01&to=2026-12-01"),
    ]
}

fn statements(world: &World) -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManagePrices);
    let answers_for = |sample: Sample| sample.needs(Permission::ManageBudgets);
    let administers = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    let dispute = world.dispute.as_str();
    let of_team = [("of", "2026-11"), ("team", TEAM)];
    // A month is nobody's.
    let month = |door: &str| {
        let (method, path) = door.split_once(' ').unwrap();
        api(&format!("{method} /v1/statements/{{month}}{path}"), format!("/v1/statements/2026-11{path}")).common()
    };
    vec![
        page("/o/{org}/statements", "/o/acme/statements"),
        page("/o/{org}/statements/{month}", "/o/acme/statements/2026-11"),
        page("/o/{org}/statements/{month}/bundle.json", "/o/acme/statements/2026-11/bundle.json"),
        page("/o/{org}/statements/{month}/{kind}/{slug}", format!("/o/acme/statements/2026-11/project/{PROJECT}")),
        page("/o/{org}/statements.csv", "/o/acme/statements.csv?month=2026-11"),
        manages(form("statements/review", &[("of", "2026-09")])),
        manages(form("statements/close", &[("of", "2026-10"), ("total", "0")])),
        manages(form("statements/waive", &[("of", "2026-11"), ("check", "priced"), ("reason", "Trial")])),
        manages(form(
            "statements/answer",
            &[("of", "2026-11"), ("dispute", dispute), ("outcome", "refused"), ("text", "It is yours.")],
        )),
        answers_for(form("statements/accept", &of_team)),
        answers_for(form("statements/dispute", &[&of_team[..], &[("reason", "Not ours")]].concat())),
        api("GET /v1/statements", "/v1/statements?month=2026-11"),
        month("GET "),
        month("GET /bundle"),
        api("GET /v1/statements/{month}/versions/{number}", "/v1/statements/2026-11/versions/1").common(),
        api("GET /v1/statements/{month}/changes", "/v1/statements/2026-11/changes?from=1").common(),
        administers(api("POST /v1/statements/{month}/versions", "/v1/statements/2026-09/versions")).common(),
        administers(api("POST /v1/statements/{month}/close", "/v1/statements/2026-10/close"))
            .common()
            .body(json!({"total": "0"})),
        administers(month("POST /waivers")).body(json!({"check": "priced", "reason": "Trial"})),
        administers(api(
            "POST /v1/statements/{month}/teams/{team}/accept",
            format!("/v1/statements/2026-11/teams/{TEAM}/accept"),
        )),
        administers(api(
            "POST /v1/statements/{month}/teams/{team}/disputes",
            format!("/v1/statements/2026-11/teams/{TEAM}/disputes"),
        ))
        .body(json!({"reason": "Not ours"})),
        administers(api(
            "POST /v1/statements/{month}/disputes/{dispute_id}/answer",
            format!("/v1/statements/2026-11/disputes/{dispute}/answer"),
        ))
        .body(json!({"accepted": false, "text": "It is yours."})),
    ]
}
