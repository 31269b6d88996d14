//! The tree: every team with its projects, what they spent this month, where that will end and what they may spend.

use super::NOTICES;
use crate::format;
use crate::layout::{CsvLink, NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::spend::SpendCell;
use crate::ui::{Badge, Button, ButtonKind, PageHead, Section, Table, UrlNotice, columns, html};
use backend::{forecast, projects};
use domain::budget::{BudgetStatus, ScopeRef};
use domain::forecast::{ForecastPage, ForecastRow};
use domain::identity::Permission;
use domain::project::{ProductLineBranch, ProjectLeaf, ProjectTree, Slug, TeamBranch};
use domain::spend::Sums;
use leptos::prelude::*;

/// All teams and projects.
pub(crate) async fn projects(visit: Visit) -> Drawn {
    let (backend, scope, org) = (&visit.backend, &visit.scope, visit.org());
    let (tree, ahead) = futures::try_join!(
        projects::tree(backend, scope),
        forecast::page(backend, scope, forecast::Part::Organization)
    )?;
    let add = visit.frame.may(Permission::ManageProjects).then(|| {
        view! {
            {scope.sees_all().then(|| view! { <Button href=format!("/o/{org}/new/product-line")>"New product line"</Button> })}
            <Button href=format!("/o/{org}/new/team")>"New team"</Button>
            <Button kind=ButtonKind::Primary href=format!("/o/{org}/new/project")>"New project"</Button>
        }
    });
    let rows = View { org: org.to_owned(), ahead }.draw(&tree, visit.query.get(ARCHIVED) == Some("true"));
    let lines = lines(org, &tree);
    let lead = "Who owns what, what it spent this month to date, and where the month will end.";
    Ok(Page::new(
        "Teams and projects",
        view! {
            <UrlNotice known=&NOTICES/>
            <PageHead title="Teams and projects" lead=lead><CsvLink/>{add}</PageHead>
            {rows}
            {lines}
        },
    ))
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
    fn draw(&self, tree: &ProjectTree, archived: bool) -> AnyView {
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
        let columns =
            columns("Team and project | Spend, $ # | Forecast, $ # | Budget used # | Requests # | Cost centre");
        let caption = format!("Spend since {}", format::day(tree.month));
        let cells = self.cells(&tree.total, Some(&self.ahead.organization), &ScopeRef::Organization, None);
        let foot = html! { <tr><th scope="row">"total"</th>{cells}</tr> };
        let switch = self.switch(tree, archived);
        html! { <Table caption=caption columns=columns foot=foot>{rows}</Table>{switch} }
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
        (count > 0).then(|| html! { <p class="soft small"><a href=href>{words}</a></p> })
    }

    fn team_row(&self, branch: &TeamBranch) -> AnyView {
        let team = &branch.team;
        let href = format!("/o/{}/teams/{}", self.org, team.slug);
        let archived = team.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
        let ahead = self.ahead.teams.iter().find(|row| row.slug == team.slug.as_str());
        let part = ScopeRef::Team(team.slug.clone());
        let cells = self.cells(&branch.sums, ahead, &part, team.cost_centre.clone());
        html! {
            <tr class="statement-team">
                <th scope="row"><a class="row-link" href=href>{team.name.clone()}</a>" "{archived}</th>
                {cells}
            </tr>
        }
    }

    fn project_row(&self, leaf: &ProjectLeaf) -> AnyView {
        let project = &leaf.project;
        let href = format!("/o/{}/projects/{}", self.org, project.slug);
        let archived = project.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
        let slug = project.slug.to_string();
        let slug = (slug != project.name).then(|| view! { <span class="note">{slug}</span>" " });
        let ahead = self.ahead.projects.iter().find(|row| row.slug == project.slug.as_str());
        let part = ScopeRef::Project(project.slug.clone());
        let cells = self.cells(&leaf.sums, ahead, &part, project.cost_centre.clone());
        html! {
            <tr class="statement-project">
                <th scope="row"><a class="row-link" href=href>{project.name.clone()}</a>" "{slug}{archived}</th>
                {cells}
            </tr>
        }
    }

    /// All of a row but its head.
    fn cells(&self, sums: &Sums, ahead: Option<&ForecastRow>, part: &ScopeRef, cost_centre: Option<String>) -> AnyView {
        html! {
            <SpendCell sums=sums.clone()/>
            {expected(ahead)}
            {self.budget(part)}
            <td class="num">{format::count(sums.requests)}</td>
            <td>{cost_centre}</td>
        }
    }

    /// The budget of exactly this part that is used most, with its page.
    fn budget(&self, part: &ScopeRef) -> AnyView {
        let own = self.ahead.budgets.iter().map(|row| &row.state).filter(|state| state.budget.scope_ref == *part);
        let Some(state) = own.max_by_key(|state| state.usage.percent()) else {
            return html! { <td class="num soft">{format::NONE}</td> };
        };
        let href = format!("{}/{}", NavItem::Budgets.path(&self.org), state.budget.budget_id);
        let text = format!("{} of {}", state.usage.percent_text(), format::money_rounded(state.usage.amount));
        let hue = match state.status {
            BudgetStatus::Within | BudgetStatus::OnTrack => "",
            BudgetStatus::AtRisk => "warn",
            BudgetStatus::Exceeded => "bad",
        };
        let title = format!("{}: {}", state.budget.name, format::money_full(state.usage.used));
        html! { <td class="num"><a href=href class=hue title=title>{text}</a></td> }
    }
}

/// Product lines with what they spent, and what belongs to none; nothing where there are none.
fn lines(org: &str, tree: &ProjectTree) -> Option<AnyView> {
    let row = |branch: &ProductLineBranch| {
        let (line, href) = (&branch.line, format!("/o/{org}/product-lines/{}", branch.line.slug));
        let archived = line.archived_at.map(|_| view! { <Badge>"archived"</Badge> });
        let projects = branch.projects.iter().map(Slug::as_str).collect::<Vec<_>>().join(", ");
        view! {
            <tr>
                <th scope="row"><a class="row-link" href=href>{line.name.clone()}</a>" "{archived}</th>
                <SpendCell sums=branch.sums.clone()/>
                <td class="num">{format::count(branch.sums.requests)}</td>
                <td>{projects}</td>
            </tr>
        }
    };
    let rows = tree.lines.iter().map(row).collect_view();
    let mut rest = tree.total.clone();
    for branch in &tree.lines {
        rest.spend -= branch.sums.spend;
        rest.requests -= branch.sums.requests;
        rest.unpriced_requests -= branch.sums.unpriced_requests;
    }
    let requests = format::count(rest.requests);
    let rest = html! { <tr><th scope="row">"no product line"</th><SpendCell sums=rest/><td class="num">{requests}</td><td></td></tr> };
    let heads = columns("Product line | Spend, $ # | Requests # | Projects today");
    (!tree.lines.is_empty()).then(|| {
        let caption = format!("Spend by product line since {}", format::day(tree.month));
        html! { <Section title="Product lines" id="product-lines"><Table caption=caption columns=heads foot=rest>{rows}</Table></Section> }
    })
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
            html! { <td class="num" title=band>{format::money_plain(total.expected)}</td> }
        }
        Some(Err(too_little)) => {
            html! { <td class="num soft" title=too_little.reason()>{format::NONE}</td> }
        }
        None => html! { <td class="num soft">{format::NONE}</td> },
    }
}
