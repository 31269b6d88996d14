//! A team's page: the Overview over the projects it owned on each day, and what may be changed.

use super::api::{ArchiveTeam, UpdateTeam};
use super::{NOTICES, Part};
use crate::page::{Drawn, Page, Visit};
use crate::spend;
use crate::ui::{Badge, Breadcrumb, Columns, Crumb, PageHead, Section, UrlNotice};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::project::Project;
use domain::spend::Dimension;
use leptos::prelude::*;

/// One team.
pub(crate) async fn team(visit: Visit) -> Drawn {
    let org = visit.org();
    let (team, owned) = backend::projects::team_detail(&visit.backend, &visit.scope, visit.part("team")).await?;
    let slug = team.slug.as_str();
    let spend = spend::panel(&visit, SpendScope::Team(team.team_id), Some((Dimension::Team, slug))).await;
    let crumbs = vec![Crumb::link("Teams and projects", format!("/o/{org}/projects")), Crumb::here(team.name.clone())];
    let archived = team.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
    let projects = projects(org, &owned);
    let settings = visit.frame.may(Permission::ManageProjects).then(|| {
        let part = Part { org, kind: "team", slug, archived: team.archived_at.is_some() };
        let naming = part.naming::<UpdateTeam>(&team.name, team.cost_centre.as_deref());
        let putting_away = part.putting_away::<ArchiveTeam>([
            "Possible once the team owns no project. Its history stays in every total.",
            "The team can own projects again.",
        ]);
        view! { <Columns>{naming}{putting_away}</Columns> }
    });
    Ok(Page::new(
        slug,
        view! {
            <UrlNotice known=&NOTICES/>
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=team.name.clone()>{archived}</PageHead>
            {spend}
            <Section title="Projects today">{projects}</Section>
            {settings}
        },
    ))
}

fn projects(org: &str, owned: &[Project]) -> AnyView {
    if owned.is_empty() {
        return view! { <p class="soft">"This team owns no project."</p> }.into_any();
    }
    let links = owned
        .iter()
        .map(|project| {
            let href = format!("/o/{org}/projects/{}", project.slug);
            let archived = project.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
            view! { <li><a href=href>{project.name.clone()}</a>" "{archived}</li> }
        })
        .collect_view();
    view! { <ul>{links}</ul> }.into_any()
}
