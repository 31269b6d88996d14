//! Teams and projects as their pages show them.

use super::{by_slug, list_projects, list_teams, ownership, team_by_slug, today};
use crate::{Backend, Error, OrgScope, spend};
use domain::identity::Permission;
use domain::period::Period;
use domain::project::{OwnerSpan, Project, ProjectDetail, ProjectLeaf, ProjectTree, Team, TeamBranch};
use domain::spend::{Dimension, Granularity, SpendQuery, SpendRange, Sums};
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
    Ok(ProjectTree { teams: branches, total, month: month.from })
}

async fn sums_by(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
    dimension: Dimension,
) -> Result<(HashMap<String, Sums>, Sums), Error> {
    let range = SpendRange::Days { from: period.from, to: period.to };
    let query = SpendQuery {
        range,
        bucket: Granularity::None,
        group_by: vec![dimension],
        filters: Vec::new(),
        measures: Vec::new(),
    };
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
    Ok(ProjectDetail { project, owners, teams })
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
