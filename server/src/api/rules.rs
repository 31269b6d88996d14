//! `/v1/rules` and `/v1/rule-changes`: what rules of every kind have in common. What they say is entered and listed by their own resources.

use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use backend::{prices, rules};
use chrono::{DateTime, FixedOffset};
use domain::ids::RuleChangeId;
use domain::problem::Problem;
use domain::rule::{Dated, History, RuleChange, parse_end};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(end)).routes(routes!(changes)).routes(routes!(undo))
}

/// A dated rule and where it stands in the history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleDocument<T> {
    /// Its number, as receipts name it: to end it.
    rule_id: u64,
    #[serde(flatten)]
    rule: T,
    /// When it was entered.
    recorded_at: DateTime<FixedOffset>,
    /// Who entered it.
    recorded_by: String,
    /// With which change: to undo it.
    change_id: RuleChangeId,
    /// Since when it no longer counts; null while it does.
    superseded_at: Option<DateTime<FixedOffset>>,
}

impl<T> RuleDocument<T> {
    /// Rules as documents, in their order.
    pub(super) fn all<R>(rules: Vec<Dated<R>>, document: impl Fn(R) -> T) -> Vec<Self> {
        let of = |rule: Dated<R>| Self {
            rule_id: rule.rule_id,
            rule: document(rule.row),
            recorded_at: rule.entry.recorded_at,
            recorded_by: rule.entry.recorded_by,
            change_id: rule.entry.change_id,
            superseded_at: rule.entry.superseded_at,
        };
        rules.into_iter().map(of).collect()
    }
}

/// The change that a request made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeDocument {
    /// Its id, to undo it.
    pub(super) change_id: RuleChangeId,
}

/// Answers a request that entered something.
pub(super) fn made(change_id: RuleChangeId) -> (StatusCode, Json<MadeDocument>) {
    (StatusCode::CREATED, Json(MadeDocument { change_id }))
}

/// When a rule ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct End {
    /// It holds until before this day of the organization's zone, this instant or this month; at or before its begin it is withdrawn.
    #[schema(example = "2026-12-01")]
    valid_to: String,
}

/// What was done to the organization's rules.
#[derive(Debug, Serialize, ToSchema)]
struct ChangesDocument {
    /// Newest first.
    changes: Vec<RuleChange>,
    /// How many more there are, which the list leaves out.
    more: u64,
}

/// Ends a rule of any kind. It is superseded, not deleted: receipts and statements that name it keep it.
///
/// Terms of contracts and markups end with months, such as `2027-01`.
#[utoipa::path(
    post,
    path = "/v1/rules/{rule_id}/end",
    tag = "rules",
    security(("api_key" = ["admin"])),
    params(("rule_id" = u64, Path, description = "Number of the rule.")),
    request_body = End,
    responses(
        (status = 200, description = "It ends.", body = MadeDocument)
    )
)]
async fn end(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(rule_id): Path<String>,
    Body(end): Body<End>,
) -> Result<Json<MadeDocument>, ApiError> {
    let rule_id = rule_id.parse().map_err(|_| Problem::NotFound)?;
    let end = parse_end(&end.valid_to).map_err(|wrong| invalid(vec![wrong]))?;
    let change_id = rules::end(&state.backend, &caller.scope, rule_id, end).await?;
    Ok(Json(MadeDocument { change_id }))
}

/// Lists what was done to the organization's rules, newest first.
#[utoipa::path(
    get,
    path = "/v1/rule-changes",
    tag = "rules",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The changes.", body = ChangesDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn changes(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ChangesDocument>, ApiError> {
    let History { rows, more } = prices::changes(&state.backend, &caller.scope).await?;
    Ok(Json(ChangesDocument { changes: rows, more }))
}

/// Takes a change back, as long as nothing was booked with it.
#[utoipa::path(
    post,
    path = "/v1/rule-changes/{change_id}/undo",
    tag = "rules",
    security(("api_key" = ["admin"])),
    params(("change_id" = RuleChangeId, Path, description = "Id of the change.")),
    responses(
        (status = 200, description = "It is undone, by a change of its own.", body = MadeDocument),
        (status = 409, description = "Something was booked with it, a later change builds on it, or it is undone already.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn undo(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(change_id): Path<String>,
) -> Result<Json<MadeDocument>, ApiError> {
    let change_id = change_id.parse().map_err(|_| Problem::NotFound)?;
    let change_id = prices::undo(&state.backend, &caller.scope, change_id).await?;
    Ok(Json(MadeDocument { change_id }))
}
