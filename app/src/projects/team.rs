//! A team's page: the Overview over the projects it owned on each day, and what may be changed.

use super::api::{ArchiveTeam, UpdateTeam, load_team};
use super::{NOTICES, name_fields};
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::spend::OverviewPanel;
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Columns, Crumb, FormErrors, Loading, PageHead, Section, UrlNotice, for_real,
    loaded_first,
};
use domain::budget::SpendScope;
use domain::project::TeamDetail;
use domain::spend::Dimension;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// One team.
#[component]
pub fn TeamPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let slug = Memo::new(move |_| params.read().get("team").unwrap_or_default());
    let detail = loaded_first(move || (org.get(), slug.get()), |(org, slug)| load_team(org, slug));
    let (update, archive) = (use_form::<UpdateTeam>(), use_form::<ArchiveTeam>());
    view! {
        <Title text=move || slug.get()/>
        <UrlNotice known=&NOTICES/>
        <Transition fallback=|| view! { <Loading what="team" lines=8/> }>
            {move || Suspend::new(async move {
                let detail = detail.await;
                for_real().await;
                match detail {
                    Ok(detail) => page(&org.get_untracked(), &detail, update, archive),
                    Err(error) => view! { <PageHead title="Team" hidden=true/><Failure what="team" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn page(org: &str, detail: &TeamDetail, update: Form<UpdateTeam>, archive: Form<ArchiveTeam>) -> AnyView {
    let team = &detail.team;
    let crumbs = vec![Crumb::link("Teams and projects", format!("/o/{org}/projects")), Crumb::here(team.name.clone())];
    let archived = team.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
    let projects = projects(org, detail);
    let settings = detail.may_manage.then(|| {
        let (update, archive) = (update_form(org, detail, update), archive_form(org, detail, archive));
        view! { <Columns>{update}{archive}</Columns> }
    });
    view! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=team.name.clone()>{archived}</PageHead>
        <OverviewPanel
            org=org.to_owned()
            part=SpendScope::Team(team.team_id)
            within=(Dimension::Team, team.slug.to_string())
        />
        <Section title="Projects today">{projects}</Section>
        {settings}
    }
    .into_any()
}

fn projects(org: &str, detail: &TeamDetail) -> AnyView {
    if detail.projects.is_empty() {
        return view! { <p class="soft">"This team owns no project."</p> }.into_any();
    }
    let links = detail
        .projects
        .iter()
        .map(|project| {
            let href = format!("/o/{org}/projects/{}", project.slug);
            let archived = project.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
            view! { <li><a href=href>{project.name.clone()}</a>" "{archived}</li> }
        })
        .collect_view();
    view! { <ul>{links}</ul> }.into_any()
}

fn update_form(org: &str, detail: &TeamDetail, form: Form<UpdateTeam>) -> AnyView {
    let team = &detail.team;
    let (org, slug) = (org.to_owned(), team.slug.to_string());
    let fields = name_fields("team", form, &team.name, team.cost_centre.as_deref());
    view! {
        <Section title="Name and cost centre">
            <ActionForm action=form.action attr:class="form">
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="team" value=slug/>
                {fields}
                <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
            </ActionForm>
        </Section>
    }
    .into_any()
}

fn archive_form(org: &str, detail: &TeamDetail, form: Form<ArchiveTeam>) -> AnyView {
    let archived = detail.team.archived_at.is_some();
    let (title, text, button) = if archived {
        ("Bring back", "The team can own projects again.", "Bring back")
    } else {
        ("Archive", "Possible once the team owns no project. Its history stays in every total.", "Archive team")
    };
    let kind = if archived { ButtonKind::Secondary } else { ButtonKind::Danger };
    let (org, slug) = (org.to_owned(), detail.team.slug.to_string());
    view! {
        <Section title=title>
            <ActionForm action=form.action attr:class="form">
                <FormErrors errors=form.errors()/>
                <p class="soft">{text}</p>
                <input type="hidden" name="org" value=org/>
                <input type="hidden" name="team" value=slug/>
                <input type="hidden" name="archive" value=(!archived).to_string()/>
                <div class="actions"><Button kind=kind>{button}</Button></div>
            </ActionForm>
        </Section>
    }
    .into_any()
}
