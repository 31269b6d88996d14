//! A project's page: the Overview at its scope, its owners, and what may be changed.

use super::api::{ArchiveProject, MoveProject, UpdateProject, load_project};
use super::{NOTICES, name_fields};
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::spend::OverviewPanel;
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Choice, Column, Columns, Crumb, Field, FormErrors, Loading, PageHead,
    Section, Select, Table, UrlNotice, for_real, loaded_first,
};
use domain::budget::SpendScope;
use domain::project::{OwnerSpan, ProjectDetail};
use domain::spend::Dimension;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// One project.
#[component]
pub fn ProjectPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let slug = Memo::new(move |_| params.read().get("project").unwrap_or_default());
    let detail = loaded_first(move || (org.get(), slug.get()), |(org, slug)| load_project(org, slug));
    let forms = Forms { update: use_form(), move_to: use_form(), archive: use_form() };
    view! {
        <Title text=move || slug.get()/>
        <UrlNotice known=&NOTICES/>
        <Transition fallback=|| view! { <Loading what="project" lines=8/> }>
            {move || Suspend::new(async move {
                let detail = detail.await;
                for_real().await;
                match detail {
                    Ok(detail) => page(&org.get_untracked(), detail, forms),
                    Err(error) => view! { <PageHead title="Project" hidden=true/><Failure what="project" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The page's forms; made once, outside of what is loaded.
#[derive(Clone, Copy)]
struct Forms {
    update: Form<UpdateProject>,
    move_to: Form<MoveProject>,
    archive: Form<ArchiveProject>,
}

fn page(org: &str, detail: ProjectDetail, forms: Forms) -> AnyView {
    let project = detail.project.clone();
    let slug = project.slug.to_string();
    let crumbs =
        vec![Crumb::link("Teams and projects", format!("/o/{org}/projects")), Crumb::here(project.name.clone())];
    let archived = project.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
    let settings = detail.may_manage.then(|| settings(org, &detail, forms));
    let owners = owners(org, &detail);
    view! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=project.name.clone()>{archived}</PageHead>
        <OverviewPanel
            org=org.to_owned()
            part=SpendScope::Project(project.project_id)
            within=(Dimension::Project, slug)
        />
        {owners}
        {settings}
    }
    .into_any()
}

fn owners(org: &str, detail: &ProjectDetail) -> AnyView {
    let rows = detail.owners.iter().map(|owner| owner_row(org, owner)).collect_view();
    let columns =
        vec![Column::text("Team"), Column::text("From"), Column::text("Through"), Column::text("Cost centre")];
    view! {
        <Section title="Owners">
            <Table caption="Owners of the project over time" columns=columns>{rows}</Table>
        </Section>
    }
    .into_any()
}

fn owner_row(org: &str, owner: &OwnerSpan) -> AnyView {
    let href = format!("/o/{org}/teams/{}", owner.team.slug);
    let from = owner.valid_from.map_or_else(|| "the beginning".to_owned(), format::day_year);
    let through =
        owner.valid_to.and_then(|day| day.pred_opt()).map_or_else(|| "today and on".to_owned(), format::day_year);
    view! {
        <tr>
            <th scope="row"><a href=href>{owner.team.name.clone()}</a></th>
            <td>{from}</td>
            <td>{through}</td>
            <td>{owner.team.cost_centre.clone()}</td>
        </tr>
    }
    .into_any()
}

fn settings(org: &str, detail: &ProjectDetail, forms: Forms) -> AnyView {
    let update = update_form(org, detail, forms.update);
    let move_to = move_form(org, detail, forms.move_to);
    let archive = archive_form(org, detail, forms.archive);
    view! { <Columns>{update}{move_to}</Columns>{archive} }.into_any()
}

fn update_form(org: &str, detail: &ProjectDetail, form: Form<UpdateProject>) -> AnyView {
    let project = &detail.project;
    let (org, slug) = (org.to_owned(), project.slug.to_string());
    let fields = name_fields("project", form, &project.name, project.cost_centre.as_deref());
    view! {
        <Section title="Name and cost centre">
            <ActionForm action=form.action attr:class="form">
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="project" value=slug/>
                {fields}
                <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
            </ActionForm>
        </Section>
    }
    .into_any()
}

fn move_form(org: &str, detail: &ProjectDetail, form: Form<MoveProject>) -> AnyView {
    let project = &detail.project;
    let choices: Vec<Choice> =
        detail.teams.iter().map(|team| Choice::new(team.slug.as_str(), team.name.as_str())).collect();
    let owner = detail.teams.iter().find(|team| team.team_id == project.team_id);
    let owner = form.kept_or("team", owner.map(|team| team.slug.as_str()).unwrap_or_default());
    let from = form.kept_or("from", &detail.today.to_string());
    let (org, slug) = (org.to_owned(), project.slug.to_string());
    view! {
        <Section title="Owner">
            <ActionForm action=form.action attr:class="form">
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="project" value=slug/>
                <Select label="Team" name="team" choices=choices value=owner/>
                <Field
                    label="From"
                    name="from"
                    kind="date"
                    optional=true
                    hint="Days before stay with the team that owned them. Empty: since the beginning."
                    error=form.error("from")
                    value=from
                />
                <div class="actions"><Button>"Set owner"</Button></div>
            </ActionForm>
        </Section>
    }
    .into_any()
}

fn archive_form(org: &str, detail: &ProjectDetail, form: Form<ArchiveProject>) -> AnyView {
    let archived = detail.project.archived_at.is_some();
    let (title, text, button) = if archived {
        ("Bring back", "The project takes events again.", "Bring back")
    } else {
        ("Archive", "The project takes no more events. Its history stays in every total.", "Archive project")
    };
    let kind = if archived { ButtonKind::Secondary } else { ButtonKind::Danger };
    let (org, slug) = (org.to_owned(), detail.project.slug.to_string());
    view! {
        <Section title=title>
            <ActionForm action=form.action attr:class="form">
                <FormErrors errors=form.errors()/>
                <p class="soft">{text}</p>
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="project" value=slug/>
                <input type="hidden" name="archive" value=(!archived).to_string()/>
                <div class="actions"><Button kind=kind>{button}</Button></div>
            </ActionForm>
        </Section>
    }
    .into_any()
}
