//! `/v1/markups`: what is added to what teams owe.

use super::json::{Body, invalid};
use super::rules::{MadeDocument, RuleDocument, made};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backend::statements;
use domain::rule::{Rule, RuleKind};
use domain::statement::{MarkupForm, MarkupRule, month_text};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(markups, enter))
}

/// Markups on statements.
#[derive(Debug, Serialize, ToSchema)]
struct MarkupsDocument {
    /// Newest first, then superseded ones. Of those whose `superseded_at` is null, a team's own holds, else the one of all.
    markups: Vec<RuleDocument<MarkupDocument>>,
    /// How many more there are, which the list leaves out.
    more: u64,
}

/// A markup in percent.
#[derive(Debug, Serialize, ToSchema)]
struct MarkupDocument {
    /// `markup`.
    kind: RuleKind,
    /// In percent: a decimal string.
    #[schema(example = "5")]
    percent: String,
    /// Short name of the team; null for all that have no markup of their own.
    team: Option<String>,
    /// First month; null for all time before, too.
    #[schema(example = "2026-11")]
    from: Option<String>,
    /// The month in which it no longer holds; null without an end date.
    to: Option<String>,
    /// Why.
    reason: String,
}

impl MarkupDocument {
    fn of(rule: MarkupRule) -> Self {
        let span = rule.span();
        let [from, to] = [span.from, span.to].map(|at| at.map(|at| month_text(at.date_naive())));
        let (percent, team) = (rule.percent.normalize().to_string(), rule.team.map(Into::into));
        Self { kind: MarkupRule::KIND, percent, team, from, to, reason: rule.reason }
    }
}

/// Lists markups.
#[utoipa::path(
    get,
    path = "/v1/markups",
    tag = "statements",
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The markups.", body = MarkupsDocument))
)]
async fn markups(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<MarkupsDocument>, ApiError> {
    let list = statements::markups(&state.backend, &caller.scope).await?;
    Ok(Json(MarkupsDocument { more: list.more, markups: RuleDocument::all(list.rows, MarkupDocument::of) }))
}

/// Enters a markup, in place of what held for the same team, or for all, in its months.
///
/// A statement has it as a line of its own on what each project and the team itself owe; what nobody answers for has none. What it adds to closed months is an adjustment of the first open one.
/// It is ended by `POST /v1/rules/{rule_id}/end` with a month.
#[utoipa::path(
    post,
    path = "/v1/markups",
    tag = "statements",
    security(("api_key" = ["admin"])),
    request_body = MarkupForm,
    responses((status = 201, description = "It is entered.", body = MadeDocument))
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<MarkupForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    let entered = statements::enter_markup(&state.backend, &caller.scope, &new).await;
    Ok(made(entered.map_err(|error| super::json::pointed("", error))?))
}
