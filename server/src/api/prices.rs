//! `/v1/prices`: the price book as this organization sees it.

use super::csv;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use backend::prices::browse;
use chrono::{DateTime, Utc};
use domain::meter::Meter;
use domain::price::page::{AliasEntry, DatedPrice, FoundModels, ModelEntry, ModelName, PriceSearch, RateNow, terms};
use domain::price::{BookPrice, Derivation, Variant};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// Models of the price book.
#[derive(Debug, Serialize, ToSchema)]
struct ModelsDocument {
    /// The closest to the search first.
    models: Vec<ModelDocument>,
    /// All that match, on this page and others.
    matching: u64,
    /// Send it as `cursor` for the next page; null on the last one.
    next: Option<String>,
}

/// A model and its plain prices now: standard, for requests of any size, at any hour.
#[derive(Debug, Serialize, ToSchema)]
struct ModelDocument {
    /// Name of the provider in the book.
    #[schema(example = "anthropic")]
    provider: String,
    /// Name of the model in the book.
    #[schema(example = "claude-sonnet-4-5")]
    model: String,
    /// As people know it.
    title: Option<String>,
    /// Price of input tokens; null where it has none.
    input: Option<RateDocument>,
    /// Price of output tokens; null where it has none.
    output: Option<RateDocument>,
    /// How many prices are in force: all meters and terms.
    prices_in_force: u32,
    /// Whether the organization has prices of its own for it.
    own: bool,
}

/// What units cost.
#[derive(Debug, Serialize, ToSchema)]
struct RateDocument {
    /// US dollars for `per` units: a decimal string.
    #[schema(example = "3")]
    rate: String,
    /// Units that the rate is for.
    #[schema(example = 1_000_000)]
    per: u64,
    /// Since when it holds; null means for all time before too.
    valid_from: Option<DateTime<Utc>>,
    /// Whether it is the organization's own price.
    own: bool,
}

/// A model with all its dated prices.
#[derive(Debug, Serialize, ToSchema)]
struct ModelPricesDocument {
    /// Name of the provider in the book.
    provider: String,
    /// Name of the model in the book.
    model: String,
    /// In force, earlier, later and superseded ones; the organization's own first.
    prices: Vec<PriceDocument>,
    /// Names that lead to this model, in the order in which they are tried; the organization's own first.
    aliases: Vec<AliasDocument>,
}

/// A dated price. It is superseded, never edited.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PriceDocument {
    /// Its id, as receipts name it.
    price_id: u64,
    #[serde(flatten)]
    row: RowDocument,
    /// Whether it is the organization's own.
    own: bool,
    /// When it came into the book.
    recorded_at: DateTime<Utc>,
    /// When it turned out to be wrong; null while it is used.
    superseded_at: Option<DateTime<Utc>>,
}

/// What a price says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowDocument {
    /// What is priced.
    #[schema(value_type = String, example = "input_uncached")]
    meter: Meter,
    /// What the meter counts.
    #[schema(example = "tokens")]
    unit: String,
    /// How it must be served.
    variant: Variant,
    /// What else is asked of the call; empty asks for nothing.
    #[schema(example = "size=1024x1536;quality=high")]
    attributes: String,
    /// Input tokens of the whole request from which it holds for every token of it; of searches the results that each was asked for.
    tier_from: u64,
    /// Whether a request of exactly that many has this price already.
    tier_inclusive: bool,
    /// Least quantity that an event is charged for: a decimal string.
    quantity_min: Option<String>,
    /// Greatest quantity that an event is charged for: a decimal string.
    quantity_max: Option<String>,
    /// Whether a begun unit is charged as a whole one.
    quantity_whole: bool,
    /// Hours in UTC at which it holds; null means always.
    #[schema(example = "01:00-04:00 12345")]
    schedule: Option<String>,
    /// When it applies apart from its dates, in words.
    #[schema(example = "Batch, over 200,000 input tokens")]
    terms: String,
    /// US dollars for `per` units: a decimal string.
    #[schema(example = "3")]
    rate: String,
    /// Units that the rate is for.
    #[schema(example = 1_000_000)]
    per: u64,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<Utc>>,
    /// Holds until before then; null means without an end date.
    valid_to: Option<DateTime<Utc>>,
    /// The data set or person it came from.
    source: String,
    /// Version of that data set.
    source_version: String,
    /// Where it can be checked.
    source_url: Option<String>,
    /// Why it stands in the book, where its source does not list it as it is; null for prices that are listed.
    derived: Option<Derivation>,
}

/// Names that lead to a model.
#[derive(Debug, Serialize, ToSchema)]
struct AliasDocument {
    /// Provider whose names it reads.
    provider: String,
    /// Which names: `=` is that name, `^` a beginning, `$` an end, `~` a part; `#` stands for a digit.
    #[schema(example = "^claude-sonnet-4-5")]
    pattern: String,
    /// Whether it is the organization's own.
    own: bool,
    /// Holds from then on; null means for all time before too.
    valid_from: Option<DateTime<Utc>>,
    /// Holds until before then; null means without an end date.
    valid_to: Option<DateTime<Utc>>,
}

impl RateDocument {
    fn of(rate: RateNow) -> Self {
        Self { rate: rate.rate.to_string(), per: rate.per, valid_from: rate.since, own: rate.own }
    }
}

impl ModelDocument {
    fn of(entry: ModelEntry) -> Self {
        Self {
            provider: entry.name.provider,
            model: entry.name.model,
            title: entry.title,
            input: entry.input.map(RateDocument::of),
            output: entry.output.map(RateDocument::of),
            prices_in_force: entry.prices,
            own: entry.own,
        }
    }
}

impl ModelsDocument {
    fn of(found: FoundModels) -> Self {
        let models = found.page.rows.into_iter().map(ModelDocument::of).collect();
        Self { models, matching: found.matching, next: found.page.next_cursor }
    }
}

impl PriceDocument {
    pub(super) fn of(price: DatedPrice) -> Self {
        Self {
            price_id: price.row.price_id,
            row: RowDocument::of(price.row),
            own: price.own,
            recorded_at: price.recorded_at,
            superseded_at: price.superseded_at,
        }
    }
}

impl RowDocument {
    pub(super) fn of(row: BookPrice) -> Self {
        let said = terms(&row);
        Self {
            meter: row.meter,
            unit: row.meter.unit().as_str().to_owned(),
            variant: row.variant,
            attributes: row.attributes.to_string(),
            tier_from: row.tier_from,
            tier_inclusive: row.tier_inclusive,
            quantity_min: row.quantity_min.map(|least| least.to_string()),
            quantity_max: row.quantity_max.map(|most| most.to_string()),
            quantity_whole: row.quantity_whole,
            schedule: row.schedule.map(|schedule| schedule.to_string()),
            terms: said,
            rate: row.rate.to_string(),
            per: row.per,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            source: row.source,
            source_version: row.source_version,
            source_url: row.source_url,
            derived: row.derived,
        }
    }
}

impl AliasDocument {
    fn of(alias: AliasEntry) -> Self {
        Self {
            provider: alias.provider,
            pattern: alias.pattern,
            own: alias.own,
            valid_from: alias.valid_from,
            valid_to: alias.valid_to,
        }
    }
}

/// Searches the models of the price book, with what they cost now.
///
/// As CSV it is every dated price of the models that match, at most 50,000.
#[utoipa::path(
    get,
    path = "/v1/prices",
    tag = "prices",
    security(("api_key" = ["read"])),
    params(
        ("q" = Option<String>, Query, description = "Words that must all occur in the provider's or the model's name.", example = "sonnet 4"),
        ("provider" = Option<String>, Query, description = "Only this provider, by its name in the book.", example = "anthropic"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
        ("limit" = Option<u16>, Query, description = "Models of the page, 1 to 200; 50 by default."),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`; `Accept: text/csv` does the same.")
    ),
    responses(
        (status = 200, description = "The models.", content((ModelsDocument = "application/json"), (String = "text/csv"))),
        (status = 422, description = "The prices are too many for a file.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn list(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(mut pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let csv = csv::is_asked(&headers, &mut pairs)?;
    let search = PriceSearch::from_pairs(&pairs)?;
    if csv {
        return Ok(csv::respond("prices.csv", browse::csv(&state.backend, &caller.scope, &search).await?));
    }
    Ok(Json(ModelsDocument::of(browse::find(&state.backend, &caller.scope, &search).await?)).into_response())
}

/// Shows every dated price of a model, since when and from where, and the names that lead to it.
#[utoipa::path(
    get,
    path = "/v1/prices/{provider}/{model}",
    tag = "prices",
    security(("api_key" = ["read"])),
    params(
        ("provider" = String, Path, description = "Name of the provider in the book.", example = "anthropic"),
        ("model" = String, Path, description = "Name of the model in the book, a slash in it written as `%2F`.", example = "claude-sonnet-4-5")
    ),
    responses(
        (status = 200, description = "The prices.", body = ModelPricesDocument),
        (status = 404, description = "The book has no such model.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn get(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path((provider, model)): Path<(String, String)>,
) -> Result<Json<ModelPricesDocument>, ApiError> {
    let name = ModelName { provider, model };
    let prices = browse::prices_of(&state.backend, &caller.scope, &name).await?;
    let aliases = browse::aliases_of(&state.backend, &caller.scope, &name).await?;
    Ok(Json(ModelPricesDocument {
        provider: name.provider,
        model: name.model,
        prices: prices.into_iter().map(PriceDocument::of).collect(),
        aliases: aliases.into_iter().map(AliasDocument::of).collect(),
    }))
}
