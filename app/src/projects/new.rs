//! Pages that make a team and a project.

use super::api::{CreateProject, CreateTeam};
use super::{cost_centre_field, crumbs, form, name_field};
use crate::form::Posted;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{Breadcrumb, Button, ButtonKind, Choice, Field, PageHead, Select, html};
use domain::identity::Permission;
use leptos::prelude::*;

/// A project; the address may choose its team.
pub(crate) async fn new_project(visit: Visit) -> Drawn {
    visit.scope.require(Permission::ManageProjects)?;
    let teams = backend::projects::list_teams(&visit.backend, &visit.scope).await?;
    let live = teams.iter().filter(|team| team.archived_at.is_none());
    let choices = live.map(|team| Choice::new(team.slug.as_str(), team.name.as_str())).collect();
    let posted = Posted::<CreateProject>::here();
    let team = posted.kept_or("team", visit.query.get("team").unwrap_or_default());
    let fields = view! {
        {name_field(&posted, "")}
        <Select label="Team" name="team" find=true choices=choices value=team/>
        <Field
            label="Slug"
            name="slug"
            optional=true
            maxlength=64
            hint="What events name the project by, such as support-bot. It never changes. Empty: made from the name."
            error=posted.error("slug")
            value=posted.kept_or("slug", "")
        />
        {cost_centre_field(&posted, None)}
    };
    Ok(draw(&visit, "New project", "Create project", &posted, fields.into_any()))
}

/// A team.
pub(crate) async fn new_team(visit: Visit) -> Drawn {
    visit.scope.require(Permission::ManageProjects)?;
    let posted = Posted::<CreateTeam>::here();
    let fields = view! { {name_field(&posted, "")}{cost_centre_field(&posted, None)} };
    Ok(draw(&visit, "New team", "Create team", &posted, fields.into_any()))
}

pub(super) fn draw<S: super::Door>(
    visit: &Visit,
    title: &'static str,
    verb: &'static str,
    posted: &Posted<S>,
    fields: AnyView,
) -> Page {
    let button = html! { <Button kind=ButtonKind::Primary>{verb}</Button> };
    let body = form(visit.org(), posted, fields, button);
    Page::new(title, view! { <Breadcrumb crumbs=crumbs(visit.org(), None, title)/><PageHead title=title/>{body} })
}
