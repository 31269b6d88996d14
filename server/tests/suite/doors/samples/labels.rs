//! Labels: required ones, and values that are one.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::World;
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(_: &World) -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManagePrices);
    let administers = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    let alias = [("label", "feature"), ("value", "triage"), ("canonical", "Triage")];
    let (known, required) = ([("label", "tag.department"), ("value", "eng")], [("label", "feature")]);
    vec![
        page("/o/{org}/labels", "/o/acme/labels"),
        manages(form("labels/require", &[("label", "customer")])),
        manages(form("labels/release", &required)),
        manages(form("labels/alias", &alias)),
        manages(form("labels/remove-alias", &known)),
        api("GET /v1/value-aliases", "/v1/value-aliases"),
        administers(api("POST /v1/value-aliases", "/v1/value-aliases"))
            .body(json!({"label": "feature", "value": "triage", "canonical": "Triage"})),
        administers(api("DELETE /v1/value-aliases", "/v1/value-aliases?label=tag.department&value=eng")),
        api("GET /v1/required-labels", "/v1/required-labels?from=2026-11-01&to=2026-12-01"),
        administers(api("POST /v1/required-labels", "/v1/required-labels")).body(json!({"label": "customer"})),
        administers(api("DELETE /v1/required-labels", "/v1/required-labels?label=feature")),
    ]
}
