//! `/v1/events/rejected`: what could not be recorded, and taking it off the list.

use super::documents::{DismissedDocument, RejectedDocument};
use super::page_of;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::DateTime;
use domain::event::{RejectedFilter, RejectedReason};
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

/// Dismisses all entries of the rejected list, or all of one reason. The same rejects make new ones.
#[utoipa::path(
    delete,
    path = "/v1/events/rejected",
    tag = "events",
    security(("api_key" = ["admin"])),
    params(
        ("until" = Option<DateTime<Utc>>, Query, description = "Only entries that came last at this instant or before; `received_at` of the newest one that you saw leaves what came since."),
        ("code" = Option<String>, Query, description = "Only entries with this `code`, and with the `pointer` that is named beside it."),
        ("pointer" = Option<String>, Query, description = "The field, with `code`; empty or left out for the whole event.")
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
    let meant = meant(pairs)?;
    let dismissed = backend::ledger::dismiss_all_rejected(&state.backend, &caller.scope, &meant).await?;
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

/// The parameters of dismissing all, each once.
fn meant(pairs: Vec<(String, String)>) -> Result<RejectedFilter, Problem> {
    let (mut until, mut code, mut pointer) = (None, None, None);
    for (name, value) in pairs {
        let place = match name.as_str() {
            "until" => &mut until,
            "code" => &mut code,
            "pointer" => &mut pointer,
            _ => return Err(Problem::field("filters", "unknown", "Dismissing takes `until`, `code` and `pointer`.")),
        };
        if place.replace(value).is_some() {
            return Err(Problem::field(&name, "repeated", "Name it once."));
        }
    }
    if pointer.is_some() && code.is_none() {
        return Err(Problem::field("code", "required", "A `pointer` needs a `code` beside it."));
    }
    let instant = |text: String| {
        let wrong = |_| Problem::field("until", "invalid", "Use an instant such as 2026-11-01T09:41:07Z.");
        DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc()).map_err(wrong)
    };
    let reason = code.map(|code| RejectedReason { pointer: pointer.unwrap_or_default(), code });
    Ok(RejectedFilter { until: until.map(instant).transpose()?, reason })
}
