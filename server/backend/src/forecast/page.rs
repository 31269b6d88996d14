//! The Forecast page: one part in full, all others in a line each.

use super::forecast_inputs;
use crate::{Backend, Error, OrgScope, budgets, projects};
use domain::budget::SpendScope;
use domain::forecast::{BudgetRow, ForecastPage, ForecastRow};
use std::cmp::Reverse;

/// Which part a page shows in full, by slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// All of it.
    Organization,
    /// A team.
    Team(&'a str),
    /// A project.
    Project(&'a str),
}

/// Where the month will end: `part` in full, the organization and its teams and projects in a line each.
///
/// Archived teams and projects are left out where they spent nothing this month.
///
/// # Errors
/// `NotFound` for a part that does not exist or is not seen; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn page(backend: &Backend, scope: &OrgScope, part: Part<'_>) -> Result<ForecastPage, Error> {
    let (shown, shown_name) = find(backend, scope, part).await?;
    let (ahead, teams, projects) = futures::try_join!(
        forecast_inputs(backend, scope),
        projects::list_teams(backend, scope),
        projects::list_projects(backend, scope),
    )?;
    let budgets = budgets::list_ahead(backend, scope, &ahead).await?;
    let row = |name: String, slug: String, part: SpendScope| ahead.row(name, slug, part);
    let teams = teams.into_iter().map(|team| {
        let archived = team.archived_at.is_some();
        (row(team.name, team.slug.to_string(), SpendScope::Team(team.team_id)), archived)
    });
    let projects = projects.into_iter().map(|project| {
        let archived = project.archived_at.is_some();
        (row(project.name, project.slug.to_string(), SpendScope::Project(project.project_id)), archived)
    });
    Ok(ForecastPage {
        today: ahead.today,
        shown: ahead.month_end(shown),
        shown_name,
        organization: row("All usage".to_owned(), String::new(), SpendScope::Organization),
        teams: dearest_first(teams),
        projects: dearest_first(projects),
        budgets: budgets.into_iter().map(|state| BudgetRow { of_shown: state.budget.scope == shown, state }).collect(),
    })
}

async fn find(backend: &Backend, scope: &OrgScope, part: Part<'_>) -> Result<(SpendScope, String), Error> {
    Ok(match part {
        Part::Organization => (SpendScope::Organization, "All usage".to_owned()),
        Part::Team(slug) => {
            let team = projects::team_by_slug(backend, scope, slug).await?;
            (SpendScope::Team(team.team_id), team.name)
        }
        Part::Project(slug) => {
            let project = projects::by_slug(backend, scope, slug).await?;
            (SpendScope::Project(project.project_id), project.name)
        }
    })
}

fn dearest_first(rows: impl Iterator<Item = (ForecastRow, bool)>) -> Vec<ForecastRow> {
    let mut rows: Vec<ForecastRow> =
        rows.filter(|(row, archived)| !archived || !row.spent.is_zero()).map(|(row, _)| row).collect();
    rows.sort_by_cached_key(|row| (Reverse(row.size()), row.name.clone()));
    rows
}
