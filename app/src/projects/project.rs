//! A project's page: the Overview at its scope, its owners, and what may be changed.

use super::api::{ArchiveProject, MoveProject, UpdateProject};
use super::{NOTICES, Part, crumbs};
use crate::form::Posted;
use crate::format;
use crate::page::{Drawn, Page, Visit};
use crate::spend;
use crate::ui::{
    Breadcrumb, Button, Choice, Columns, Field, PageHead, Section, Select, Table, UrlNotice, columns, html,
};
use crate::views;
use chrono::NaiveDate;
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::project::{OwnerSpan, ProjectDetail};
use domain::spend::Dimension;
use leptos::prelude::*;

/// One project.
pub(crate) async fn project(visit: Visit) -> Drawn {
    let org = visit.org();
    let detail = backend::projects::project_detail(&visit.backend, &visit.scope, visit.part("project")).await?;
    let project = &detail.project;
    let (part, slug) = (SpendScope::Project(project.project_id), project.slug.as_str());
    let within = || Some((Dimension::Project, slug));
    let (spend, views) = futures::join!(spend::panel(&visit, part, within()), views::board(&visit, part, within()));
    let head = part_of(org, &detail).head(visit.frame.may(Permission::ManageProjects));
    Ok(Page::new(
        project.name.clone(),
        view! {
            <UrlNotice known=&NOTICES/>
            <Breadcrumb crumbs=crumbs(org, None, &project.name)/>
            <PageHead title=project.name.clone()>{head}</PageHead>
            {spend}
            {views}
            {owners(org, &detail.owners)}
        },
    ))
}

/// What may be changed of it.
pub(crate) async fn edit_project(visit: Visit) -> Drawn {
    visit.scope.require(Permission::ManageProjects)?;
    let org = visit.org();
    let detail = backend::projects::project_detail(&visit.backend, &visit.scope, visit.part("project")).await?;
    let project = &detail.project;
    let part = part_of(org, &detail);
    let naming = part.naming::<UpdateProject>(&project.name, project.cost_centre.as_deref());
    let putting_away = part.putting_away::<ArchiveProject>([
        "The project takes no more events. Its history stays in every total.",
        "The project takes events again.",
    ]);
    let moving = moving(part, &detail, visit.frame.today);
    let title = format!("Edit {}", project.name);
    let own = (project.name.as_str(), format!("/o/{org}/projects/{}", project.slug));
    Ok(Page::new(
        title.clone(),
        view! {
            <Breadcrumb crumbs=crumbs(org, Some(own), "Edit")/>
            <PageHead title=title/>
            <Columns>{naming}{moving}</Columns>
            {putting_away}
        },
    ))
}

fn part_of<'a>(org: &'a str, detail: &'a ProjectDetail) -> Part<'a> {
    let project = &detail.project;
    Part { org, kind: "project", slug: project.slug.as_str(), archived: project.archived_at.is_some() }
}

fn owners(org: &str, owners: &[OwnerSpan]) -> AnyView {
    let rows = owners.iter().map(|owner| owner_row(org, owner)).collect_view();
    let columns = columns("Team | From | Through | Cost centre");
    html! {
        <Section title="Owners">
            <Table caption="Owners of the project over time" columns=columns>{rows}</Table>
        </Section>
    }
}

fn owner_row(org: &str, owner: &OwnerSpan) -> AnyView {
    let href = format!("/o/{org}/teams/{}", owner.team.slug);
    let from = owner.valid_from.map_or_else(|| "all time".to_owned(), format::day_year);
    let through =
        owner.valid_to.and_then(|day| day.pred_opt()).map_or_else(|| "today and on".to_owned(), format::day_year);
    html! {
        <tr>
            <th scope="row"><a href=href>{owner.team.name.clone()}</a></th>
            <td>{from}</td>
            <td>{through}</td>
            <td>{owner.team.cost_centre.clone()}</td>
        </tr>
    }
}

fn moving(part: Part<'_>, detail: &ProjectDetail, today: NaiveDate) -> AnyView {
    let form = Posted::<MoveProject>::here();
    let choices = detail.teams.iter().map(|team| Choice::new(team.slug.as_str(), team.name.as_str())).collect();
    let owner = detail.teams.iter().find(|team| team.team_id == detail.project.team_id);
    let owner = form.kept_or("team", owner.map(|team| team.slug.as_str()).unwrap_or_default());
    let fields = view! {
        <Select label="Team" name="team" find=true choices=choices value=owner/>
        <Field
            label="From"
            name="from"
            kind="date"
            optional=true
            hint="Days before stay with the team that owned them. Empty: for all time."
            error=form.error("from")
            value=form.kept_or("from", &today.to_string())
        />
    };
    part.form("Owner", &form, fields.into_any(), html! { <Button>"Set owner"</Button> })
}
