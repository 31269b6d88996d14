//! Teams and projects as their pages show them.

use super::product_lines::spans_of;
use super::{
    by_slug, list_product_lines, list_projects, list_teams, ownership, product_line_spans, team_by_slug, today,
};
use crate::{Backend, Error, OrgScope, spend};
use domain::identity::Permission;
use domain::period::Period;
use domain::project::{
    LineOfProject, OwnerSpan, ProductLineBranch, Project, ProjectDetail, ProjectLeaf, ProjectTree, Team, TeamBranch,
};
use domain::spend::{Dimension, SpendQuery, Sums};
use std::cmp::Reverse;
use std::collections::HashMap;

/// All teams with the projects they own today and what each spent this month to date.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn tree(backend: &Backend, scope: &OrgScope) -> Result<ProjectTree, Error> {
    let month = Period::month_to_date(today(backend, scope));
    let (teams, projects) = (list_teams(backend, scope).await?, list_projects(backend, scope).await?);
    let (mut by_team, _) = sums_by(backend, scope, month, Dimension::Team).await?;
    let lines = lines(backend, scope, month, &projects).await?;
    let (mut by_project, total) = sums_by(backend, scope, month, Dimension::Project).await?;
    let mut branches: Vec<TeamBranch> = teams
        .into_iter()
        .map(|team| {
            let owned = projects.iter().filter(|project| project.team_id == team.team_id);
            let mut leaves: Vec<ProjectLeaf> = owned
                .map(|project| ProjectLeaf {
                    project: project.clone(),
                    sums: by_project.remove(project.slug.as_str()).unwrap_or_default(),
                })
                .collect();
            leaves.sort_by_key(|leaf| (leaf.project.archived_at.is_some(), Reverse(leaf.sums.spend)));
            let sums = by_team.remove(team.slug.as_str()).unwrap_or_default();
            TeamBranch { team, sums, projects: leaves }
        })
        .collect();
    branches.sort_by_key(|branch| (branch.team.archived_at.is_some(), Reverse(branch.sums.spend)));
    Ok(ProjectTree { teams: branches, lines, total, month: month.from })
}

/// Product lines with what they spent and their projects of today; archived ones only where they spent something.
async fn lines(
    backend: &Backend,
    scope: &OrgScope,
    month: Period,
    projects: &[Project],
) -> Result<Vec<ProductLineBranch>, Error> {
    let lines = list_product_lines(backend, scope).await?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let (spans, today) = (product_line_spans(backend, scope).await?, today(backend, scope));
    let (mut by_line, _) = sums_by(backend, scope, month, Dimension::ProductLine).await?;
    let branch = |line: domain::project::ProductLine| {
        let members = spans.iter().filter(|span| span.product_line_id == line.product_line_id && span.holds(today));
        let slug = |id| projects.iter().find(|project| project.project_id == id).map(|project| project.slug.clone());
        let projects = members.filter_map(|span| slug(span.project_id)).collect();
        ProductLineBranch { sums: by_line.remove(line.slug.as_str()).unwrap_or_default(), projects, line }
    };
    let mut lines: Vec<ProductLineBranch> = lines.into_iter().map(branch).collect();
    lines.retain(|branch| branch.line.archived_at.is_none() || !branch.sums.is_empty());
    lines.sort_by_key(|branch| (branch.line.archived_at.is_some(), Reverse(branch.sums.spend)));
    Ok(lines)
}

async fn sums_by(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
    dimension: Dimension,
) -> Result<(HashMap<String, Sums>, Sums), Error> {
    let query = SpendQuery::over(period).by([dimension]).measuring([]);
    let answer = spend::query(backend, scope, &query).await?;
    let by_value =
        answer.rows.into_iter().filter_map(|row| Some((row.keys.into_iter().next().flatten()?, row.sums))).collect();
    Ok((by_value, answer.total))
}

/// One project with its owners.
///
/// # Errors
/// [`domain::problem::Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn project_detail(backend: &Backend, scope: &OrgScope, slug: &str) -> Result<ProjectDetail, Error> {
    scope.require(Permission::Read)?;
    let project = by_slug(backend, scope, slug).await?;
    let teams = list_teams(backend, scope).await?;
    let mut owners: Vec<OwnerSpan> = ownership(backend, scope, project.project_id)
        .await?
        .into_iter()
        .filter_map(|span| {
            let team = teams.iter().find(|team| team.team_id == span.team_id)?.clone();
            Some(OwnerSpan { team, valid_from: span.valid_from, valid_to: span.valid_to })
        })
        .collect();
    owners.sort_by_key(|owner| Reverse(owner.valid_from));
    let teams = teams.into_iter().filter(|team| team.archived_at.is_none()).collect();
    let product_lines = list_product_lines(backend, scope).await?;
    let of = |span: domain::project::ProductLineSpan| {
        let line = product_lines.iter().find(|line| line.product_line_id == span.product_line_id)?.clone();
        Some(LineOfProject { line, span })
    };
    let lines = spans_of(backend, scope, project.project_id).await?.into_iter().rev().filter_map(of).collect();
    let product_lines = product_lines.into_iter().filter(|line| line.archived_at.is_none()).collect();
    Ok(ProjectDetail { project, owners, teams, lines, product_lines })
}

/// One team with the projects it owns today.
///
/// # Errors
/// [`domain::problem::Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn team_detail(backend: &Backend, scope: &OrgScope, slug: &str) -> Result<(Team, Vec<Project>), Error> {
    scope.require(Permission::Read)?;
    let team = team_by_slug(backend, scope, slug).await?;
    let projects = list_projects(backend, scope).await?;
    let owned = projects.into_iter().filter(|project| project.team_id == team.team_id).collect();
    Ok((team, owned))
}
