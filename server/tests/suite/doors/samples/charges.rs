//! Charges beside events.

use crate::doors::sample::{Guard, Sample, api, file, form, page};
use crate::doors::world::{CHARGES, PROJECT, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManagePrices);
    let administers = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    let (charge, import) = (world.charge.as_str(), world.charge_import.as_str());
    let typed = [
        ("charge[kind]", "seats"),
        ("charge[description]", "Next"),
        ("charge[rate]", "20"),
        ("charge[from]", "2026-11-01"),
        ("charge[project]", PROJECT),
        ("charge[source]", "Contract"),
        ("charge[reason]", "Contract"),
        ("labels", "stage=prod"),
    ];
    let sent = json!({"kind": "seats", "description": "Next", "rate": "20", "from": "2026-11-01", "source": "Contract", "reason": "Contract"});
    vec![
        page("/o/{org}/charges", "/o/acme/charges"),
        page("/o/{org}/charges.csv", "/o/acme/charges.csv"),
        page("/o/{org}/charges/{charge}", format!("/o/acme/charges/{charge}")),
        manages(page("/o/{org}/charges/new", "/o/acme/charges/new")),
        manages(page("/o/{org}/charges/imports/{import}", format!("/o/acme/charges/imports/{import}"))),
        manages(file("/o/{org}/charges/imports", "/o/acme/charges/imports", &[], CHARGES)),
        manages(form("charges/enter", &typed)),
        manages(form("charges/end", &[("charge", charge), ("valid_to", "2026-11-15"), ("reason", "Contract")])),
        manages(form("charges/enter-import", &[("import", import)])),
        api("GET /v1/charges", "/v1/charges"),
        administers(api("POST /v1/charges", "/v1/charges")).body(json!({"charges": [sent]})),
        administers(api("POST /v1/charges/{rule_id}/end", format!("/v1/charges/{charge}/end")))
            .body(json!({"valid_to": "2026-11-15", "reason": "Contract"})),
    ]
}
