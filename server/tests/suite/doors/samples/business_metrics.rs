//! Business metrics and what one unit cost.

use crate::doors::sample::{Guard, Sample, api, file, form, page};
use crate::doors::world::{METRIC, METRICS, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManagePrices);
    let import = world.metric_import.as_str();
    let value = json!({"name": "next", "unit": "tickets", "period": "2026-11-20", "value": "3"});
    vec![
        page("/o/{org}/business-metrics", "/o/acme/business-metrics"),
        page("/o/{org}/business-metrics/{metric}", format!("/o/acme/business-metrics/{METRIC}")),
        manages(page(
            "/o/{org}/business-metrics/imports/{import}",
            format!("/o/acme/business-metrics/imports/{import}"),
        )),
        manages(file("/o/{org}/business-metrics/imports", "/o/acme/business-metrics/imports", &[], METRICS)),
        manages(form("business-metrics/enter-import", &[("import", import)])),
        api("GET /v1/business-metrics", "/v1/business-metrics"),
        api("GET /v1/business-metrics/{name}", format!("/v1/business-metrics/{METRIC}?from=2026-11-01&to=2026-12-01")),
        api("POST /v1/business-metrics", "/v1/business-metrics")
            .guarded(Guard::Key(KeyScope::Ingest))
            .body(json!({"values": [value]})),
    ]
}
