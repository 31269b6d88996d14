//! `/v1/cost-basis`: which cost counts where a provider reports one.

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
use domain::money::exact;
use domain::price::{BasisBook, BasisForm, CostBasis, CostBasisRule, Drift};
use serde::Serialize;
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
    /// Newest first, then superseded ones. Of those whose `superseded_at` is null, the first that concerns a provider and whose span holds decides; without any, the computed cost counts.
    choices: Vec<RuleDocument<BasisChoiceDocument>>,
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
    valid_from: Option<DateTime<Utc>>,
    /// Holds until before then; null means until another choice.
    valid_to: Option<DateTime<Utc>>,
    /// Why.
    reason: String,
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

impl BasisChoiceDocument {
    fn of(row: CostBasisRule) -> Self {
        let CostBasisRule { provider, basis, valid_from, valid_to, reason } = row;
        Self { basis, provider, valid_from, valid_to, reason }
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
            choices: RuleDocument::all(book.choices, BasisChoiceDocument::of),
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
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The choices and the drift.", body = CostBasisDocument)
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
    security(("api_key" = ["admin"])),
    request_body = BasisForm,
    responses(
        (status = 201, description = "It is chosen.", body = MadeDocument)
    )
)]
async fn choose(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<BasisForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    Ok(made(prices::choose_basis(&state.backend, &caller.scope, &new).await?))
}
