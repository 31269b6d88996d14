//! `/v1/price-overrides` and `/v1/model-aliases`: the organization's own prices and names.

use super::json::{Body, invalid};
use super::prices::PriceDocument;
use super::rules::{MadeDocument, RuleDocument, made};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backend::prices;
use chrono::{DateTime, Utc};
use domain::ids::RuleChangeId;
use domain::price::page::DatedPrice;
use domain::price::{BookPrice, MappingForm, ModelAlias, PriceForm};
use domain::rule::{Dated, History};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(overrides, enter)).routes(routes!(aliases, enter_alias))
}

/// The organization's own prices.
#[derive(Debug, Serialize, ToSchema)]
struct OverridesDocument {
    /// Those that count, then superseded ones.
    overrides: Vec<OverrideDocument>,
    /// How many more there are, which the list leaves out.
    more: u64,
}

/// A price of the organization's own: it goes before the list price of its model.
#[derive(Debug, Serialize, ToSchema)]
struct OverrideDocument {
    /// Provider of the model.
    provider: String,
    /// The model.
    model: String,
    #[serde(flatten)]
    price: PriceDocument,
    /// Who entered it.
    recorded_by: String,
    /// With which change: to undo it.
    change_id: RuleChangeId,
}

/// Names that mean a model to the organization.
#[derive(Debug, Serialize, ToSchema)]
struct OwnAliasesDocument {
    /// In the order in which they are tried, then superseded ones.
    aliases: Vec<RuleDocument<OwnAliasDocument>>,
    /// How many more there are, which the list leaves out.
    more: u64,
}

/// A reported model name that means a model.
#[derive(Debug, Serialize, ToSchema)]
struct OwnAliasDocument {
    /// Provider whose events it reads.
    provider: String,
    /// Which names: `=` is that name, `^` a beginning, `$` an end, `~` a part; `#` stands for a digit.
    #[schema(example = "=our-chat")]
    pattern: String,
    /// Provider of the model that is meant.
    to_provider: String,
    /// The model that is meant.
    to_model: String,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<Utc>>,
    /// Holds until before then; null means without an end date.
    valid_to: Option<DateTime<Utc>>,
}

impl OverrideDocument {
    fn of(price: Dated<BookPrice>) -> Self {
        let (provider, model) = (price.row.provider.clone(), price.row.model.clone());
        let (recorded_by, change_id) = (price.entry.recorded_by.clone(), price.entry.change_id);
        Self { provider, model, price: PriceDocument::of(DatedPrice::from(price)), recorded_by, change_id }
    }
}

impl OwnAliasDocument {
    fn of(row: ModelAlias) -> Self {
        Self {
            provider: row.provider,
            pattern: row.pattern.to_string(),
            to_provider: row.to_provider,
            to_model: row.to_model,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        }
    }
}

/// Lists the organization's own prices.
#[utoipa::path(
    get,
    path = "/v1/price-overrides",
    tag = "prices",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The prices.", body = OverridesDocument)
    )
)]
async fn overrides(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<OverridesDocument>, ApiError> {
    let History { rows, more } = prices::overrides(&state.backend, &caller.scope).await?;
    Ok(Json(OverridesDocument { overrides: rows.into_iter().map(OverrideDocument::of).collect(), more }))
}

/// Enters a price of the organization's own: from its begin on it overrides the list price of the model.
///
/// Own prices replace the common ones of a model altogether while any of them holds.
/// Events that were recorded already keep their cost until somebody reprices them.
#[utoipa::path(
    post,
    path = "/v1/price-overrides",
    tag = "prices",
    security(("api_key" = ["admin"])),
    request_body = PriceForm,
    responses(
        (status = 201, description = "It is entered.", body = MadeDocument),
        (status = 400, description = "A field is wrong, or the price looks unusual and `confirmed` is missing; `errors` names every one.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<PriceForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    Ok(made(prices::add_prices(&state.backend, &caller.scope, &[new], form.is_confirmed()).await?))
}

/// Lists the names that mean a model to the organization.
#[utoipa::path(
    get,
    path = "/v1/model-aliases",
    tag = "prices",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The names.", body = OwnAliasesDocument)
    )
)]
async fn aliases(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<OwnAliasesDocument>, ApiError> {
    let History { rows, more } = prices::aliases(&state.backend, &caller.scope).await?;
    Ok(Json(OwnAliasesDocument { aliases: RuleDocument::all(rows, OwnAliasDocument::of), more }))
}

/// Lets a reported name mean a model. Of the aliases of a name the newest goes first.
#[utoipa::path(
    post,
    path = "/v1/model-aliases",
    tag = "prices",
    security(("api_key" = ["admin"])),
    request_body = MappingForm,
    responses(
        (status = 201, description = "It is entered.", body = MadeDocument)
    )
)]
async fn enter_alias(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<MappingForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    Ok(made(prices::add_alias(&state.backend, &caller.scope, &new).await?))
}
