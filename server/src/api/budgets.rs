//! `/v1/budgets` and `/v1/alerts`: budgets, the alert history, acknowledgement, test mails.

use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use backend::budgets::{self, Entries, TestTo};
use domain::budget::{
    Alert, AlertFilter, Budget, BudgetChange, BudgetInput, BudgetState, BudgetStatus, Delivery, DeliveryState,
    Expected, parse_note,
};
use domain::identity::Permission;
use domain::ids::{AlertId, BudgetId};
use domain::money;
use domain::problem::{FieldProblem, Problem};
use domain::spend::Estimate;
use domain::statement::month_text;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, archive))
        .routes(routes!(test))
        .routes(routes!(alerts))
        .routes(routes!(acknowledge))
        .routes(routes!(acknowledge_all))
}

/// All active budgets.
#[derive(Debug, Serialize, ToSchema)]
struct BudgetsDocument {
    /// The organization's, then teams', then projects', by name.
    budgets: Vec<BudgetDocument>,
}

/// A budget and how it stands this month.
#[derive(Debug, Serialize, ToSchema)]
struct BudgetDocument {
    /// Its id.
    id: BudgetId,
    /// Its name.
    name: String,
    /// `organization`, `team:<slug>` or `project:<slug>`.
    #[schema(example = "project:support-bot")]
    scope: String,
    /// Name of the scope.
    scope_name: String,
    /// Dollars per month: a decimal string with 12 places.
    #[schema(example = "12000.000000000000")]
    amount: String,
    /// Percentages of the amount, rising.
    thresholds: Vec<u16>,
    /// Who is to get mail.
    recipients: Vec<String>,
    /// Those of them who get none yet: neither members nor confirmed by the link that was sent to them.
    unconfirmed_recipients: Vec<String>,
    /// When it was created.
    created_at: chrono::DateTime<chrono::Utc>,
    /// When it was archived; null while it is active.
    archived_at: Option<chrono::DateTime<chrono::Utc>>,
    /// How it stands; null when it is archived, or in the answer to a key without the scope `read`.
    month: Option<MonthDocument>,
}

/// A budget in the present month of the organization's zone.
#[derive(Debug, Serialize, ToSchema)]
struct MonthDocument {
    /// The month.
    #[schema(example = "2026-11")]
    month: String,
    /// The amount in force.
    amount: String,
    /// Spend, with what unpriced usage is estimated to have cost.
    used: String,
    #[serde(flatten)]
    estimate: EstimateDocument,
    /// What is left; negative when more than the amount is used.
    remaining: String,
    /// `exceeded` when more than the amount is used, `at_risk` when the forecast is above the amount, `on_track` when it is not, `within` while there is no forecast.
    status: BudgetStatus,
    /// Where the month will end; null with too little history.
    expected: Option<ExpectedDocument>,
}

/// What of a sum is estimated: unpriced usage at the prices that the organization itself paid, at most the upper bound.
#[derive(Debug, Serialize, ToSchema)]
struct EstimateDocument {
    /// The part of the sum that is estimated.
    estimated: String,
    /// How many events without a price that is.
    unpriced_events: i64,
    /// The most that they can have cost by the price book.
    upper_bound: String,
}

impl From<Estimate> for EstimateDocument {
    fn from(estimate: Estimate) -> Self {
        Self {
            estimated: money::exact(estimate.amount),
            unpriced_events: estimate.events,
            upper_bound: money::exact(estimate.upper_bound),
        }
    }
}

/// A forecast of the month's end.
#[derive(Debug, Serialize, ToSchema)]
struct ExpectedDocument {
    /// Expected spend of the whole month.
    amount: String,
    /// Lower end of the 80 % band.
    low: String,
    /// Upper end of the 80 % band.
    high: String,
    /// How likely the month ends above the budget's amount, from 0 to 1.
    chance_over: f64,
}

impl BudgetDocument {
    fn new(budget: Budget, month: Option<MonthDocument>) -> Self {
        Self {
            id: budget.budget_id,
            name: budget.name,
            scope: budget.scope_ref.to_string(),
            scope_name: budget.scope_name,
            amount: money::exact(budget.amount),
            thresholds: budget.thresholds,
            recipients: budget.recipients.into_iter().map(String::from).collect(),
            unconfirmed_recipients: budget.unconfirmed.into_iter().map(String::from).collect(),
            created_at: budget.created_at,
            archived_at: budget.archived_at,
            month,
        }
    }

    fn of(state: BudgetState) -> Self {
        let month = MonthDocument {
            month: month_text(state.month),
            amount: money::exact(state.usage.amount),
            used: money::exact(state.usage.used),
            estimate: state.usage.estimate.into(),
            remaining: money::exact(state.usage.remaining()),
            status: state.status,
            expected: state.expected.map(ExpectedDocument::of),
        };
        let active = state.budget.archived_at.is_none();
        Self::new(state.budget, active.then_some(month))
    }
}

impl ExpectedDocument {
    fn of(expected: Expected) -> Self {
        Self {
            amount: money::exact(expected.point),
            low: money::exact(expected.low),
            high: money::exact(expected.high),
            chance_over: expected.chance_over,
        }
    }
}

/// A budget to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
// Not the form of the pages, whose fields are texts as they were typed: here thresholds are numbers and addresses a list.
struct BudgetRequest {
    /// Its name.
    #[schema(max_length = 80)]
    name: String,
    /// `organization`, `team:<slug>` or `project:<slug>`.
    #[schema(example = "project:support-bot")]
    scope: String,
    /// Dollars per month, above zero, as a decimal string.
    #[schema(value_type = String, example = "12000")]
    amount: Decimal,
    /// 1 to 10 whole percentages of the amount, 1 to 1000.
    #[serde(default = "usual_thresholds")]
    #[schema(example = json!([50, 80, 100]))]
    thresholds: Vec<i64>,
    /// At most 20 addresses that get mail: members at once, others after they confirmed it by a link.
    #[serde(default)]
    recipients: Vec<String>,
}

fn usual_thresholds() -> Vec<i64> {
    vec![50, 80, 100]
}

/// What is to change; a missing field stays as it is. The scope cannot change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
// No form of the pages either: those send every field.
struct BudgetChangeRequest {
    /// Its name.
    #[schema(max_length = 80)]
    name: Option<String>,
    /// Dollars per month from this month on.
    #[schema(value_type = Option<String>, example = "15000")]
    amount: Option<Decimal>,
    /// 1 to 10 whole percentages of the amount, 1 to 1000.
    thresholds: Option<Vec<i64>>,
    /// At most 20 addresses that get mail: members at once, others after they confirmed it by a link.
    recipients: Option<Vec<String>>,
}

/// How many test mails are on their way.
#[derive(Debug, Serialize, ToSchema)]
struct TestDocument {
    /// One per recipient.
    mails: usize,
}

/// A page of the alert history.
#[derive(Debug, Serialize, ToSchema)]
struct AlertsDocument {
    /// Newest first.
    alerts: Vec<AlertDocument>,
    /// Send it as `before` for the next page; null on the last one.
    next: Option<AlertId>,
}

/// What one budget crossed at one moment.
#[derive(Debug, Serialize, ToSchema)]
struct AlertDocument {
    /// Its id.
    id: AlertId,
    /// The budget.
    budget_id: BudgetId,
    /// The budget's name when it fired.
    budget_name: String,
    /// The budget's month.
    #[schema(example = "2026-11")]
    month: String,
    /// The crossed thresholds in percent of the amount, rising. The mail is about the highest and names the others.
    #[schema(example = json!([50, 80, 100]))]
    thresholds: Vec<u16>,
    /// When the crossing was recorded.
    at: chrono::DateTime<chrono::FixedOffset>,
    /// Spend that was evaluated, with what unpriced usage was estimated to have cost.
    spend: String,
    #[serde(flatten)]
    estimate: EstimateDocument,
    /// The amount that was in force.
    amount: String,
    /// Which of the budget's amounts that was, from 1 up: a threshold fires once a month under each.
    revision: u32,
    /// Whether the spend came after its month had ended: recorded, not mailed.
    late: bool,
    /// When somebody acknowledged it.
    acknowledged_at: Option<chrono::DateTime<chrono::FixedOffset>>,
    /// Their e-mail address; null where it was an API key.
    acknowledged_by: Option<String>,
    /// What they noted.
    note: Option<String>,
    /// How many mails told of it.
    mails: u16,
    /// Those mails, for 90 days.
    deliveries: Vec<DeliveryDocument>,
}

/// One mail with what the mail server said.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryDocument {
    /// Who gets it.
    recipient: String,
    /// How far it is.
    state: DeliveryState,
    /// Attempts so far.
    attempts: u32,
    /// The mail server's last answer.
    answer: Option<String>,
    /// When the last attempt ended.
    last_attempt_at: Option<chrono::DateTime<chrono::FixedOffset>>,
}

impl AlertDocument {
    fn of(alert: Alert) -> Self {
        Self {
            id: alert.alert_id,
            budget_id: alert.budget_id,
            budget_name: alert.budget_name,
            month: month_text(alert.month),
            thresholds: alert.thresholds,
            at: alert.at,
            spend: money::exact(alert.spend),
            estimate: alert.estimate.into(),
            amount: money::exact(alert.amount),
            revision: alert.revision,
            late: alert.late,
            acknowledged_at: alert.acknowledged_at,
            acknowledged_by: alert.acknowledged_by,
            note: alert.note,
            mails: alert.mails,
            deliveries: alert.deliveries.into_iter().map(DeliveryDocument::of).collect(),
        }
    }
}

impl DeliveryDocument {
    fn of(delivery: Delivery) -> Self {
        Self {
            recipient: delivery.recipient,
            state: delivery.state,
            attempts: delivery.attempts,
            answer: delivery.answer,
            last_attempt_at: delivery.last_attempt_at,
        }
    }
}

/// An id that cannot be one names nothing.
fn id<T: From<Uuid>>(text: &str) -> Result<T, Problem> {
    Uuid::from_str(text).map(T::from).map_err(|_| Problem::NotFound)
}

/// Lists active budgets with how they stand this month.
///
/// A key of one project sees that project's budgets only.
#[utoipa::path(
    get,
    path = "/v1/budgets",
    tag = "budgets",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The budgets.", body = BudgetsDocument)
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<BudgetsDocument>, ApiError> {
    let budgets = budgets::list(&state.backend, &caller.scope).await?;
    Ok(Json(BudgetsDocument { budgets: budgets.into_iter().map(BudgetDocument::of).collect() }))
}

/// Creates a monthly budget and compares it with this month's spend at once.
///
/// A threshold that is crossed already is recorded and mailed.
/// Recipients who are neither members nor confirmed are asked by a mail with a link, and get nothing before they confirmed.
#[utoipa::path(
    post,
    path = "/v1/budgets",
    tag = "budgets",
    security(("api_key" = ["admin"])),
    request_body = BudgetRequest,
    responses(
        (status = 201, description = "The budget; `Location` is its address.", body = BudgetDocument),
        (status = 409, description = "The organization has too many budgets.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn create(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(new): Body<BudgetRequest>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<BudgetDocument>), ApiError> {
    let input = BudgetInput::check(&new.name, &new.scope, new.amount, &new.thresholds, &new.recipients);
    let created = budgets::create(&state.backend, &caller.scope, input.map_err(invalid)?).await?;
    let location = format!("/v1/budgets/{}", created.budget_id);
    let document = written(&state, &caller, created).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(document)))
}

/// What was written, with its month where the key may read spend.
async fn written(state: &AppState, caller: &ApiCaller, budget: Budget) -> Result<BudgetDocument, ApiError> {
    if !caller.scope.may(Permission::Read) {
        return Ok(BudgetDocument::new(budget, None));
    }
    Ok(BudgetDocument::of(budgets::state_of(&state.backend, &caller.scope, budget.budget_id).await?))
}

/// Shows one budget, archived ones included.
#[utoipa::path(
    get,
    path = "/v1/budgets/{budget_id}",
    tag = "budgets",
    security(("api_key" = ["read"])),
    params(("budget_id" = Uuid, Path, description = "Id of the budget.")),
    responses(
        (status = 200, description = "The budget.", body = BudgetDocument)
    )
)]
async fn get(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(budget_id): Path<String>,
) -> Result<Json<BudgetDocument>, ApiError> {
    Ok(Json(BudgetDocument::of(budgets::state_of(&state.backend, &caller.scope, id(&budget_id)?).await?)))
}

/// Changes a budget and compares it with this month's spend at once. Months that are over keep their amount.
#[utoipa::path(
    patch,
    path = "/v1/budgets/{budget_id}",
    tag = "budgets",
    security(("api_key" = ["admin"])),
    params(("budget_id" = Uuid, Path, description = "Id of the budget.")),
    request_body = BudgetChangeRequest,
    responses(
        (status = 200, description = "The budget as it is now.", body = BudgetDocument),
        (status = 409, description = "The budget is archived.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn change(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(budget_id): Path<String>,
    Body(change): Body<BudgetChangeRequest>,
) -> Result<Json<BudgetDocument>, ApiError> {
    let change = BudgetChange::check(
        change.name.as_deref(),
        change.amount,
        change.thresholds.as_deref(),
        change.recipients.as_deref(),
    );
    let changed = budgets::change(&state.backend, &caller.scope, id(&budget_id)?, change.map_err(invalid)?).await?;
    Ok(Json(written(&state, &caller, changed).await?))
}

/// Archives a budget: it is no longer compared with spend; its alerts stay.
#[utoipa::path(
    delete,
    path = "/v1/budgets/{budget_id}",
    tag = "budgets",
    security(("api_key" = ["admin"])),
    params(("budget_id" = Uuid, Path, description = "Id of the budget.")),
    responses(
        (status = 204, description = "It is archived."),
        (status = 409, description = "It is archived already.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn archive(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(budget_id): Path<String>,
) -> Result<StatusCode, ApiError> {
    budgets::archive(&state.backend, &caller.scope, id(&budget_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test mail with the present figures to all recipients of a budget.
///
/// At most five times an hour per budget.
#[utoipa::path(
    post,
    path = "/v1/budgets/{budget_id}/test",
    tag = "budgets",
    security(("api_key" = ["admin"])),
    params(("budget_id" = Uuid, Path, description = "Id of the budget.")),
    responses(
        (status = 202, description = "The mails are on their way; the budget's page shows what the mail server answers.", body = TestDocument),
        (status = 409, description = "The budget is archived or has no recipients.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "Too many test mails; `Retry-After` says when to come back.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn test(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(budget_id): Path<String>,
) -> Result<(StatusCode, Json<TestDocument>), ApiError> {
    let mails = budgets::send_test(&state.backend, &caller.scope, id(&budget_id)?, TestTo::Recipients).await?;
    Ok((StatusCode::ACCEPTED, Json(TestDocument { mails })))
}

/// Lists the alert history, newest first, with what the mail server answered.
///
/// Thresholds that one budget crossed at one moment are one alert.
///
/// A key of one project sees alerts of that project's budgets only.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    tag = "alerts",
    security(("api_key" = ["read"])),
    params(
        ("state" = Option<AlertFilter>, Query, description = "`all` (default), `open`, `acknowledged` or `undelivered`."),
        ("budget" = Option<Uuid>, Query, description = "Only alerts of this budget."),
        ("before" = Option<Uuid>, Query, description = "`next` of the page before.")
    ),
    responses(
        (status = 200, description = "At most 50 alerts.", body = AlertsDocument),
        (status = 404, description = "There is no such budget, or it belongs to what the key does not see.", content_type = "application/problem+json", body = ProblemDocument)
    )
)]
async fn alerts(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<AlertsDocument>, ApiError> {
    let (mut filter, mut budget, mut before) = (AlertFilter::All, None, None);
    for (name, value) in &pairs {
        let wrong = |_| FieldProblem::new(name, "invalid", "Use an id as answers give it.");
        let read = match name.as_str() {
            "state" => value.parse().map(|value| filter = value),
            "budget" => value.parse().map_err(wrong).map(|value| budget = Some(value)),
            "before" => value.parse().map_err(wrong).map(|value| before = Some(value)),
            _ => Err(FieldProblem::new(name, "unknown", format!("`{name}` is not a parameter."))),
        };
        read.map_err(|problem| Problem::invalid(vec![problem]))?;
    }
    let page = budgets::alerts(&state.backend, &caller.scope, filter, budget, before).await?;
    Ok(Json(AlertsDocument { alerts: page.alerts.into_iter().map(AlertDocument::of).collect(), next: page.next }))
}

/// An acknowledgement.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcknowledgeRequest {
    /// What is to be kept with it.
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// An acknowledgement of many alerts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcknowledgeAllRequest {
    /// Id of the newest alert that was seen: it and every older one is acknowledged.
    up_to: AlertId,
    /// What is to be kept with each.
    #[schema(max_length = 500)]
    note: Option<String>,
}

async fn acknowledged(
    caller: &ApiCaller,
    state: &AppState,
    which: Entries,
    note: Option<String>,
) -> Result<StatusCode, ApiError> {
    let note = parse_note(&note.unwrap_or_default()).map_err(|wrong| invalid(vec![wrong]))?;
    budgets::acknowledge(&state.backend, &caller.scope, which, note.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Acknowledges an alert, with a note if one is sent; doing it again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/alerts/{alert_id}/acknowledge",
    tag = "alerts",
    security(("api_key" = ["admin"])),
    params(("alert_id" = Uuid, Path, description = "Id of the alert.")),
    request_body = Option<AcknowledgeRequest>,
    responses(
        (status = 204, description = "It is acknowledged.")
    )
)]
async fn acknowledge(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(alert_id): Path<String>,
    body: Option<Body<AcknowledgeRequest>>,
) -> Result<StatusCode, ApiError> {
    let note = body.and_then(|Body(sent)| sent.note);
    acknowledged(&caller, &state, Entries::One(id(&alert_id)?), note).await
}

/// Acknowledges all open alerts up to one that was seen, with a note if one is sent; what came after it stays open.
#[utoipa::path(
    post,
    path = "/v1/alerts/acknowledge",
    tag = "alerts",
    security(("api_key" = ["admin"])),
    request_body = AcknowledgeAllRequest,
    responses(
        (status = 204, description = "They are acknowledged."),
        (status = 404, description = "There is no such alert, or it belongs to what the key does not see.", content_type = "application/problem+json", body = ProblemDocument)
    )
)]
async fn acknowledge_all(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(sent): Body<AcknowledgeAllRequest>,
) -> Result<StatusCode, ApiError> {
    acknowledged(&caller, &state, Entries::UpTo(sent.up_to), sent.note).await
}
