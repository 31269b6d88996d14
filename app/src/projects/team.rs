//! A team's page: the Overview over the projects it owned on each day, and what may be changed.

use super::api::{ArchiveTeam, UpdateTeam};
use super::{NOTICES, Part, crumbs};
use crate::layout::UrlQuery;
use crate::page::{Drawn, Page, Visit};
use crate::spend;
use crate::ui::{Badge, Breadcrumb, Button, Columns, PageHead, Section, UrlNotice, html};
use crate::views;
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
    let (part, within) = (SpendScope::Team(team.team_id), || Some((Dimension::Team, slug)));
    let (spend, views) = futures::join!(spend::panel(&visit, part, within()), views::board(&visit, part, within()));
    let may_manage = visit.frame.may(Permission::ManageProjects);
    let head = Part { org, kind: "team", slug, archived: team.archived_at.is_some() }.head(may_manage);
    let add = (may_manage && team.archived_at.is_none()).then(|| {
        let href = UrlQuery::new().with("team", slug).at(&format!("/o/{org}/new/project"));
        view! { <div class="actions"><Button href=href>"New project"</Button></div> }
    });
    let projects = projects(org, &owned);
    Ok(Page::new(
        team.name.clone(),
        view! {
            <UrlNotice known=&NOTICES/>
            <Breadcrumb crumbs=crumbs(org, None, &team.name)/>
            <PageHead title=team.name.clone()>{head}</PageHead>
            {spend}
            {views}
            <Section title="Projects today">{projects}{add}</Section>
        },
    ))
}

/// What may be changed of it.
pub(crate) async fn edit_team(visit: Visit) -> Drawn {
    visit.scope.require(Permission::ManageProjects)?;
    let org = visit.org();
    let (team, _) = backend::projects::team_detail(&visit.backend, &visit.scope, visit.part("team")).await?;
    let part = Part { org, kind: "team", slug: team.slug.as_str(), archived: team.archived_at.is_some() };
    let naming = part.naming::<UpdateTeam>(&team.name, team.cost_centre.as_deref());
    let putting_away = part.putting_away::<ArchiveTeam>([
        "Possible once the team owns no project. Its history stays in every total.",
        "The team can own projects again.",
    ]);
    let title = format!("Edit {}", team.name);
    let own = (team.name.as_str(), format!("/o/{org}/teams/{}", team.slug));
    Ok(Page::new(
        title.clone(),
        view! {
            <Breadcrumb crumbs=crumbs(org, Some(own), "Edit")/>
            <PageHead title=title/>
            <Columns>{naming}{putting_away}</Columns>
        },
    ))
}

pub(super) fn projects(org: &str, owned: &[Project]) -> AnyView {
    if owned.is_empty() {
        return html! { <p class="soft">"This team owns no project."</p> };
    }
    let links = owned
        .iter()
        .map(|project| {
            let href = format!("/o/{org}/projects/{}", project.slug);
            let archived = project.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
            view! { <li><a href=href>{project.name.clone()}</a>" "{archived}</li> }
        })
        .collect_view();
    html! { <ul class="project-links">{links}</ul> }
}
