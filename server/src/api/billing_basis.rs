//! `/v1/billing-basis`: how the usage of each API key is billed.

use super::json::{Body, invalid};
use super::rules::{MadeDocument, RuleDocument, made};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backend::prices;
use chrono::{DateTime, Utc};
use domain::ids::KeyId;
use domain::price::{BillingBasis, BillingBasisRule, BillingForm};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(billing, choose))
}

/// How keys are billed.
#[derive(Debug, Serialize, ToSchema)]
struct BillingBasisDocument {
    /// Newest first, then superseded ones. Of a key's whose `superseded_at` is null, the one whose span holds decides; without any, its usage is metered.
    choices: Vec<RuleDocument<BillingChoiceDocument>>,
    /// How many more choices there are, which the list leaves out.
    more: u64,
}

/// What was chosen for a key.
#[derive(Debug, Serialize, ToSchema)]
struct BillingChoiceDocument {
    key_id: KeyId,
    /// The key's name, with the end of the key.
    key: String,
    basis: BillingBasis,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<Utc>>,
    /// Holds until before then; null means until another choice.
    valid_to: Option<DateTime<Utc>>,
    /// Why.
    reason: String,
}

impl BillingChoiceDocument {
    fn of(row: BillingBasisRule) -> Self {
        let BillingBasisRule { key_id, key, basis, valid_from, valid_to, reason } = row;
        Self { key_id, key, basis, valid_from, valid_to, reason }
    }
}

/// Tells how the usage of the keys that the caller sees is billed, with every earlier choice.
#[utoipa::path(
    get,
    path = "/v1/billing-basis",
    tag = "prices",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The choices.", body = BillingBasisDocument)
    )
)]
async fn billing(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<BillingBasisDocument>, ApiError> {
    let choices = prices::billing(&state.backend, &caller.scope).await?;
    let (rows, more) = (choices.rows, choices.more);
    Ok(Json(BillingBasisDocument { choices: RuleDocument::all(rows, BillingChoiceDocument::of), more }))
}

/// Chooses how the usage of a key is billed from a day on: by what it costs, included in a plan that is a charge, or from prepaid credits.
///
/// Where a plan includes it, the receipt keeps its lines and one with the meter `included` takes them away: the cost is 0, and its list value is `included_value` of `GET /v1/spend`.
/// The choice holds by each event's own timestamp. Events that were recorded already keep their cost until somebody reprices them.
#[utoipa::path(
    post,
    path = "/v1/billing-basis",
    tag = "prices",
    security(("api_key" = ["admin"])),
    request_body = BillingForm,
    responses(
        (status = 201, description = "It is chosen.", body = MadeDocument)
    )
)]
async fn choose(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<BillingForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    Ok(made(prices::choose_billing(&state.backend, &caller.scope, new).await?))
}
