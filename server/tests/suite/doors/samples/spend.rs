//! Spend, statements, forecast.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::{PROJECT, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(_: &World) -> Vec<Sample> {
    vec![
        page("/o/{org}/explore", "/o/acme/explore"),
        page("/o/{org}/forecast", "/o/acme/forecast"),
        page("/o/{org}/statements", "/o/acme/statements"),
        page("/o/{org}/statements/{month}/{kind}/{slug}", format!("/o/acme/statements/2026-11/project/{PROJECT}")),
        page("/o/{org}/suggestions", "/o/acme/suggestions?kind=anything&q=over"),
        page("/o/{org}/changes", "/o/acme/changes"),
        page("/o/{org}/forecast.csv", "/o/acme/forecast.csv"),
        page("/o/{org}/explore.csv", "/o/acme/explore.csv?from=2026-11-01&to=2026-12-01&group_by=project,model"),
        page("/o/{org}/exports", "/o/acme/exports?from=2026-11-01&to=2026-12-01"),
        page("/o/{org}/exports/focus", "/o/acme/exports/focus?from=2026-11-01&to=2026-12-01"),
        page("/o/{org}/statements.csv", "/o/acme/statements.csv?month=2026-11"),
        page("/o/{org}/statements/mails", "/o/acme/statements/mails"),
        form("statements/set-mails", &[("schedule", "closed"), ("recipients", "")]).needs(Permission::ManagePrices),
        api("GET /v1/statement-mails", "/v1/statement-mails"),
        api("PUT /v1/statement-mails", "/v1/statement-mails")
            .guarded(Guard::Key(KeyScope::Admin))
            .body(json!({"schedule": "over", "recipients": []})),
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
        api("GET /v1/statements", "/v1/statements?month=2026-11"),
    ]
}
