//! `/v1/price-modifiers`: the organization's discounts and markups.

use super::json::{Body, invalid};
use super::rules::{MadeDocument, RuleDocument, made};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backend::prices;
use chrono::{DateTime, NaiveDate, Utc};
use domain::money;
use domain::price::{EffectRow, ModifierEffect, ModifierForm, ModifierKind, PriceModifier};
use domain::rule::History;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, enter)).routes(routes!(effect))
}

/// The organization's discounts and markups.
#[derive(Debug, Serialize, ToSchema)]
struct ModifiersDocument {
    /// Those that count, in the order in which they stack, then superseded ones.
    modifiers: Vec<RuleDocument<ModifierDocument>>,
    /// How many more there are, which the list leaves out.
    more: u64,
}

/// A factor on prices.
#[derive(Debug, Serialize, ToSchema)]
struct ModifierDocument {
    /// Why: discounts stack before markups.
    kind: ModifierKind,
    /// Who sells the calls; null means every provider.
    provider: Option<String>,
    /// Models by their names in the book: `=` is that name, `^` a beginning, `$` an end, `~` a part; null means every model.
    #[schema(example = "^gpt-4o")]
    models: Option<String>,
    /// What else is asked of a call; empty asks for nothing.
    attributes: String,
    /// `tokens`, words of meters between commas, or empty for everything.
    meters: String,
    /// What a price is multiplied by: a decimal string.
    #[schema(example = "0.88")]
    factor: String,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<Utc>>,
    /// Holds until before then; null means without an end date.
    valid_to: Option<DateTime<Utc>>,
    /// Who said so.
    source: String,
    /// Where it is written.
    source_url: Option<String>,
}

/// What a factor would have moved.
#[derive(Debug, Serialize, ToSchema)]
struct ModifierEffectDocument {
    /// First day that was looked at.
    from: NaiveDate,
    /// The day after the last.
    to: NaiveDate,
    /// What is multiplied by: a decimal string.
    factor: String,
    /// What was charged on what it concerns, without what a contract took off.
    before: String,
    /// What it would have added; below zero for a discount.
    delta: String,
    /// By project and model, the largest first.
    rows: Vec<EffectRowDocument>,
}

/// What a factor would have moved of one model in one project.
#[derive(Debug, Serialize, ToSchema)]
struct EffectRowDocument {
    /// The project.
    project: String,
    /// Provider as sent.
    provider: String,
    /// Model as sent.
    model: String,
    /// What was charged.
    before: String,
    /// What the factor would have added.
    delta: String,
}

impl ModifierDocument {
    fn of(row: PriceModifier) -> Self {
        Self {
            kind: row.kind,
            provider: row.provider,
            models: row.models.map(|models| models.to_string()),
            attributes: row.attributes.to_string(),
            meters: row.meters.to_string(),
            factor: row.factor.normalize().to_string(),
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            source: row.source,
            source_url: row.source_url,
        }
    }
}

impl ModifierEffectDocument {
    fn of(effect: ModifierEffect) -> Self {
        let added = effect.factor - Decimal::ONE;
        let row = |row: EffectRow| EffectRowDocument {
            project: row.project,
            provider: row.provider,
            model: row.model,
            before: money::exact(row.before),
            delta: money::exact(row.before * added),
        };
        Self {
            from: effect.period.from,
            to: effect.period.to,
            factor: effect.factor.normalize().to_string(),
            before: money::exact(effect.before()),
            delta: money::exact(effect.delta()),
            rows: effect.rows.into_iter().map(row).collect(),
        }
    }
}

/// Lists the organization's discounts and markups.
#[utoipa::path(
    get,
    path = "/v1/price-modifiers",
    tag = "prices",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The discounts and markups.", body = ModifiersDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ModifiersDocument>, ApiError> {
    let History { rows, more } = prices::modifiers(&state.backend, &caller.scope).await?;
    Ok(Json(ModifiersDocument { modifiers: RuleDocument::all(rows, ModifierDocument::of), more }))
}

/// Enters a discount or markup. It multiplies prices in a fixed order: the provider's uplift, discounts, markups; of one kind the older first.
///
/// Events that were recorded already keep their cost until somebody reprices them.
#[utoipa::path(
    post,
    path = "/v1/price-modifiers",
    tag = "prices",
    security(("api_key" = ["admin"])),
    request_body = ModifierForm,
    responses(
        (status = 201, description = "It is entered.", body = MadeDocument)
    )
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<ModifierForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    Ok(made(prices::add_modifier(&state.backend, &caller.scope, &new).await?))
}

/// Says what a discount or markup would have meant for the last 30 days, had it held all along. Nothing is entered.
#[utoipa::path(
    post,
    path = "/v1/price-modifiers/effect",
    tag = "prices",
    security(("api_key" = ["admin"])),
    request_body = ModifierForm,
    responses(
        (status = 200, description = "What it would have moved.", body = ModifierEffectDocument),
        (status = 400, description = "A field is wrong, or `attributes` asks for what sums of days do not tell apart.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn effect(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<ModifierForm>,
) -> Result<Json<ModifierEffectDocument>, ApiError> {
    let new = form.parse().map_err(invalid)?;
    let effect = prices::modifier_effect(&state.backend, &caller.scope, &new).await?;
    Ok(Json(ModifierEffectDocument::of(effect)))
}
