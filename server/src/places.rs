//! Where the command palette leads: asked for when it is opened, so that no page carries it.

use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::{AppState, Plain};
use app::layout::Named;
use app::layout::palette::{self, Target};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::get;

/// The one route.
pub(crate) fn routes() -> Vec<Plain> {
    vec![(Method::GET, "/o/{org}/places.json", get(places))]
}

async fn places(
    caller: MemberCaller,
    State(state): State<AppState>,
    Path(org): Path<String>,
) -> Result<Json<Vec<Target>>, ApiError> {
    let (backend, scope) = (&state.backend, &caller.scope);
    let (mine, projects, teams) = futures::try_join!(
        backend::identity::organizations_of(backend, caller.user_id),
        backend::projects::list_projects(backend, scope),
        backend::projects::list_teams(backend, scope),
    )?;
    let others: Vec<Named> = mine.into_iter().map(|(other, _)| Named::new(other.name, other.slug)).collect();
    let projects = projects.into_iter().filter(|project| project.archived_at.is_none());
    let projects: Vec<Named> = projects.map(|project| Named::new(project.name, project.slug)).collect();
    let teams = teams.into_iter().filter(|team| team.archived_at.is_none());
    let teams: Vec<Named> = teams.map(|team| Named::new(team.name, team.slug)).collect();
    Ok(Json(palette::targets(&org, &others, &projects, &teams)))
}
