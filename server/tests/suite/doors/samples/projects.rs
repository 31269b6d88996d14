//! Teams and projects.

use crate::doors::sample::{Guard, Sample, api, form, page};
use crate::doors::world::{LINE, PROJECT, TEAM, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(_: &World) -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManageProjects);
    let administers = |sample: Sample| sample.guarded(Guard::Key(KeyScope::Admin));
    let (project, team, line) = (("project", PROJECT), ("team", TEAM), ("product_line", LINE));
    let words = [("name", "Next"), ("cost_centre", "4711")];
    let with = |further: &[(&'static str, &'static str)]| [&words[..], further].concat();
    vec![
        page("/o/{org}/projects", "/o/acme/projects"),
        page("/o/{org}/projects.csv", "/o/acme/projects.csv"),
        page("/o/{org}/projects/{project}", format!("/o/acme/projects/{PROJECT}")),
        page("/o/{org}/teams/{team}", format!("/o/acme/teams/{TEAM}")),
        page("/o/{org}/new/project", format!("/o/acme/new/project?team={TEAM}")).needs(Permission::ManageProjects),
        page("/o/{org}/new/team", "/o/acme/new/team").needs(Permission::ManageProjects),
        page("/o/{org}/projects/{project}/edit", format!("/o/acme/projects/{PROJECT}/edit"))
            .needs(Permission::ManageProjects),
        page("/o/{org}/teams/{team}/edit", format!("/o/acme/teams/{TEAM}/edit")).needs(Permission::ManageProjects),
        page("/o/{org}/product-lines/{line}", format!("/o/acme/product-lines/{LINE}")),
        manages(page("/o/{org}/new/product-line", "/o/acme/new/product-line")),
        manages(page("/o/{org}/product-lines/{line}/edit", format!("/o/acme/product-lines/{LINE}/edit"))),
        manages(form("projects/create-product-line", &[("name", "Next")])),
        manages(form("projects/rename-product-line", &[line, ("name", "Next")])),
        manages(form("projects/archive-product-line", &[("product_line", "spare"), ("archive", "true")])),
        manages(form("projects/assign-product-line", &[project, ("product_line", "spare"), ("from", "2026-11-01")])),
        api("GET /v1/product-lines", "/v1/product-lines"),
        administers(api("POST /v1/product-lines", "/v1/product-lines")).body(json!({"name": "Next"})),
        administers(api("PATCH /v1/product-lines/{slug}", format!("/v1/product-lines/{LINE}")))
            .body(json!({"name": "Next"})),
        administers(api("PUT /v1/projects/{project}/product-line", format!("/v1/projects/{PROJECT}/product-line")))
            .body(json!({"product_line": null, "from": "2026-11-01"})),
        manages(form("projects/create-team", &words)),
        manages(form("projects/create-project", &with(&[("slug", "next"), team]))),
        manages(form("projects/update-team", &with(&[team]))),
        manages(form("projects/update-project", &with(&[project]))),
        manages(form("projects/move-project", &[project, ("team", "main"), ("from", "2026-11-01")])),
        manages(form("projects/archive-project", &[project, ("archive", "true")])),
        manages(form("projects/archive-team", &[("team", "spare"), ("archive", "true")])),
    ]
}
