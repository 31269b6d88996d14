//! Saved views, boards and annotations.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::World;
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    let view = world.view.as_str();
    let manages = |sample: Sample| sample.needs(Permission::ManageOrganization);
    let admin = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    let one = format!("/v1/views/{view}");
    let query = "measure=spend&group_by=model&period=30d";
    let annotates = |sample: Sample| sample.needs(Permission::ManageViews);
    let annotation = world.annotation.as_str();
    let noted = format!("/v1/annotations/{annotation}");
    let said = [("kind", "deploy"), ("text", "Next"), ("at", "2026-11-18")];
    let sent = json!({"kind": "deploy", "text": "Next", "at": "2026-11-18", "project": "main"});
    let changed: Vec<_> = [("annotation", annotation)].into_iter().chain(said).collect();
    vec![
        page("/o/{org}/annotations", "/o/acme/annotations"),
        annotates(page("/o/{org}/annotations/{annotation}", format!("/o/acme/annotations/{annotation}"))),
        annotates(form("annotations/record", &said)),
        annotates(form("annotations/change", &changed)),
        annotates(form("annotations/delete", &[("annotation", annotation)])),
        annotates(form("annotations/restore", &[("annotation", annotation)])),
        api("GET /v1/annotations", "/v1/annotations?from=2026-11-01&to=2026-12-01"),
        api("POST /v1/annotations", "/v1/annotations").guarded(Guard::Key(KeyScope::Ingest)).body(sent),
        admin(api("PATCH /v1/annotations/{annotation_id}", noted.clone())).body(json!({"text": "Next"})),
        admin(api("DELETE /v1/annotations/{annotation_id}", noted)),
        form("views/save", &[("name", "Mine"), ("query", query)]),
        manages(form("views/change", &[("view", view), ("name", "Next"), ("shared", "true")])),
        manages(form("views/delete", &[("view", view)])),
        manages(form("views/restore", &[("view", view)])),
        manages(form("views/arrange", &[("board", "everyone"), ("view", view), ("act", "wide")])),
        api("GET /v1/views", "/v1/views"),
        admin(api("POST /v1/views", "/v1/views")).body(json!({"name": "Next", "query": query})),
        admin(api("PATCH /v1/views/{view_id}", one.clone())).body(json!({"name": "Next"})),
        admin(api("DELETE /v1/views/{view_id}", one)),
    ]
}
