//! `/v1/events/rejected`: what could not be recorded, and taking it off the list.

use super::documents::{DismissedDocument, RejectedDocument};
use super::page_of;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::ids::RejectedId;
use domain::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(rejected, dismiss_all)).routes(routes!(dismiss))
}

/// Lists events that were rejected, with their reasons: what came last is first.
///
/// Identical rejects are one entry that counts them. The list keeps 90 days and 100,000 entries; what comes again is listed again.
#[utoipa::path(
    get,
    path = "/v1/events/rejected",
    tag = "events",
    security(("api_key" = ["read"])),
    params(
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("limit" = Option<u16>, Query, description = "Rows of a page, 1 to 200; 50 by default.")
    ),
    responses(
        (status = 200, description = "One page.", body = RejectedDocument)
    )
)]
async fn rejected(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<RejectedDocument>, ApiError> {
    let query = page_of(&pairs)?;
    let page = backend::ledger::rejected(&state.backend, &caller.scope, query.cursor.as_deref(), query.limit).await?;
    Ok(Json(RejectedDocument::from(page)))
}

/// Dismisses all entries of the rejected list. The same rejects make new ones.
#[utoipa::path(
    delete,
    path = "/v1/events/rejected",
    tag = "events",
    security(("api_key" = ["admin"])),
    params(
        ("until" = Option<DateTime<Utc>>, Query, description = "Only entries that came last at this instant or before; `received_at` of the newest one that you saw leaves what came since.")
    ),
    responses(
        (status = 200, description = "They are dismissed.", body = DismissedDocument)
    )
)]
async fn dismiss_all(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<DismissedDocument>, ApiError> {
    let until = until(&pairs)?;
    let dismissed = backend::ledger::dismiss_all_rejected(&state.backend, &caller.scope, until).await?;
    Ok(Json(DismissedDocument { dismissed }))
}

/// Dismisses one entry of the rejected list. The same reject makes a new one.
#[utoipa::path(
    delete,
    path = "/v1/events/rejected/{rejected_id}",
    tag = "events",
    security(("api_key" = ["admin"])),
    params(("rejected_id" = RejectedId, Path, description = "Id of the entry.")),
    responses(
        (status = 204, description = "It is dismissed.")
    )
)]
async fn dismiss(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(rejected_id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let entry = rejected_id.parse::<RejectedId>().map_err(|_| Problem::NotFound)?;
    backend::ledger::dismiss_rejected(&state.backend, &caller.scope, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The one parameter of dismissing all.
fn until(pairs: &[(String, String)]) -> Result<Option<DateTime<Utc>>, Problem> {
    match pairs {
        [] => Ok(None),
        [(name, value)] if name == "until" => {
            let wrong = |_| Problem::field("until", "invalid", "Use an instant such as 2026-11-01T09:41:07Z.");
            DateTime::parse_from_rfc3339(value).map(|at| Some(at.to_utc())).map_err(wrong)
        }
        _ => Err(Problem::field("filters", "unknown", "Dismissing all takes `until`, once.")),
    }
}
