//! Teams and projects.

use crate::doors::sample::{Sample, form, page};
use crate::doors::world::{PROJECT, TEAM, World};
use domain::identity::Permission;

pub(in crate::doors) fn samples(_: &World) -> Vec<Sample> {
    let manages = |sample: Sample| sample.needs(Permission::ManageProjects);
    let (project, team) = (("project", PROJECT), ("team", TEAM));
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
        manages(form("projects/create-team", &words)),
        manages(form("projects/create-project", &with(&[("slug", "next"), team]))),
        manages(form("projects/update-team", &with(&[team]))),
        manages(form("projects/update-project", &with(&[project]))),
        manages(form("projects/move-project", &[project, ("team", "main"), ("from", "2026-11-01")])),
        manages(form("projects/archive-project", &[project, ("archive", "true")])),
        manages(form("projects/archive-team", &[("team", "spare"), ("archive", "true")])),
    ]
}
