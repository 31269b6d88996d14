//! Allocation: who answers for what, which concerns the whole organization.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::{TEAM, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManagePrices);
    let administers = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    let rule = world.allocation_rule.as_str();
    let sent = json!({
        "name": "Next",
        "conditions": [{"dimension": "feature", "test": "is", "values": "search"}],
        "method": "relabel",
        "targets": [{"to": format!("team:{TEAM}")}],
        "reason": "Agreed"
    });
    let typed = [
        ("name", "Next"),
        ("conditions[0][dimension]", "feature"),
        ("conditions[0][test]", "is"),
        ("conditions[0][values]", "search"),
        ("method", "relabel"),
        ("targets[0][to]", "team:lab"),
        ("reason", "Agreed"),
    ];
    let days = "from=2026-11-01&to=2026-12-01";
    vec![
        page("/o/{org}/allocation", "/o/acme/allocation"),
        manages(page("/o/{org}/allocation/new", "/o/acme/allocation/new")),
        page("/o/{org}/allocation/{month}/{kind}/{name}", format!("/o/acme/allocation/2026-11/rule/{rule}")),
        manages(form("allocation/enter", &typed)),
        manages(form("allocation/place", &[("rule", rule), ("place", "1")])),
        api("GET /v1/allocation", format!("/v1/allocation?{days}")),
        api("GET /v1/allocation-rules", "/v1/allocation-rules"),
        administers(api("POST /v1/allocation-rules", "/v1/allocation-rules")).body(sent.clone()),
        administers(api("POST /v1/allocation-rules/preview", "/v1/allocation-rules/preview")).body(sent),
        api(
            "GET /v1/allocation-rules/{rule_id}/explanation",
            format!("/v1/allocation-rules/{rule}/explanation?{days}"),
        ),
        administers(api("POST /v1/allocation-rules/{rule_id}/place", format!("/v1/allocation-rules/{rule}/place")))
            .body(json!({"place": 1})),
    ]
}
