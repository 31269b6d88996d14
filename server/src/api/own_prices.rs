//! `/v1/price-overrides`, `/v1/price-mappings` and `/v1/price-changes`: the organization's own book.

use super::json::{Body, invalid};
use super::prices::PriceDocument;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use backend::prices;
use chrono::{DateTime, FixedOffset, Utc};
use domain::event::Edge;
use domain::ids::PriceChangeId;
use domain::price::page::DatedPrice;
use domain::price::{Entry, MappingForm, OwnMapping, OwnPrice, PriceChange, PriceForm};
use domain::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overrides, enter))
        .routes(routes!(end_override))
        .routes(routes!(mappings, map))
        .routes(routes!(end_mapping))
        .routes(routes!(changes))
        .routes(routes!(undo))
}

/// The organization's own prices.
#[derive(Debug, Serialize, ToSchema)]
struct OverridesDocument {
    /// Those that count, then superseded ones.
    overrides: Vec<OverrideDocument>,
}

/// A price of the organization's own: it goes before the common price of its model.
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
    /// With which change; null for what no person entered.
    change_id: Option<PriceChangeId>,
}

/// The organization's own names for models.
#[derive(Debug, Serialize, ToSchema)]
struct MappingsDocument {
    /// In the order in which they are tried.
    mappings: Vec<MappingDocument>,
}

/// A name of the organization's own for a model.
#[derive(Debug, Serialize, ToSchema)]
struct MappingDocument {
    /// Provider whose events it reads.
    provider: String,
    /// Names it together with the provider.
    position: u32,
    /// Which names: `=` is that name, `^` a beginning, `$` an end, `~` a part; `#` stands for a digit.
    #[schema(example = "=our-chat")]
    pattern: String,
    /// Provider of the model that is meant.
    to_provider: String,
    /// The model that is meant.
    to_model: String,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<FixedOffset>>,
    /// Holds until before then; null means until further notice.
    valid_to: Option<DateTime<FixedOffset>>,
    /// When it was entered.
    recorded_at: DateTime<FixedOffset>,
    /// Who entered it.
    recorded_by: String,
    /// With which change.
    change_id: Option<PriceChangeId>,
    /// Since when it no longer counts.
    superseded_at: Option<DateTime<FixedOffset>>,
}

/// What was done to the organization's own book.
#[derive(Debug, Serialize, ToSchema)]
struct ChangesDocument {
    /// Newest first.
    changes: Vec<ChangeDocument>,
}

/// One thing that was done.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeDocument {
    /// Its id, to undo it.
    id: PriceChangeId,
    /// When.
    recorded_at: DateTime<FixedOffset>,
    /// Who.
    recorded_by: String,
    /// One sentence.
    detail: String,
    /// Whether a later change took it back.
    undone: bool,
    /// The change that it took back.
    undoes: Option<PriceChangeId>,
}

/// The change that a request made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeDocument {
    /// Its id, to undo it.
    pub(super) change_id: PriceChangeId,
}

/// A price to be entered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOverride {
    /// Who sells the model.
    #[schema(example = "openai", max_length = 200)]
    provider: String,
    /// The model; a new name makes a model of the organization's own.
    #[schema(example = "gpt-4o", max_length = 200)]
    model: String,
    /// What is priced.
    #[schema(example = "input_uncached")]
    meter: String,
    /// `standard`, `batch`, `flex`, `priority`, `fast` or `ultrafast`.
    #[serde(default)]
    variant: String,
    /// Input tokens of the whole request from which it holds, such as `>200000` or `>=200000`.
    #[serde(default)]
    tier: String,
    /// US dollars for `per` units: a decimal string.
    #[schema(example = "2.25")]
    rate: String,
    /// Units that the rate is for; a million for tokens and characters, one for everything else.
    per: Option<u64>,
    /// From this day of the organization's zone or this instant; for all time before too when missing.
    #[serde(default)]
    #[schema(example = "2026-11-01")]
    valid_from: String,
    /// Until before this day or instant; until further notice when missing.
    #[serde(default)]
    valid_to: String,
    /// What else is asked of a call.
    #[serde(default)]
    #[schema(example = "region=eu")]
    attributes: String,
    /// Hours in UTC at which it holds.
    #[serde(default)]
    #[schema(example = "01:00-04:00 12345")]
    schedule: String,
    /// Who said so.
    #[schema(example = "Contract 2026-114", max_length = 200)]
    source: String,
    /// Where it is written.
    #[serde(default)]
    source_url: String,
    /// Whether a price that looks unusual is meant: ten times another, or per token instead of per million.
    #[serde(default)]
    confirmed: bool,
}

/// A name to be mapped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMapping {
    /// Provider that the events name.
    #[schema(example = "azure", max_length = 200)]
    provider: String,
    /// The name that the events carry, or a pattern such as `^our-chat-`.
    #[schema(example = "our-chat", max_length = 200)]
    name: String,
    /// Provider of the model that is meant.
    #[schema(example = "azure")]
    to_provider: String,
    /// The model that is meant.
    #[schema(example = "gpt-4o")]
    to_model: String,
    /// From this day or instant; for all time before too when missing.
    #[serde(default)]
    valid_from: String,
    /// Until before this day or instant; until further notice when missing.
    #[serde(default)]
    valid_to: String,
}

/// When something ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// It holds until before this day of the organization's zone or this instant; at or before its begin it is withdrawn.
    #[schema(example = "2026-12-01")]
    valid_to: String,
}

impl From<NewOverride> for PriceForm {
    fn from(new: NewOverride) -> Self {
        Self {
            provider: new.provider,
            model: new.model,
            meter: new.meter,
            variant: new.variant,
            tier: new.tier,
            rate: new.rate,
            per: new.per.map(|per| per.to_string()).unwrap_or_default(),
            valid_from: new.valid_from,
            valid_to: new.valid_to,
            attributes: new.attributes,
            schedule: new.schedule,
            source: new.source,
            source_url: new.source_url,
            confirmed: if new.confirmed { "true".to_owned() } else { String::new() },
        }
    }
}

impl From<NewMapping> for MappingForm {
    fn from(new: NewMapping) -> Self {
        Self {
            provider: new.provider,
            name: new.name,
            to_provider: new.to_provider,
            to_model: new.to_model,
            valid_from: new.valid_from,
            valid_to: new.valid_to,
        }
    }
}

impl End {
    pub(super) fn edge(&self) -> Result<Edge, Problem> {
        Edge::read("valid_to", &self.valid_to).map_err(|wrong| invalid(vec![wrong]))
    }
}

impl OverrideDocument {
    fn of(price: OwnPrice) -> Self {
        let (provider, model) = (price.row.provider.clone(), price.row.model.clone());
        let Entry { recorded_at, recorded_by, change_id, superseded_at } = price.entry;
        let utc = |at: DateTime<FixedOffset>| at.with_timezone(&Utc);
        let dated = DatedPrice {
            row: price.row,
            own: true,
            recorded_at: utc(recorded_at),
            superseded_at: superseded_at.map(utc),
        };
        Self { provider, model, price: PriceDocument::of(dated), recorded_by, change_id }
    }
}

impl MappingDocument {
    fn of(mapping: OwnMapping) -> Self {
        let Entry { recorded_at, recorded_by, change_id, superseded_at } = mapping.entry;
        Self {
            provider: mapping.provider,
            position: mapping.position,
            pattern: mapping.pattern,
            to_provider: mapping.to_provider,
            to_model: mapping.to_model,
            valid_from: mapping.valid_from,
            valid_to: mapping.valid_to,
            recorded_at,
            recorded_by,
            change_id,
            superseded_at,
        }
    }
}

impl ChangeDocument {
    fn of(change: PriceChange) -> Self {
        Self {
            id: change.change_id,
            recorded_at: change.recorded_at,
            recorded_by: change.recorded_by,
            detail: change.detail,
            undone: change.undone,
            undoes: change.undoes,
        }
    }
}

/// Lists the organization's own prices.
#[utoipa::path(
    get,
    path = "/v1/price-overrides",
    tag = "prices",
    responses(
        (status = 200, description = "The prices.", body = OverridesDocument),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `read`.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn overrides(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<OverridesDocument>, ApiError> {
    let book = prices::own_book(&state.backend, &caller.scope).await?;
    Ok(Json(OverridesDocument { overrides: book.prices.into_iter().map(OverrideDocument::of).collect() }))
}

/// Enters a price of the organization's own: from its begin on it goes before the common price of the model.
///
/// Own prices replace the common ones of a model altogether while any of them holds.
/// Events that were recorded already keep their cost until somebody reprices them.
#[utoipa::path(
    post,
    path = "/v1/price-overrides",
    tag = "prices",
    request_body = NewOverride,
    responses(
        (status = 201, description = "It is entered.", body = MadeDocument),
        (status = 400, description = "A field is wrong, or the price looks unusual and `confirmed` is missing; `errors` names every one.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `admin` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(new): Body<NewOverride>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let input = PriceForm::from(new).parse().map_err(invalid)?;
    let change_id = prices::add_price(&state.backend, &caller.scope, input).await?;
    Ok((StatusCode::CREATED, Json(MadeDocument { change_id })))
}

/// Ends a price of the organization's own. It is superseded, not deleted: receipts that point to it keep it.
#[utoipa::path(
    post,
    path = "/v1/price-overrides/{price_id}/end",
    tag = "prices",
    params(("price_id" = u64, Path, description = "Id of the price.")),
    request_body = End,
    responses(
        (status = 200, description = "It ends.", body = MadeDocument),
        (status = 400, description = "The end is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `admin` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such price that still counts.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn end_override(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(price_id): Path<String>,
    Body(end): Body<End>,
) -> Result<Json<MadeDocument>, ApiError> {
    let price_id = price_id.parse().map_err(|_| Problem::NotFound)?;
    let change_id = prices::end_price(&state.backend, &caller.scope, price_id, end.edge()?).await?;
    Ok(Json(MadeDocument { change_id }))
}

/// Lists the organization's own names for models.
#[utoipa::path(
    get,
    path = "/v1/price-mappings",
    tag = "prices",
    responses(
        (status = 200, description = "The names.", body = MappingsDocument),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `read`.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn mappings(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<MappingsDocument>, ApiError> {
    let book = prices::own_book(&state.backend, &caller.scope).await?;
    Ok(Json(MappingsDocument { mappings: book.mappings.into_iter().map(MappingDocument::of).collect() }))
}

/// Maps a name to a model. The newest mapping of a name goes first.
#[utoipa::path(
    post,
    path = "/v1/price-mappings",
    tag = "prices",
    request_body = NewMapping,
    responses(
        (status = 201, description = "It is mapped.", body = MadeDocument),
        (status = 400, description = "A field is wrong; `errors` names every one.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `admin` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn map(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(new): Body<NewMapping>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let input = MappingForm::from(new).parse().map_err(invalid)?;
    let change_id = prices::add_mapping(&state.backend, &caller.scope, input).await?;
    Ok((StatusCode::CREATED, Json(MadeDocument { change_id })))
}

/// Ends a name of the organization's own.
#[utoipa::path(
    post,
    path = "/v1/price-mappings/{provider}/{position}/end",
    tag = "prices",
    params(
        ("provider" = String, Path, description = "Provider whose events it reads."),
        ("position" = u32, Path, description = "Its position.")
    ),
    request_body = End,
    responses(
        (status = 200, description = "It ends.", body = MadeDocument),
        (status = 400, description = "The end is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `admin` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such name that still counts.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn end_mapping(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path((provider, position)): Path<(String, String)>,
    Body(end): Body<End>,
) -> Result<Json<MadeDocument>, ApiError> {
    let position = position.parse().map_err(|_| Problem::NotFound)?;
    let change_id = prices::end_mapping(&state.backend, &caller.scope, &provider, position, end.edge()?).await?;
    Ok(Json(MadeDocument { change_id }))
}

/// Lists what was done to the organization's own book, newest first.
#[utoipa::path(
    get,
    path = "/v1/price-changes",
    tag = "prices",
    responses(
        (status = 200, description = "The changes.", body = ChangesDocument),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `read`.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn changes(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ChangesDocument>, ApiError> {
    let book = prices::own_book(&state.backend, &caller.scope).await?;
    Ok(Json(ChangesDocument { changes: book.changes.into_iter().map(ChangeDocument::of).collect() }))
}

/// Takes a change back, as long as no event was priced with it.
#[utoipa::path(
    post,
    path = "/v1/price-changes/{change_id}/undo",
    tag = "prices",
    params(("change_id" = Uuid, Path, description = "Id of the change.")),
    responses(
        (status = 200, description = "It is undone, by a change of its own.", body = MadeDocument),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `admin` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such change.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Something was priced with it, or it is undone already.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn undo(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(change_id): Path<String>,
) -> Result<Json<MadeDocument>, ApiError> {
    let change: Uuid = change_id.parse().map_err(|_| Problem::NotFound)?;
    let change_id = prices::undo(&state.backend, &caller.scope, PriceChangeId(change)).await?;
    Ok(Json(MadeDocument { change_id }))
}
