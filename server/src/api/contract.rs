//! `/v1/contract-terms` and `/v1/contract-months`: free allowances and volume prices, and the months they are applied to.

use super::json::{Body, invalid};
use super::rules::{MadeDocument, RuleDocument, made};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use backend::prices::contract;
use chrono::{DateTime, FixedOffset};
use domain::ids::RunId;
use domain::money;
use domain::price::contract::{ContractTerm, MonthState, MonthStatus, TermForm, TermKind, Tier, TierPrice};
use domain::rule::History;
use domain::statement::month_text;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(terms, enter)).routes(routes!(months))
}

/// The terms of the organization's contracts.
#[derive(Debug, Serialize, ToSchema)]
struct TermsDocument {
    /// Those that count, then superseded ones; where several count the same, the first goes first.
    terms: Vec<RuleDocument<TermDocument>>,
    /// How many more there are, which the list leaves out.
    more: u64,
}

/// A term of a contract: it counts the units of a whole month.
#[derive(Debug, Serialize, ToSchema)]
struct TermDocument {
    /// How it counts: `allowance`, `graduated` (each unit has the price of its tier) or `volume` (all units have the price of the tier that the month reaches).
    kind: TermKind,
    /// The term in one line.
    #[schema(example = "1,000,000 free input tokens of openai")]
    words: String,
    /// Who sells the calls; null means every provider.
    provider: Option<String>,
    /// Models by their names in the book: `=` is that name, `^` a beginning, `$` an end, `~` a part; null means every model.
    models: Option<String>,
    /// `tokens`, or words of meters of one unit between commas.
    #[schema(example = "input_uncached")]
    meters: String,
    /// From zero up.
    tiers: Vec<TierDocument>,
    /// First month in which it holds.
    #[schema(example = "2026-10")]
    from: String,
    /// The month in which it no longer holds; null means without an end date.
    to: Option<String>,
    /// Who said so.
    source: String,
    /// Where it is written.
    source_url: Option<String>,
}

/// A tier of a month's units.
#[derive(Debug, Serialize, ToSchema)]
struct TierDocument {
    /// Holds for units beyond so many: a decimal string.
    above: String,
    /// Whether a month of exactly so many units reaches it; makes a difference for `volume` alone.
    inclusive: bool,
    /// What a unit's own price is multiplied by: a decimal string; null where the tier has a rate.
    factor: Option<String>,
    /// US dollars for `per` units: a decimal string; null where the tier has a factor.
    rate: Option<String>,
    /// Units that the rate is for.
    per: Option<u64>,
}

/// The months under the contract.
#[derive(Debug, Serialize, ToSchema)]
struct MonthsDocument {
    /// Newest first, at most 24.
    months: Vec<ContractMonthDocument>,
}

/// A month under the contract.
#[derive(Debug, Serialize, ToSchema)]
struct ContractMonthDocument {
    /// The month in the organization's zone.
    #[schema(example = "2026-10")]
    month: String,
    /// Whether it has ended, so that only late calls can still change it.
    over: bool,
    /// Whether the contract is applied to it: apply it again after anything has changed.
    state: MonthState,
    /// Calls that came since it was applied.
    newer_calls: u64,
    /// What the contract adds to spend as it is applied now: a decimal string, mostly below zero.
    effect: String,
    /// The run that applied it last.
    run_id: Option<RunId>,
    /// When that run ended.
    applied_at: Option<DateTime<FixedOffset>>,
    /// A run that is previewed and waits to be confirmed.
    previewed_run_id: Option<RunId>,
}

impl TierDocument {
    fn of(tier: Tier) -> Self {
        let text = |number: rust_decimal::Decimal| number.normalize().to_string();
        let (factor, rate, per) = match tier.price {
            TierPrice::Factor(factor) => (Some(text(factor)), None, None),
            TierPrice::Rate { rate, per } => (None, Some(text(rate)), Some(per)),
        };
        Self { above: text(tier.above), inclusive: tier.inclusive, factor, rate, per }
    }
}

impl TermDocument {
    fn of(row: ContractTerm) -> Self {
        Self {
            kind: row.kind,
            words: row.words(),
            models: row.models.as_ref().map(ToString::to_string),
            meters: row.meters.to_string(),
            tiers: row.tiers.into_iter().map(TierDocument::of).collect(),
            from: month_text(row.from),
            to: row.to.map(month_text),
            provider: row.provider,
            source: row.source,
            source_url: row.source_url,
        }
    }
}

impl ContractMonthDocument {
    fn of(status: MonthStatus) -> Self {
        Self {
            month: month_text(status.month.from),
            over: status.is_over,
            state: status.state,
            newer_calls: status.newer_calls,
            effect: money::exact(status.effect),
            run_id: status.applied.map(|(run_id, _)| run_id),
            applied_at: status.applied.map(|(_, at)| at),
            previewed_run_id: status.previewed,
        }
    }
}

/// Lists the terms of the organization's contracts.
#[utoipa::path(
    get,
    path = "/v1/contract-terms",
    tag = "contract",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The terms.", body = TermsDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn terms(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<TermsDocument>, ApiError> {
    let History { rows, more } = contract::terms(&state.backend, &caller.scope).await?;
    Ok(Json(TermsDocument { terms: RuleDocument::all(rows, TermDocument::of), more }))
}

/// Enters a free allowance or volume price that counts over a whole month.
///
/// Nothing moves until a run of the kind `contract` (`POST /v1/repricing-runs`) applies it to a month and is confirmed.
/// Then every call of the month gets the month's one blended rate, whenever it came.
/// Where several terms count the same, the one entered last goes first.
#[utoipa::path(
    post,
    path = "/v1/contract-terms",
    tag = "contract",
    security(("api_key" = ["admin"])),
    request_body = TermForm,
    responses(
        (status = 201, description = "It is entered.", body = MadeDocument)
    )
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<TermForm>,
) -> Result<(StatusCode, Json<MadeDocument>), ApiError> {
    let new = form.parse().map_err(invalid)?;
    Ok(made(contract::add_term(&state.backend, &caller.scope, &new).await?))
}

/// Lists the months under the contract: whether it is applied to each, and what it moves there.
#[utoipa::path(
    get,
    path = "/v1/contract-months",
    tag = "contract",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The months.", body = MonthsDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn months(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<MonthsDocument>, ApiError> {
    let months = contract::months(&state.backend, &caller.scope).await?;
    Ok(Json(MonthsDocument { months: months.into_iter().map(ContractMonthDocument::of).collect() }))
}
