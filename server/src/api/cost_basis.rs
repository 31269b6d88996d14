//! `/v1/cost-basis`: which cost counts where a provider reports one.

use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backend::prices;
use chrono::{DateTime, FixedOffset};
use domain::money::exact;
use domain::price::{BasisBook, BasisChoice, BasisForm, CostBasis, Drift};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(basis, choose))
}

/// Which cost counts, and what providers reported beside what was computed.
#[derive(Debug, Serialize, ToSchema)]
struct CostBasisDocument {
    /// Newest first: the first that concerns a provider holds from its begin on. Without any, the computed cost counts.
    choices: Vec<BasisChoiceDocument>,
    /// By provider, over the newest events of the last 30 days that came with a reported cost.
    drift: Vec<DriftDocument>,
    /// How many events that are, at most 20,000.
    compared_events: u64,
}

/// What was chosen.
#[derive(Debug, Serialize, ToSchema)]
struct BasisChoiceDocument {
    basis: CostBasis,
    /// Canonical provider; null means every provider.
    provider: Option<String>,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<FixedOffset>>,
    /// Why.
    reason: String,
    /// When it was chosen.
    recorded_at: DateTime<FixedOffset>,
    /// Who chose it.
    recorded_by: String,
}

/// What a provider reported beside what was computed. Amounts are decimal strings with 12 places, in US dollars.
#[derive(Debug, Serialize, ToSchema)]
struct DriftDocument {
    /// As sent.
    provider: String,
    /// What counts of its events now.
    basis: CostBasis,
    /// Events with both costs.
    events: u64,
    /// What was computed for these.
    #[schema(example = "0.014445000000")]
    computed: String,
    /// What the provider reported for these.
    #[schema(example = "0.013700000000")]
    reported: String,
    /// Reported over computed.
    #[schema(example = "-0.000745000000")]
    difference: String,
    /// Events with a reported cost for which the price book has no price.
    uncomputed_events: u64,
    /// What the provider reported for these.
    uncomputed: String,
}

/// A choice to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBasis {
    /// `computed` or `reported`.
    #[schema(example = "reported")]
    basis: String,
    /// Who sells the calls; every provider when missing.
    #[serde(default)]
    #[schema(example = "openrouter", max_length = 200)]
    provider: String,
    /// From this day of the organization's zone or this instant; for all time before too when missing.
    #[serde(default)]
    #[schema(example = "2026-11-01")]
    valid_from: String,
    /// Why, for those who read the numbers later.
    #[schema(example = "The invoice follows it.", max_length = 500)]
    reason: String,
}

impl From<NewBasis> for BasisForm {
    fn from(new: NewBasis) -> Self {
        Self { basis: new.basis, provider: new.provider, valid_from: new.valid_from, reason: new.reason }
    }
}

impl From<BasisChoice> for BasisChoiceDocument {
    fn from(choice: BasisChoice) -> Self {
        Self {
            basis: choice.basis,
            provider: choice.provider,
            valid_from: choice.valid_from,
            reason: choice.reason,
            recorded_at: choice.recorded_at,
            recorded_by: choice.recorded_by,
        }
    }
}

impl From<BasisBook> for CostBasisDocument {
    fn from(book: BasisBook) -> Self {
        let drift = |drift: Drift| DriftDocument {
            difference: exact(drift.difference()),
            provider: drift.provider,
            basis: drift.basis,
            events: drift.events,
            computed: exact(drift.computed),
            reported: exact(drift.reported),
            uncomputed_events: drift.uncomputed_events,
            uncomputed: exact(drift.uncomputed),
        };
        Self {
            choices: book.choices.into_iter().map(BasisChoiceDocument::from).collect(),
            drift: book.drift.into_iter().map(drift).collect(),
            compared_events: book.compared,
        }
    }
}

/// Tells which cost counts where a provider reports one, and how far the reported and the computed costs are apart.
#[utoipa::path(
    get,
    path = "/v1/cost-basis",
    tag = "prices",
    responses(
        (status = 200, description = "The choices and the drift.", body = CostBasisDocument),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `read`.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn basis(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<CostBasisDocument>, ApiError> {
    Ok(Json(prices::basis(&state.backend, &caller.scope).await?.into()))
}

/// Chooses which cost counts from a day on: the one computed from the price book, or the one that the provider reported with the event.
///
/// The receipt keeps its computed lines; one line with the meter `reported` says what the reported cost adds or takes away.
/// The choice holds by each event's own timestamp. Events that were recorded already keep their cost until somebody reprices them.
#[utoipa::path(
    post,
    path = "/v1/cost-basis",
    tag = "prices",
    request_body = NewBasis,
    responses(
        (status = 201, description = "It is chosen.", body = BasisChoiceDocument),
        (status = 400, description = "A field is wrong; `errors` names every one.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `admin` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn choose(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(new): Body<NewBasis>,
) -> Result<(StatusCode, Json<BasisChoiceDocument>), ApiError> {
    let input = BasisForm::from(new).parse().map_err(invalid)?;
    let choice = prices::choose_basis(&state.backend, &caller.scope, &input).await?;
    Ok((StatusCode::CREATED, Json(choice.into())))
}
