//! Scheduled exports: destinations, schedules, runs.

use crate::doors::sample::{Guard, Sample, api, form, page};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples() -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManageExports);
    let administers = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    let destination = json!({"kind": "azure", "bucket": "next-lake", "account": "nextlake"});
    let input = json!({"destination": destination, "secret": "bmV4dA=="});
    let schedule = json!({"destination": "lake", "cadence": "weekly", "hour": 4});
    vec![
        page("/o/{org}/exports/scheduled", "/o/acme/exports/scheduled"),
        manages(form(
            "exports/save-destination",
            &[
                ("name", "next"),
                ("destination[kind]", "s3"),
                ("destination[bucket]", "next-lake"),
                ("destination[account]", "AKIA0002"),
                ("secret", "next"),
            ],
        )),
        manages(form("exports/test-destination", &[("name", "lake")])),
        manages(form("exports/delete-destination", &[("name", "spare")])),
        manages(form(
            "exports/save-schedule",
            &[
                ("name", "next"),
                ("schedule[destination]", "lake"),
                ("schedule[cadence]", "monthly"),
                ("schedule[hour]", "5"),
            ],
        )),
        manages(form("exports/run-schedule", &[("name", "daily")])),
        manages(form("exports/delete-schedule", &[("name", "daily")])),
        api("GET /v1/export-destinations", "/v1/export-destinations"),
        // Whoever saves one of this name saves their own.
        administers(api("PUT /v1/export-destinations/{name}", "/v1/export-destinations/next")).body(input).common(),
        administers(api("DELETE /v1/export-destinations/{name}", "/v1/export-destinations/spare")),
        administers(api("POST /v1/export-destinations/{name}/test", "/v1/export-destinations/lake/test")),
        api("GET /v1/export-schedules", "/v1/export-schedules"),
        administers(api("PUT /v1/export-schedules/{name}", "/v1/export-schedules/next")).body(schedule).common(),
        administers(api("DELETE /v1/export-schedules/{name}", "/v1/export-schedules/daily")),
        administers(api("POST /v1/export-schedules/{name}/run", "/v1/export-schedules/daily/run")),
        api("GET /v1/export-schedules/{name}/runs", "/v1/export-schedules/daily/runs"),
    ]
}
