//! Doors of the Forecast page.

use crate::error::AppError;
use domain::forecast::ForecastPage;
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

/// Where the month will end: one part in full (a project, else a team, else the organization, by slug), all others in a line each.
#[server(prefix = "/fn", endpoint = "forecast", input = Json)]
pub async fn load_forecast(
    /// Slug of the organization.
    org: String,
    /// Slug of a team.
    team: Option<String>,
    /// Slug of a project.
    project: Option<String>,
) -> Result<ForecastPage, AppError> {
    let caller = crate::caller::Caller::enter(&org).await?;
    let part = match (&project, &team) {
        (Some(slug), _) => backend::forecast::Part::Project(slug),
        (None, Some(slug)) => backend::forecast::Part::Team(slug),
        (None, None) => backend::forecast::Part::Organization,
    };
    Ok(backend::forecast::page(&caller.backend, &caller.scope, part).await?)
}
