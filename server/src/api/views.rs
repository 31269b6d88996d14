//! `/v1/views`: saved views of Explore.

use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use backend::views;
use chrono::{DateTime, FixedOffset};
use domain::ids::ViewId;
use domain::problem::Problem;
use domain::view::{NewView, Question, SavedView, ViewChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, save)).routes(routes!(change, delete))
}

/// The views that the key sees.
#[derive(Debug, Serialize, ToSchema)]
struct ViewsDocument {
    /// By name.
    views: Vec<ViewDocument>,
}

/// A saved view of Explore.
#[derive(Debug, Serialize, ToSchema)]
struct ViewDocument {
    view_id: ViewId,
    name: String,
    /// What it asks, as the address of Explore says it. A named `period` such as `30d` moves along with time.
    #[schema(example = "measure=spend&group_by=model&period=30d")]
    query: String,
    /// Whether the whole organization sees it.
    shared: bool,
    /// Who saved it.
    saved_by: String,
    created_at: DateTime<FixedOffset>,
    updated_at: DateTime<FixedOffset>,
    /// What it asks by that is not there any more, a sentence each.
    gone: Vec<String>,
}

impl From<SavedView> for ViewDocument {
    fn from(view: SavedView) -> Self {
        Self {
            view_id: view.view_id,
            query: text(&view.question),
            name: view.name,
            shared: view.shared,
            saved_by: view.saved_by,
            created_at: view.created_at,
            updated_at: view.updated_at,
            gone: view.gone,
        }
    }
}

fn text(question: &Question) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(question.pairs()).finish()
}

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).into_owned().collect()
}

/// Lists the views that are shared with the organization. A key that is bound to one project sees those that name no other.
#[utoipa::path(
    get,
    path = "/v1/views",
    tag = "views",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The views.", body = ViewsDocument)
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ViewsDocument>, ApiError> {
    let views = views::list(&state.backend, &caller.scope).await?;
    Ok(Json(ViewsDocument { views: views.into_iter().map(Into::into).collect() }))
}

/// A view to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ViewInput {
    /// Its name.
    #[schema(max_length = 80, example = "Spend by model")]
    name: String,
    /// What it asks, as the address of Explore says it: `measure`, up to two `group_by`, `bucket`, `chart`, `top`, `period` or `from` and `to`, `compare`, and any dimension as a filter.
    #[schema(max_length = 4000, example = "measure=spend&group_by=model&period=30d")]
    query: String,
}

/// Saves a view of Explore and shares it with the organization.
#[utoipa::path(
    post,
    path = "/v1/views",
    tag = "views",
    security(("api_key" = ["admin"])),
    request_body = ViewInput,
    responses(
        (status = 201, description = "It is saved.", body = ViewDocument),
        (status = 409, description = "There are as many views as there may be.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn save(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(sent): Body<ViewInput>,
) -> Result<(StatusCode, Json<ViewDocument>), ApiError> {
    let new = NewView::read(&sent.name, &pairs(&sent.query), true).map_err(invalid)?;
    let saved = views::save(&state.backend, &caller.scope, &new).await?;
    Ok((StatusCode::CREATED, Json(saved.into())))
}

/// What is to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ViewChangeInput {
    /// Its name.
    #[schema(max_length = 80)]
    name: Option<String>,
    /// What it asks.
    #[schema(max_length = 4000)]
    query: Option<String>,
}

/// Renames a shared view, or gives it another question.
#[utoipa::path(
    patch,
    path = "/v1/views/{view_id}",
    tag = "views",
    security(("api_key" = ["admin"])),
    params(("view_id" = Uuid, Path, description = "Id of the view.")),
    request_body = ViewChangeInput,
    responses(
        (status = 200, description = "The view as it is now.", body = ViewDocument)
    )
)]
async fn change(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(view_id): Path<String>,
    Body(sent): Body<ViewChangeInput>,
) -> Result<Json<ViewDocument>, ApiError> {
    let asked = sent.query.as_deref().map(pairs);
    let change = ViewChange::read(sent.name.as_deref(), asked.as_deref(), None).map_err(invalid)?;
    Ok(Json(views::change(&state.backend, &caller.scope, id(&view_id)?, change).await?.into()))
}

/// Deletes a shared view. For 30 days it can be restored from its address in the browser.
#[utoipa::path(
    delete,
    path = "/v1/views/{view_id}",
    tag = "views",
    security(("api_key" = ["admin"])),
    params(("view_id" = Uuid, Path, description = "Id of the view.")),
    responses(
        (status = 204, description = "It is deleted.")
    )
)]
async fn delete(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(view_id): Path<String>,
) -> Result<StatusCode, ApiError> {
    views::delete(&state.backend, &caller.scope, id(&view_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be an id names nothing.
fn id(text: &str) -> Result<ViewId, Problem> {
    text.parse().map_err(|_| Problem::NotFound)
}
