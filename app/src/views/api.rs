//! Doors for saved views and the boards on which they are placed.

use super::{REMOVED, VIEW};
use crate::caller::Caller;
use crate::error::AppError;
use crate::layout::{NavItem, UrlQuery};
use backend::{projects, views};
use domain::ids::ViewId;
use domain::problem::Problem;
use domain::view::{Arrange, Board, NewView, ViewChange};
use leptos::prelude::*;
use leptos_axum::redirect;

/// Saves a view.
#[server(prefix = "/fn", endpoint = "views/save")]
pub async fn save_view(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
    /// What it asks, as the address of Explore says it.
    query: String,
    /// Whether the organization sees it.
    shared: Option<String>,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let new = NewView::read(&name, &UrlQuery::read(&query).pairs(), shared.is_some()).map_err(Problem::invalid)?;
    let view = views::save(&backend, &scope, &new).await?.view_id;
    lead_to(&org, VIEW, view, "saved");
    Ok(())
}

/// Renames and shares a view, or gives it another question.
#[server(prefix = "/fn", endpoint = "views/change")]
pub async fn change_view(
    /// Slug of the organization.
    org: String,
    /// Id of the view.
    view: String,
    /// Its name; without one, name and readers stay.
    name: Option<String>,
    /// Whether the organization sees it.
    shared: Option<String>,
    /// What it asks; without it that stays.
    query: Option<String>,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let pairs = query.map(|query| UrlQuery::read(&query).pairs());
    let is_shared = name.as_ref().map(|_| shared.is_some());
    let change = ViewChange::read(name.as_deref(), pairs.as_deref(), is_shared).map_err(Problem::invalid)?;
    let view = views::change(&backend, &scope, id(&view)?, change).await?.view_id;
    lead_to(&org, VIEW, view, "changed");
    Ok(())
}

/// Deletes a view; it can be restored for a while.
#[server(prefix = "/fn", endpoint = "views/delete")]
pub async fn delete_view(
    /// Slug of the organization.
    org: String,
    /// Id of the view.
    view: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let view = id(&view)?;
    views::delete(&backend, &scope, view).await?;
    lead_to(&org, REMOVED, view, "deleted");
    Ok(())
}

/// Restores a view that was deleted.
#[server(prefix = "/fn", endpoint = "views/restore")]
pub async fn restore_view(
    /// Slug of the organization.
    org: String,
    /// Id of the view.
    view: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let view = id(&view)?;
    views::restore(&backend, &scope, view).await?;
    lead_to(&org, VIEW, view, "restored");
    Ok(())
}

/// Adds, removes or moves a view on a board.
#[server(prefix = "/fn", endpoint = "views/arrange")]
pub async fn arrange_views(
    /// Slug of the organization.
    org: String,
    /// `mine`, `everyone`, `team:<slug>` or `project:<slug>`.
    board: String,
    /// Id of the view.
    view: String,
    /// `add`, `remove`, `earlier`, `later`, `wide` or `narrow`.
    act: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let (board, page) = match board.split_once(':') {
        None if board == "mine" => (Board::Mine, NavItem::Overview.path(&org)),
        None if board == "everyone" => (Board::Everyone, NavItem::Overview.path(&org)),
        Some(("team", slug)) => (
            Board::Team(projects::team_by_slug(&backend, &scope, slug).await?.team_id),
            format!("/o/{org}/teams/{slug}"),
        ),
        Some(("project", slug)) => {
            let project = projects::by_slug(&backend, &scope, slug).await?;
            (Board::Project(project.project_id), format!("{}/{slug}", NavItem::Projects.path(&org)))
        }
        _ => return Err(Problem::NotFound.into()),
    };
    let act = Arrange::read(&act).ok_or(Problem::NotFound)?;
    views::arrange(&backend, &scope, board, id(&view)?, act).await?;
    redirect(&format!("{page}?arranged=true#views"));
    Ok(())
}

/// To Explore, with what happened to a view.
fn lead_to(org: &str, name: &str, view: ViewId, notice: &str) {
    redirect(&format!("{}?{name}={view}&notice={notice}", NavItem::Explore.path(org)));
}

fn id(text: &str) -> Result<ViewId, Problem> {
    text.parse().map_err(|_| Problem::NotFound)
}
