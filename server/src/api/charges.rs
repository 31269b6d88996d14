//! `/v1/charges`: dated costs beside events.

use super::json::{Body, each, invalid, pointed};
use super::rules::{MadeDocument, RuleDocument};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use backend::charges;
use chrono::NaiveDate;
use domain::charge::{BurnDown, Charge, ChargeForm, ChargeKind, ChargePrice};
use domain::ids::RuleChangeId;
use domain::money::exact;
use domain::problem::Problem;
use domain::rule::History;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, enter)).routes(routes!(end))
}

/// The charges that the key sees.
#[derive(Debug, Serialize, ToSchema)]
struct ChargesDocument {
    /// Those that count, the newest first, then superseded ones.
    charges: Vec<RuleDocument<ChargeDocument>>,
    /// How many more there are, which the list leaves out.
    more: u64,
    /// How far prepaid credits are used up; empty for keys that are bound to one project.
    credits: Vec<CreditDocument>,
}

/// A dated cost beside events. Amounts are decimal strings in US dollars.
#[derive(Debug, Serialize, ToSchema)]
struct ChargeDocument {
    /// The sender's own id.
    id: Option<String>,
    kind: ChargeKind,
    /// What it says on statements.
    description: String,
    /// Who charges it.
    provider: Option<String>,
    /// For all its days together, or what credits are worth; null where it is charged by the month.
    #[schema(example = "2000.000000000000")]
    amount: Option<String>,
    /// Units a month.
    quantity: Option<String>,
    /// What a unit costs in a calendar month.
    rate: Option<String>,
    /// First day.
    from: NaiveDate,
    /// Day after the last one; null means without an end date.
    to: Option<NaiveDate>,
    /// Whose cost it is; null with a null team means unallocated.
    project: Option<String>,
    /// The team whose own cost it is.
    team: Option<String>,
    labels: BTreeMap<String, String>,
    cost_centre: Option<String>,
    /// Usage that a subscription includes each month.
    included: Option<String>,
    /// Where the figure comes from.
    source: String,
    /// Why it was entered.
    reason: String,
}

/// How far prepaid credits are used up. Amounts are decimal strings with 12 places in US dollars, at the prices that events are booked with.
#[derive(Debug, Serialize, ToSchema)]
struct CreditDocument {
    /// The charge that they were entered as.
    rule_id: u64,
    /// Whose usage draws them.
    provider: String,
    /// What was bought.
    amount: String,
    /// What usage drew so far.
    used: String,
    /// What can still be drawn.
    left: String,
    /// What expired unused: a charge on the last day.
    lost: String,
    /// The provider's mean spend of a day.
    pace: String,
    /// When they were, or will be at this pace, used up; null where that never comes.
    used_up_on: Option<NaiveDate>,
    /// What will expire unused at this pace.
    will_expire: String,
}

impl ChargeDocument {
    fn of(row: Charge) -> Self {
        let (amount, quantity, rate) = match row.price {
            ChargePrice::Amount { amount, .. } | ChargePrice::Credits { amount } => (Some(amount), None, None),
            ChargePrice::Monthly { quantity, rate } => (None, Some(quantity), Some(rate)),
        };
        Self {
            amount: amount.map(exact),
            quantity: quantity.map(|quantity| quantity.normalize().to_string()),
            rate: rate.map(exact),
            project: row.owner.project().map(ToString::to_string),
            team: row.owner.team().map(ToString::to_string),
            included: row.included.map(exact),
            id: row.id,
            kind: row.kind,
            description: row.description,
            provider: row.provider,
            from: row.from,
            to: row.to,
            labels: row.labels,
            cost_centre: row.cost_centre,
            source: row.source,
            reason: row.reason,
        }
    }
}

impl From<BurnDown> for CreditDocument {
    fn from(state: BurnDown) -> Self {
        Self {
            rule_id: state.credit.charge_id,
            amount: exact(state.credit.amount),
            provider: state.credit.provider,
            used: exact(state.used),
            left: exact(state.left),
            lost: exact(state.lost),
            pace: exact(state.pace),
            used_up_on: state.used_up_on,
            will_expire: exact(state.will_expire),
        }
    }
}

/// Lists charges beside events: GPU hours, provisioned throughput, vector stores, seats, prepaid credits, subscriptions.
///
/// A key that is bound to one project sees the charges of this project.
#[utoipa::path(
    get,
    path = "/v1/charges",
    tag = "charges",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The charges.", body = ChargesDocument)
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ChargesDocument>, ApiError> {
    let History { rows, more } = charges::list(&state.backend, &caller.scope).await?;
    let credits = charges::credits(&state.backend, &caller.scope).await?;
    let charges = RuleDocument::all(rows, ChargeDocument::of);
    Ok(Json(ChargesDocument { charges, more, credits: credits.into_iter().map(Into::into).collect() }))
}

/// Charges to enter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChargesInput {
    /// All of them are entered, or none.
    #[schema(max_items = 2000)]
    charges: Vec<ChargeForm>,
}

/// What became of the charges.
#[derive(Debug, Serialize, ToSchema)]
struct EnteredDocument {
    /// The change that entered them, to undo it; null where all had been entered before.
    change_id: Option<RuleChangeId>,
    /// How many are new.
    entered: usize,
    /// How many had been entered before under the same id with the same content.
    duplicates: usize,
}

/// Enters charges. A charge with an `id` is entered once, however often it is sent; an id that was used for something else is a conflict.
///
/// A charge counts from its first day on, also in months that are over. It is never edited: end it, or withdraw it, and enter the right one.
/// Prepaid credits are no cost of their own: the provider's usage draws them, and what is left when they expire is a charge on their last day.
#[utoipa::path(
    post,
    path = "/v1/charges",
    tag = "charges",
    security(("api_key" = ["admin"])),
    request_body = ChargesInput,
    responses(
        (status = 201, description = "They are entered.", body = EnteredDocument),
        (status = 200, description = "All had been entered before.", body = EnteredDocument),
        (status = 409, description = "An id was entered before with other content; nothing is entered.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(sent): Body<ChargesInput>,
) -> Result<(StatusCode, Json<EnteredDocument>), ApiError> {
    let charges = each("charges", &sent.charges, ChargeForm::parse)?;
    let entered = charges::enter(&state.backend, &caller.scope, &charges).await;
    let entered = entered.map_err(|error| pointed("charges/", error))?;
    let status = if entered.change_id.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    let charges::Entered { change_id, entered, duplicates } = entered;
    Ok((status, Json(EnteredDocument { change_id, entered, duplicates })))
}

/// When a charge ends, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndCharge {
    /// The first day without it; empty, or its first day or an earlier one, withdraws it altogether.
    #[serde(default)]
    #[schema(example = "2026-12-01")]
    valid_to: String,
    /// Why.
    #[schema(example = "The contract was cancelled.", max_length = 500)]
    reason: String,
}

/// Ends a charge before a day, or withdraws it altogether. Its earlier days keep what they cost.
#[utoipa::path(
    post,
    path = "/v1/charges/{rule_id}/end",
    tag = "charges",
    security(("api_key" = ["admin"])),
    params(("rule_id" = u64, Path, description = "Number of the charge.")),
    request_body = EndCharge,
    responses(
        (status = 200, description = "It ends.", body = MadeDocument)
    )
)]
async fn end(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(rule_id): Path<String>,
    Body(end): Body<EndCharge>,
) -> Result<Json<MadeDocument>, ApiError> {
    let rule_id = rule_id.parse().map_err(|_| Problem::NotFound)?;
    let day = domain::charge::parse_end(&end.valid_to).map_err(|wrong| invalid(vec![wrong]))?;
    let ended = charges::end(&state.backend, &caller.scope, rule_id, day, &end.reason).await;
    Ok(Json(MadeDocument { change_id: ended.map_err(|error| pointed("", error))? }))
}
