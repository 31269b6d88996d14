//! `/v1/statements/{month}`: review and close of a month.

use super::ReadinessDocument;
use crate::AppState;
use crate::api::json::{Body, pointed};
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use backend::statements;
use chrono::NaiveDate;
use domain::ids::DisputeId;
use domain::money::exact;
use domain::period::Period;
use domain::problem::Problem;
use domain::statement::{
    Bundle, CheckItem, DisputeForm, Entry, EntryChange, EntryKey, EntrySource, MonthClose, MonthState, TeamReply,
    Version, month_text, parse_month,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of a month.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(closing))
        .routes(routes!(take_version))
        .routes(routes!(version))
        .routes(routes!(changes))
        .routes(routes!(close))
        .routes(routes!(waive))
        .routes(routes!(accept))
        .routes(routes!(dispute))
        .routes(routes!(answer))
        .routes(routes!(bundle))
}

/// One amount of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryDocument {
    /// The month that it belongs to: before the statement's own for an adjustment.
    #[schema(example = "2026-11")]
    month: String,
    /// Short name of the team; null where nobody owns it.
    team: Option<String>,
    /// Short name of the project; null for charges of a team or of nobody.
    project: Option<String>,
    source: EntrySource,
    /// The name of the line, by which it is disputed.
    #[schema(example = "support-bot/openai/gpt-4o")]
    line: String,
    /// Decimal string with 12 places.
    #[schema(example = "12.400000000000")]
    amount: String,
}

impl EntryDocument {
    fn of(statement: NaiveDate, key: &EntryKey, amount: Decimal) -> Self {
        Self {
            month: month_text(key.month),
            team: key.team.clone(),
            project: key.project.clone(),
            source: key.source.clone(),
            line: key.line(statement),
            amount: exact(amount),
        }
    }

    pub(super) fn all(statement: NaiveDate, entries: &[Entry]) -> Vec<Self> {
        entries.iter().map(|Entry { key, amount }| Self::of(statement, key, *amount)).collect()
    }
}

/// Where a month stands.
#[derive(Debug, Serialize, ToSchema)]
struct CloseDocument {
    /// The month in the organization's zone.
    #[schema(example = "2026-11")]
    month: String,
    state: MonthState,
    /// Usage, charges, markup and adjustments together, as they were closed or are now: a decimal string with 12 places.
    #[schema(example = "480.150000000000")]
    total: String,
    /// What has to hold before it is closed, or held when it was.
    checklist: Vec<CheckItem>,
    chargeback_ready: ReadinessDocument,
    /// Oldest first.
    versions: Vec<Version>,
    /// What teams said, oldest first.
    replies: Vec<TeamReply>,
}

impl From<MonthClose> for CloseDocument {
    fn from(close: MonthClose) -> Self {
        Self {
            month: month_text(close.statement.month.from),
            state: close.statement.state,
            total: exact(close.statement.grand_total()),
            checklist: close.checklist,
            chargeback_ready: (&close.readiness).into(),
            versions: close.versions,
            replies: close.replies,
        }
    }
}

/// The month of an address.
fn month(text: &str) -> Result<Period, Problem> {
    parse_month(text).map_err(|_| Problem::NotFound)
}

/// Where a month stands: its state, the checklist, versions and what teams said.
#[utoipa::path(
    get,
    path = "/v1/statements/{month}",
    tag = "statements",
    security(("api_key" = ["read"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11")),
    responses((status = 200, description = "The month.", body = CloseDocument))
)]
async fn closing(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(of): Path<String>,
) -> Result<Json<CloseDocument>, ApiError> {
    Ok(Json(statements::closing(&state.backend, &caller.scope, month(&of)?).await?.into()))
}

/// Takes a version of a month as it is now. The first one takes the month into review, of which those who may close it get mail.
#[utoipa::path(
    post,
    path = "/v1/statements/{month}/versions",
    tag = "statements",
    security(("api_key" = ["admin"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11")),
    responses(
        (status = 201, description = "The version.", body = Version),
        (status = 409, description = "The month is closed or has not begun, or nothing moved since its last version.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn take_version(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(of): Path<String>,
) -> Result<(StatusCode, Json<Version>), ApiError> {
    let version = statements::review(&state.backend, &caller.scope, month(&of)?).await?;
    Ok((StatusCode::CREATED, Json(version)))
}

/// A version with its amounts.
#[derive(Debug, Serialize, ToSchema)]
struct VersionDocument {
    #[serde(flatten)]
    version: Version,
    state: MonthState,
    /// The checklist as it stood.
    checklist: Vec<CheckItem>,
    /// They add up to the total exactly; each line of them can be disputed.
    entries: Vec<EntryDocument>,
}

/// A version of a month, with its amounts by team, project, and model or charge.
#[utoipa::path(
    get,
    path = "/v1/statements/{month}/versions/{number}",
    tag = "statements",
    security(("api_key" = ["read"])),
    params(
        ("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11"),
        ("number" = u32, Path, description = "Number of the version.")
    ),
    responses((status = 200, description = "The version.", body = VersionDocument))
)]
async fn version(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path((of, number)): Path<(String, String)>,
) -> Result<Json<VersionDocument>, ApiError> {
    let number = number.parse().map_err(|_| Problem::NotFound)?;
    let (version, body) = statements::version(&state.backend, &caller.scope, month(&of)?, number).await?;
    let entries = body.statement.entries().into_list();
    Ok(Json(VersionDocument {
        entries: EntryDocument::all(version.month, &entries),
        state: body.statement.state,
        checklist: body.checklist,
        version,
    }))
}

/// Which versions are compared: the second is the month as it is now where none is told.
fn compared(pairs: &[(String, String)]) -> Result<(u32, Option<u32>), Problem> {
    let (mut from, mut to) = (None, None);
    for (name, value) in pairs {
        let number = value.parse().map_err(|_| Problem::field(name, "invalid", "Use the number of a version."))?;
        match name.as_str() {
            "from" => from = Some(number),
            "to" => to = Some(number),
            _ => return Err(Problem::field(name, "unknown", "Give `from`, and `to` if it is not now.")),
        }
    }
    Ok((from.ok_or_else(|| Problem::field("from", "required", "Give the number of a version."))?, to))
}

/// What is different between two versions.
#[derive(Debug, Serialize, ToSchema)]
struct EntryChangesDocument {
    /// Only amounts that differ.
    changes: Vec<EntryChangeDocument>,
    /// All differences together: a decimal string with 12 places.
    #[schema(example = "-14.200000000000")]
    total: String,
}

/// A line that differs.
#[derive(Debug, Serialize, ToSchema)]
struct EntryChangeDocument {
    /// With the amount of the difference.
    #[serde(flatten)]
    entry: EntryDocument,
    /// Amount in the one; zero where it has no such line.
    before: String,
    /// Amount in the other.
    after: String,
}

/// What is different between two versions of a month, line by line.
#[utoipa::path(
    get,
    path = "/v1/statements/{month}/changes",
    tag = "statements",
    security(("api_key" = ["read"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11"),
        ("from" = u32, Query, description = "Number of the one."),
        ("to" = Option<u32>, Query, description = "Number of the other; left out for the month as it is now.")
    ),
    responses((status = 200, description = "The differences.", body = EntryChangesDocument))
)]
async fn changes(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(of): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<EntryChangesDocument>, ApiError> {
    let (month, (from, to)) = (month(&of)?, compared(&pairs)?);
    let changes = statements::changes(&state.backend, &caller.scope, month, from, to).await?;
    let total: Decimal = changes.iter().map(|change| change.after - change.before).sum();
    let document = |EntryChange { key, before, after }: &EntryChange| EntryChangeDocument {
        entry: EntryDocument::of(month.from, key, after - before),
        before: exact(*before),
        after: exact(*after),
    };
    Ok(Json(EntryChangesDocument { changes: changes.iter().map(document).collect(), total: exact(total) }))
}

/// What is signed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseInput {
    /// The total that `GET /v1/statements/{month}` gave: where it is another one by now, nothing is closed.
    #[schema(example = "480.150000000000")]
    total: String,
}

/// Closes a month for good. What moves in it later stands as an adjustment in the first open month.
#[utoipa::path(
    post,
    path = "/v1/statements/{month}/close",
    tag = "statements",
    security(("api_key" = ["admin"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11")),
    request_body = CloseInput,
    responses(
        (status = 201, description = "The closed version.", body = Version),
        (status = 409, description = "It is closed or not in review, the checklist is not satisfied, or the total is another one.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn close(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(of): Path<String>,
    Body(CloseInput { total }): Body<CloseInput>,
) -> Result<(StatusCode, Json<Version>), ApiError> {
    let wrong = || Problem::field("/total", "invalid", "Send the total as a decimal string.");
    let month = month(&of)?;
    let closed = statements::close(&state.backend, &caller.scope, month, total.parse().map_err(|_| wrong())?).await?;
    Ok((StatusCode::CREATED, Json(closed)))
}

/// What is waived, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WaiverInput {
    /// Which thing of the checklist: `priced`.
    #[schema(example = "priced")]
    check: String,
    /// Why.
    #[schema(example = "A free trial of the provider.", max_length = 500)]
    reason: String,
}

/// Answers for the usage of a month that has no price, as much of it as there is now.
#[utoipa::path(
    post,
    path = "/v1/statements/{month}/waivers",
    tag = "statements",
    security(("api_key" = ["admin"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11")),
    request_body = WaiverInput,
    responses(
        (status = 204, description = "It is waived."),
        (status = 409, description = "The month is closed, or all its usage has a price.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn waive(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(of): Path<String>,
    Body(WaiverInput { check, reason }): Body<WaiverInput>,
) -> Result<StatusCode, ApiError> {
    let waived = statements::waive(&state.backend, &caller.scope, month(&of)?, &check, &reason).await;
    waived.map_err(|error| pointed("", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accepts the statement of a team, as the last version states it.
#[utoipa::path(
    post,
    path = "/v1/statements/{month}/teams/{team}/accept",
    tag = "statements",
    security(("api_key" = ["admin"])),
    params(
        ("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11"),
        ("team" = String, Path, description = "Short name of the team.")
    ),
    responses(
        (status = 204, description = "It is accepted."),
        (status = 409, description = "The month is not in review.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn accept(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path((of, team)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    statements::accept(&state.backend, &caller.scope, month(&of)?, &team).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A dispute that was entered.
#[derive(Debug, Serialize, ToSchema)]
struct DisputedDocument {
    dispute_id: DisputeId,
}

/// Disputes a line of a team's statement, or all of it. The month is closed once it is answered.
#[utoipa::path(
    post,
    path = "/v1/statements/{month}/teams/{team}/disputes",
    tag = "statements",
    security(("api_key" = ["admin"])),
    params(
        ("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11"),
        ("team" = String, Path, description = "Short name of the team.")
    ),
    request_body = DisputeForm,
    responses(
        (status = 201, description = "It is disputed.", body = DisputedDocument),
        (status = 409, description = "The month is not in review.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn dispute(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path((of, team)): Path<(String, String)>,
    Body(form): Body<DisputeForm>,
) -> Result<(StatusCode, Json<DisputedDocument>), ApiError> {
    let disputed = statements::dispute(&state.backend, &caller.scope, month(&of)?, &team, &form).await;
    let dispute_id = disputed.map_err(|error| pointed("", error))?;
    Ok((StatusCode::CREATED, Json(DisputedDocument { dispute_id })))
}

/// What finance says to a dispute.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerInput {
    /// Whether the team is right.
    accepted: bool,
    /// What is done, or why nothing is.
    #[schema(max_length = 500)]
    text: String,
}

/// Answers a dispute, once.
#[utoipa::path(
    post,
    path = "/v1/statements/{month}/disputes/{dispute_id}/answer",
    tag = "statements",
    security(("api_key" = ["admin"])),
    params(
        ("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11"),
        ("dispute_id" = DisputeId, Path, description = "Id of the dispute.")
    ),
    request_body = AnswerInput,
    responses(
        (status = 204, description = "It is answered."),
        (status = 409, description = "It was answered before, or the month is closed.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn answer(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path((of, dispute_id)): Path<(String, String)>,
    Body(AnswerInput { accepted, text }): Body<AnswerInput>,
) -> Result<StatusCode, ApiError> {
    let dispute_id = dispute_id.parse().map_err(|_| Problem::NotFound)?;
    let answer = (accepted, text.as_str());
    let answered = statements::answer(&state.backend, &caller.scope, month(&of)?, dispute_id, answer).await;
    answered.map_err(|error| pointed("", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// All versions up to the last one of a month, with what that month's state: `tallystick statement verify` checks them without a server.
#[utoipa::path(
    get,
    path = "/v1/statements/{month}/bundle",
    tag = "statements",
    security(("api_key" = ["read"])),
    params(("month" = String, Path, description = "A month of the organization's zone.", example = "2026-11")),
    responses((status = 200, description = "The bundle.", body = Bundle))
)]
async fn bundle(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(of): Path<String>,
) -> Result<Json<Bundle>, ApiError> {
    Ok(Json(statements::bundle(&state.backend, &caller.scope, month(&of)?).await?))
}
