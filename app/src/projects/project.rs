//! A project's page: the Overview at its scope, its owners, and what may be changed.

use super::api::{ArchiveProject, AssignProductLine, MoveProject, UpdateProject};
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
use domain::project::{LineOfProject, OwnerSpan, ProjectDetail};
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
            {lines(org, &detail.lines)}
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
    let lining =
        (visit.scope.sees_all() && !detail.product_lines.is_empty()).then(|| lining(part, &detail, visit.frame.today));
    let title = format!("Edit {}", project.name);
    let own = (project.name.as_str(), format!("/o/{org}/projects/{}", project.slug));
    Ok(Page::new(
        title.clone(),
        view! {
            <Breadcrumb crumbs=crumbs(org, Some(own), "Edit")/>
            <PageHead title=title/>
            <Columns>{naming}{moving}</Columns>
            {lining}
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
    html! {
        <tr>
            <th scope="row"><a href=href>{owner.team.name.clone()}</a></th>
            {days(owner.valid_from, owner.valid_to)}
            <td>{owner.team.cost_centre.clone()}</td>
        </tr>
    }
}

/// First and last day, as cells.
fn days(from: Option<NaiveDate>, to: Option<NaiveDate>) -> AnyView {
    let from = from.map_or_else(|| "all time".to_owned(), format::day_year);
    let through = to.and_then(|day| day.pred_opt()).map_or_else(|| "today and on".to_owned(), format::day_year);
    html! { <td>{from}</td><td>{through}</td> }
}

/// The product lines that it belonged to; nothing where there was none.
fn lines(org: &str, lines: &[LineOfProject]) -> Option<AnyView> {
    let row = |of: &LineOfProject| {
        let href = format!("/o/{org}/product-lines/{}", of.line.slug);
        html! { <tr><th scope="row"><a href=href>{of.line.name.clone()}</a></th>{days(of.span.valid_from, of.span.valid_to)}</tr> }
    };
    let rows = lines.iter().map(row).collect_view();
    let columns = columns("Product line | From | Through");
    (!lines.is_empty()).then(|| {
        html! {
            <Section title="Product lines">
                <Table caption="Product lines of the project over time" columns=columns>{rows}</Table>
            </Section>
        }
    })
}

/// Puts it into a product line, or into none.
fn lining(part: Part<'_>, detail: &ProjectDetail, today: NaiveDate) -> AnyView {
    let form = Posted::<AssignProductLine>::here();
    let lines = detail.product_lines.iter().map(|line| Choice::new(line.slug.as_str(), line.name.as_str()));
    let choices = std::iter::once(Choice::new("", "None")).chain(lines).collect();
    let now = detail.lines.iter().find(|of| of.span.holds(today));
    let line = form.kept_or("product_line", now.map(|of| of.line.slug.as_str()).unwrap_or_default());
    let fields = view! {
        <Select label="Product line" name="product_line" choices=choices value=line error=form.error("product_line")/>
        {from_field(&form, today, "Days before stay as they are. Empty: for all time.")}
    };
    part.form("Product line", &form, fields.into_any(), html! { <Button>"Set product line"</Button> })
}

/// The first day of a change.
fn from_field<S: super::Door>(form: &Posted<S>, today: NaiveDate, hint: &'static str) -> AnyView {
    let value = form.kept_or("from", &today.to_string());
    html! { <Field label="From" name="from" kind="date" optional=true hint=hint error=form.error("from") value=value/> }
}

fn moving(part: Part<'_>, detail: &ProjectDetail, today: NaiveDate) -> AnyView {
    let form = Posted::<MoveProject>::here();
    let choices = detail.teams.iter().map(|team| Choice::new(team.slug.as_str(), team.name.as_str())).collect();
    let owner = detail.teams.iter().find(|team| team.team_id == detail.project.team_id);
    let owner = form.kept_or("team", owner.map(|team| team.slug.as_str()).unwrap_or_default());
    let fields = view! {
        <Select label="Team" name="team" find=true choices=choices value=owner/>
        {from_field(&form, today, "Days before stay with the team that owned them. Empty: for all time.")}
    };
    part.form("Owner", &form, fields.into_any(), html! { <Button>"Set owner"</Button> })
}
