//! The tree: every team with its projects and what they spent this month.

use super::api::{CreateProject, CreateTeam, load_tree};
use super::{NOTICES, name_fields};
use crate::error::Failure;
use crate::form::use_form;
use crate::format;
use crate::spend::SpendCell;
use crate::ui::{
    Badge, Button, ButtonKind, Choice, Column, Columns, Field, FormErrors, Loading, PageHead, Section, Select, Table,
    UrlNotice,
};
use domain::project::{ProjectLeaf, ProjectTree, TeamBranch};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// All teams and projects.
#[component]
pub fn ProjectsPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let tree = Resource::new(move || org.get(), load_tree);
    let project_form = use_form::<CreateProject>();
    let team_form = use_form::<CreateTeam>();
    view! {
        <Title text="Teams and projects"/>
        <UrlNotice known=&NOTICES/>
        <PageHead title="Teams and projects" lead="Who owns what, and what it spent this month to date."/>
        <Transition fallback=|| view! { <Loading what="teams and projects" lines=8/> }>
            {move || Suspend::new(async move {
                match tree.await {
                    Ok(tree) => {
                        let org = org.get_untracked();
                        let forms = tree.may_manage.then(|| forms(&org, &tree, project_form, team_form));
                        let table = table(&org, &tree);
                        view! { {table}{forms} }.into_any()
                    }
                    Err(error) => view! { <Failure what="teams and projects" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn table(org: &str, tree: &ProjectTree) -> AnyView {
    let rows = tree
        .teams
        .iter()
        .map(|branch| {
            let head = team_row(org, branch);
            let leaves = branch.projects.iter().map(|leaf| project_row(org, leaf)).collect_view();
            view! { {head}{leaves} }
        })
        .collect_view();
    let columns = vec![
        Column::text("Team and project"),
        Column::text("Cost centre"),
        Column::number("Requests"),
        Column::number("Spend, $"),
    ];
    let total = tree.total.clone();
    let foot = move || {
        view! {
            <tr>
                <th scope="row">"total"</th>
                <td></td>
                <td class="num">{format::count(total.requests)}</td>
                <SpendCell sums=total.clone()/>
            </tr>
        }
    };
    let caption = format!("Spend since {}", format::day(tree.month));
    view! { <Table caption=caption columns=columns totals=true foot=foot>{rows}</Table> }.into_any()
}

fn team_row(org: &str, branch: &TeamBranch) -> AnyView {
    let href = format!("/o/{org}/teams/{}", branch.team.slug);
    let archived = branch.team.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
    view! {
        <tr class="statement-team">
            <th scope="row"><a href=href>{branch.team.name.clone()}</a>" "{archived}</th>
            <td>{branch.team.cost_centre.clone()}</td>
            <td class="num">{format::count(branch.sums.requests)}</td>
            <SpendCell sums=branch.sums.clone()/>
        </tr>
    }
    .into_any()
}

fn project_row(org: &str, leaf: &ProjectLeaf) -> AnyView {
    let project = &leaf.project;
    let href = format!("/o/{org}/projects/{}", project.slug);
    let archived = project.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
    view! {
        <tr class="statement-project">
            <th scope="row">
                <a href=href>{project.name.clone()}</a>" "<span class="note">{project.slug.to_string()}</span>" "{archived}
            </th>
            <td>{project.cost_centre.clone()}</td>
            <td class="num">{format::count(leaf.sums.requests)}</td>
            <SpendCell sums=leaf.sums.clone()/>
        </tr>
    }
    .into_any()
}

fn forms(
    org: &str,
    tree: &ProjectTree,
    project: crate::form::Form<CreateProject>,
    team: crate::form::Form<CreateTeam>,
) -> AnyView {
    let choices: Vec<Choice> = tree
        .teams
        .iter()
        .filter(|branch| branch.team.archived_at.is_none())
        .map(|branch| Choice::new(branch.team.slug.as_str(), branch.team.name.as_str()))
        .collect();
    let team_fields = name_fields("team", team, "", None);
    let (org_of_project, org_of_team) = (org.to_owned(), org.to_owned());
    view! {
        <Columns>
            <Section title="New project" id="new-project">
                <ActionForm action=project.action attr:class="form">
                    <FormErrors errors=project.errors()/>
                    <input type="hidden" name="org" value=org_of_project/>
                    <Field label="Name" name="name" id="project-name" maxlength=80 error=project.error("name") value=project.kept_or("name", "")/>
                    <Field
                        label="Slug"
                        name="slug"
                        id="project-slug"
                        optional=true
                        maxlength=64
                        hint="The word that events carry, such as support-bot. It never changes; empty: made from the name."
                        error=project.error("slug")
                        value=project.kept_or("slug", "")
                    />
                    <Select label="Team" name="team" id="project-team" choices=choices value=project.kept_or("team", "")/>
                    <Field
                        label="Cost centre"
                        name="cost_centre"
                        id="project-cost-centre"
                        optional=true
                        maxlength=40
                        error=project.error("cost_centre")
                        value=project.kept_or("cost_centre", "")
                    />
                    <div class="actions"><Button kind=ButtonKind::Primary>"Create project"</Button></div>
                </ActionForm>
            </Section>
            <Section title="New team" id="new-team">
                <ActionForm action=team.action attr:class="form">
                    <FormErrors errors=team.errors()/>
                    <input type="hidden" name="org" value=org_of_team/>
                    {team_fields}
                    <div class="actions"><Button kind=ButtonKind::Primary>"Create team"</Button></div>
                </ActionForm>
            </Section>
        </Columns>
    }
    .into_any()
}
