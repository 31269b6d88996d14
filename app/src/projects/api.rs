//! Doors of the pages about teams and projects.

use crate::caller::Caller;
use crate::error::AppError;
use backend::projects::{self, Change, NewProductLine, NewProject, NewTeam};
use chrono::NaiveDate;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos_axum::redirect;

/// Creates a team.
#[server(prefix = "/fn", endpoint = "projects/create-team")]
pub async fn create_team(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
    /// Where finance books it; may be empty.
    cost_centre: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let new = NewTeam { name, slug: String::new(), cost_centre };
    let team = projects::create_team(&caller.backend, &caller.scope, new).await?;
    redirect(&format!("/o/{org}/teams/{}?notice=created", team.slug));
    Ok(())
}

/// Creates a project.
#[server(prefix = "/fn", endpoint = "projects/create-project")]
pub async fn create_project(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
    /// Its slug; empty: made from the name.
    slug: String,
    /// Slug of the team that owns it.
    team: String,
    /// Where finance books it; may be empty.
    cost_centre: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let team_id = projects::team_by_slug(&caller.backend, &caller.scope, &team).await?.team_id;
    let new = NewProject { name, slug, cost_centre, team_id };
    let project = projects::create_project(&caller.backend, &caller.scope, new).await?;
    redirect(&format!("/o/{org}/projects/{}?notice=created", project.slug));
    Ok(())
}

/// Changes a team's name and cost centre.
#[server(prefix = "/fn", endpoint = "projects/update-team")]
pub async fn update_team(
    /// Slug of the organization.
    org: String,
    /// Slug of the team.
    team: String,
    /// Its new name.
    name: String,
    /// Its new cost centre; may be empty.
    cost_centre: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let found = projects::team_by_slug(&caller.backend, &caller.scope, &team).await?;
    projects::update_team(&caller.backend, &caller.scope, found.team_id, Change { name, cost_centre }).await?;
    redirect(&format!("/o/{org}/teams/{team}?notice=saved"));
    Ok(())
}

/// Changes a project's name and cost centre.
#[server(prefix = "/fn", endpoint = "projects/update-project")]
pub async fn update_project(
    /// Slug of the organization.
    org: String,
    /// Slug of the project.
    project: String,
    /// Its new name.
    name: String,
    /// Its new cost centre; may be empty.
    cost_centre: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let found = projects::by_slug(&caller.backend, &caller.scope, &project).await?;
    projects::update_project(&caller.backend, &caller.scope, found.project_id, Change { name, cost_centre }).await?;
    redirect(&format!("/o/{org}/projects/{project}?notice=saved"));
    Ok(())
}

/// Gives a project to another team from a day on.
#[server(prefix = "/fn", endpoint = "projects/move-project")]
pub async fn move_project(
    /// Slug of the organization.
    org: String,
    /// Slug of the project.
    project: String,
    /// Slug of the new owner.
    team: String,
    /// First day of the new owner, `YYYY-MM-DD`; empty: since the beginning of time.
    from: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let from = first_day(&from)?;
    let found = projects::by_slug(&caller.backend, &caller.scope, &project).await?;
    let team = projects::team_by_slug(&caller.backend, &caller.scope, &team).await?;
    projects::move_project(&caller.backend, &caller.scope, found.project_id, team.team_id, from).await?;
    redirect(&format!("/o/{org}/projects/{project}?notice=moved"));
    Ok(())
}

/// Puts a project away or brings it back.
#[server(prefix = "/fn", endpoint = "projects/archive-project")]
pub async fn archive_project(
    /// Slug of the organization.
    org: String,
    /// Slug of the project.
    project: String,
    /// Away, or back.
    archive: bool,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let found = projects::by_slug(&caller.backend, &caller.scope, &project).await?;
    projects::archive_project(&caller.backend, &caller.scope, found.project_id, archive).await?;
    redirect(&format!("/o/{org}/projects/{project}?notice={}", archive_notice(archive)));
    Ok(())
}

/// Puts a team away or brings it back.
#[server(prefix = "/fn", endpoint = "projects/archive-team")]
pub async fn archive_team(
    /// Slug of the organization.
    org: String,
    /// Slug of the team.
    team: String,
    /// Away, or back.
    archive: bool,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let found = projects::team_by_slug(&caller.backend, &caller.scope, &team).await?;
    projects::archive_team(&caller.backend, &caller.scope, found.team_id, archive).await?;
    redirect(&format!("/o/{org}/teams/{team}?notice={}", archive_notice(archive)));
    Ok(())
}

/// Creates a product line.
#[server(prefix = "/fn", endpoint = "projects/create-product-line")]
pub async fn create_product_line(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let new = NewProductLine { name, slug: String::new() };
    let line = projects::create_product_line(&caller.backend, &caller.scope, new).await?;
    redirect(&format!("/o/{org}/product-lines/{}?notice=created", line.slug));
    Ok(())
}

/// Changes a product line's name.
#[server(prefix = "/fn", endpoint = "projects/rename-product-line")]
pub async fn rename_product_line(
    /// Slug of the organization.
    org: String,
    /// Slug of the product line.
    product_line: String,
    /// Its new name.
    name: String,
) -> Result<(), AppError> {
    let Caller { backend, scope, .. } = Caller::enter(&org).await?;
    let found = projects::product_line_by_slug(&backend, &scope, &product_line).await?;
    projects::rename_product_line(&backend, &scope, found.product_line_id, &name).await?;
    redirect(&format!("/o/{org}/product-lines/{product_line}?notice=saved"));
    Ok(())
}

/// Puts a product line away or brings it back.
#[server(prefix = "/fn", endpoint = "projects/archive-product-line")]
pub async fn archive_product_line(
    /// Slug of the organization.
    org: String,
    /// Slug of the product line.
    product_line: String,
    /// Away, or back.
    archive: bool,
) -> Result<(), AppError> {
    let Caller { backend, scope, .. } = Caller::enter(&org).await?;
    let found = projects::product_line_by_slug(&backend, &scope, &product_line).await?;
    projects::archive_product_line(&backend, &scope, found.product_line_id, archive).await?;
    redirect(&format!("/o/{org}/product-lines/{product_line}?notice={}", archive_notice(archive)));
    Ok(())
}

/// Puts a project into a product line from a day on.
#[server(prefix = "/fn", endpoint = "projects/assign-product-line")]
pub async fn assign_product_line(
    /// Slug of the organization.
    org: String,
    /// Slug of the project.
    project: String,
    /// Slug of the product line; empty for none.
    #[server(default)]
    product_line: String,
    /// First day, `YYYY-MM-DD`; empty: since the beginning of time.
    #[server(default)]
    from: String,
) -> Result<(), AppError> {
    let Caller { backend, scope, .. } = Caller::enter(&org).await?;
    let from = first_day(&from)?;
    let found = projects::by_slug(&backend, &scope, &project).await?;
    let line = match product_line.as_str() {
        "" => None,
        slug => Some(projects::product_line_by_slug(&backend, &scope, slug).await?.product_line_id),
    };
    projects::assign_product_line(&backend, &scope, found.project_id, line, from).await?;
    redirect(&format!("/o/{org}/projects/{project}?notice=placed"));
    Ok(())
}

/// Reads a first day; empty means since the beginning of time.
fn first_day(text: &str) -> Result<Option<NaiveDate>, Problem> {
    match text.trim() {
        "" => Ok(None),
        day => day.parse().map(Some).map_err(|_| Problem::field("from", "invalid", "Choose a day.")),
    }
}

const fn archive_notice(archive: bool) -> &'static str {
    if archive { "archived" } else { "restored" }
}
