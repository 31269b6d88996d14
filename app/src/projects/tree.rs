//! The tree: every team with its projects, what they spent this month, where that will end and what they may spend.

use super::api::{CreateProject, CreateTeam, load_tree};
use super::{NOTICES, name_fields};
use crate::error::Failure;
use crate::form::use_form;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::spend::SpendCell;
use crate::ui::{
    Badge, Button, ButtonKind, Choice, Column, Columns, Field, FormErrors, Loading, PageHead, Section, Select, Table,
    UrlNotice, loaded,
};
use domain::budget::{BudgetStatus, ScopeRef};
use domain::forecast::{ForecastPage, ForecastRow};
use domain::project::{ProjectLeaf, ProjectTree, TeamBranch};
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use std::sync::Arc;

/// All teams and projects.
#[component]
pub fn ProjectsPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let tree = loaded(move || org.get(), load_tree);
    let map = use_query_map();
    let archived = Memo::new(move |_| map.read().get(ARCHIVED).as_deref() == Some("true"));
    let project_form = use_form::<CreateProject>();
    let team_form = use_form::<CreateTeam>();
    view! {
        <Title text="Teams and projects"/>
        <UrlNotice known=&NOTICES/>
        <PageHead title="Teams and projects" lead="Who owns what, what it spent this month to date, and where the month will end."/>
        <Transition fallback=|| view! { <Loading what="teams and projects" lines=8/> }>
            {move || Suspend::new(async move {
                match tree.await {
                    Ok((tree, ahead)) => {
                        let org = org.get_untracked();
                        let forms = tree.may_manage.then(|| forms(&org, &tree, project_form, team_form));
                        let view = Arc::new(View { org, ahead });
                        // The switch needs no new answer.
                        let rows = move || view.draw(&tree, archived.get());
                        view! { {rows}{forms} }.into_any()
                    }
                    Err(error) => view! { <Failure what="teams and projects" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The parameter that shows what was put away, too.
const ARCHIVED: &str = "archived";

/// What every row of the tree needs.
struct View {
    org: String,
    ahead: ForecastPage,
}

impl View {
    /// The table with or without what was put away; what has spend this month always stands there, so that rows add up.
    fn draw(self: &Arc<Self>, tree: &ProjectTree, archived: bool) -> AnyView {
        let rows = tree
            .teams
            .iter()
            .filter(|branch| archived || !is_gone(branch))
            .map(|branch| {
                let head = self.team_row(branch);
                let leaves = branch.projects.iter().filter(|leaf| archived || !is_put_away(leaf));
                let leaves = leaves.map(|leaf| self.project_row(leaf)).collect_view();
                view! { {head}{leaves} }
            })
            .collect_view();
        let columns = vec![
            Column::text("Team and project"),
            Column::number("Spend, $"),
            Column::number("Expected, $"),
            Column::number("Budget used"),
            Column::number("Requests"),
            Column::text("Cost centre"),
        ];
        let total = tree.total.clone();
        let caption = format!("Spend since {}", format::day(tree.month));
        let view = Arc::clone(self);
        let foot = move || {
            let (expected, budget) = (expected(Some(&view.ahead.organization)), view.budget(&ScopeRef::Organization));
            view! {
                <tr>
                    <th scope="row">"total"</th>
                    <SpendCell sums=total.clone()/>
                    {expected}
                    {budget}
                    <td class="num">{format::count(total.requests)}</td>
                    <td></td>
                </tr>
            }
        };
        let switch = self.switch(tree, archived);
        view! { <Table caption=caption columns=columns totals=true foot=foot>{rows}</Table>{switch} }.into_any()
    }

    /// Shows and hides what was put away.
    fn switch(&self, tree: &ProjectTree, archived: bool) -> Option<AnyView> {
        let teams = tree.teams.iter().filter(|branch| is_gone(branch)).count();
        let projects = tree.teams.iter().flat_map(|branch| &branch.projects).filter(|leaf| is_put_away(leaf)).count();
        let count = i128::try_from(teams + projects).unwrap_or_default();
        let path = NavItem::Projects.path(&self.org);
        let (href, words) = if archived {
            (path, "Hide what is archived".to_owned())
        } else {
            (UrlQuery::new().with(ARCHIVED, "true").at(&path), format!("Show {} archived", format::count(count)))
        };
        (count > 0).then(|| view! { <p class="soft small"><a href=href>{words}</a></p> }.into_any())
    }

    fn team_row(&self, branch: &TeamBranch) -> AnyView {
        let team = &branch.team;
        let href = format!("/o/{}/teams/{}", self.org, team.slug);
        let archived = team.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
        let expected = expected(self.ahead.teams.iter().find(|row| row.slug == team.slug.as_str()));
        let budget = self.budget(&ScopeRef::Team(team.slug.clone()));
        view! {
            <tr class="statement-team">
                <th scope="row"><a href=href>{team.name.clone()}</a>" "{archived}</th>
                <SpendCell sums=branch.sums.clone()/>
                {expected}
                {budget}
                <td class="num">{format::count(branch.sums.requests)}</td>
                <td>{team.cost_centre.clone()}</td>
            </tr>
        }
        .into_any()
    }

    fn project_row(&self, leaf: &ProjectLeaf) -> AnyView {
        let project = &leaf.project;
        let href = format!("/o/{}/projects/{}", self.org, project.slug);
        let archived = project.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
        let slug = project.slug.to_string();
        let slug = (slug != project.name).then(|| view! { <span class="note">{slug}</span>" " });
        let expected = expected(self.ahead.projects.iter().find(|row| row.slug == project.slug.as_str()));
        let budget = self.budget(&ScopeRef::Project(project.slug.clone()));
        view! {
            <tr class="statement-project">
                <th scope="row">
                    <a href=href>{project.name.clone()}</a>" "{slug}{archived}
                </th>
                <SpendCell sums=leaf.sums.clone()/>
                {expected}
                {budget}
                <td class="num">{format::count(leaf.sums.requests)}</td>
                <td>{project.cost_centre.clone()}</td>
            </tr>
        }
        .into_any()
    }

    /// The budget of exactly this part that is used most, with its page.
    fn budget(&self, part: &ScopeRef) -> AnyView {
        let own = self.ahead.budgets.iter().map(|row| &row.state).filter(|state| state.budget.scope_ref == *part);
        let Some(state) = own.max_by_key(|state| state.usage.percent()) else {
            return view! { <td class="num soft">{format::NONE}</td> }.into_any();
        };
        let href = format!("{}/{}", NavItem::Budgets.path(&self.org), state.budget.budget_id);
        let text = format!("{} of {}", state.usage.percent_text(), format::money_rounded(state.usage.amount));
        let hue = match state.status {
            BudgetStatus::Ok => "",
            BudgetStatus::Warning => "warn",
            BudgetStatus::Exceeded => "bad",
        };
        let title = format!("{}: {}", state.budget.name, format::money_full(state.usage.used));
        view! { <td class="num"><a href=href class=hue title=title>{text}</a></td> }.into_any()
    }
}

/// Put away, and nothing of it was used this month.
fn is_put_away(leaf: &ProjectLeaf) -> bool {
    leaf.project.archived_at.is_some() && leaf.sums.is_empty()
}

/// The same of a team, none of whose projects is in use.
fn is_gone(branch: &TeamBranch) -> bool {
    branch.team.archived_at.is_some() && branch.sums.is_empty() && branch.projects.iter().all(is_put_away)
}

/// Where the month of a part will end.
fn expected(row: Option<&ForecastRow>) -> AnyView {
    match row.map(|row| &row.total) {
        Some(Ok(total)) => {
            let band = format!("{} – {}", format::money(total.low80), format::money(total.high80));
            view! { <td class="num" title=band>{format::money_plain(total.expected)}</td> }.into_any()
        }
        Some(Err(too_little)) => {
            view! { <td class="num soft" title=too_little.reason()>{format::NONE}</td> }.into_any()
        }
        None => view! { <td class="num soft">{format::NONE}</td> }.into_any(),
    }
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
