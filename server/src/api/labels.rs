//! `/v1/value-aliases` and `/v1/required-labels`: values that are one, and labels that events should carry.

use super::json::{Body, invalid, pointed};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use backend::labels;
use chrono::{DateTime, FixedOffset};
use domain::label::{
    AliasForm, AliasProposal, Amount, Coverage, CoverageRow, RequiredForm, RequiredLabel, ValueAlias, example,
};
use domain::money::exact;
use domain::problem::Problem;
use domain::spend::Dimension;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(aliases, enter, remove)).routes(routes!(required, require, release))
}

/// Values that count as others, and those that look as if they should.
#[derive(Debug, Serialize, ToSchema)]
struct ValueAliasesDocument {
    /// By label.
    aliases: Vec<ValueAliasDocument>,
    /// Values of the last 90 days that differ in case, punctuation or plural only.
    proposals: Vec<AliasProposalDocument>,
}

/// A value that counts as another.
#[derive(Debug, Serialize, ToSchema)]
struct ValueAliasDocument {
    /// The label.
    #[schema(example = "tag.department")]
    label: String,
    /// What is sent.
    #[schema(example = "eng")]
    value: String,
    /// As which it counts.
    #[schema(example = "Engineering")]
    canonical: String,
    /// When it was entered.
    created_at: DateTime<FixedOffset>,
    /// Who entered it.
    created_by: String,
}

/// Values that look like one.
#[derive(Debug, Serialize, ToSchema)]
struct AliasProposalDocument {
    /// The label.
    #[schema(example = "feature")]
    label: String,
    /// The value that is used most.
    #[schema(example = "chatbot")]
    canonical: String,
    /// The others.
    #[schema(example = json!(["Chat-Bot"]))]
    values: Vec<String>,
}

impl From<ValueAlias> for ValueAliasDocument {
    fn from(alias: ValueAlias) -> Self {
        let ValueAlias { dimension, value, canonical, created_at, created_by } = alias;
        Self { label: dimension.name(), value, canonical, created_at, created_by }
    }
}

impl From<AliasProposal> for AliasProposalDocument {
    fn from(AliasProposal { dimension, canonical, values }: AliasProposal) -> Self {
        Self { label: dimension.name(), canonical, values }
    }
}

/// Lists values that count as others, and proposes values that look like one.
#[utoipa::path(
    get,
    path = "/v1/value-aliases",
    tag = "labels",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The aliases and proposals.", body = ValueAliasesDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn aliases(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ValueAliasesDocument>, ApiError> {
    let aliases = labels::aliases(&state.backend, &caller.scope).await?;
    let proposals = labels::proposals(&state.backend, &caller.scope).await?;
    Ok(Json(ValueAliasesDocument {
        aliases: aliases.into_iter().map(Into::into).collect(),
        proposals: proposals.into_iter().map(Into::into).collect(),
    }))
}

/// Lets a value count as another one in every sum, group, filter and rule, at once and for days that are over too. Events keep what was sent.
#[utoipa::path(
    post,
    path = "/v1/value-aliases",
    tag = "labels",
    security(("api_key" = ["admin"])),
    request_body = AliasForm,
    responses(
        (status = 204, description = "It holds."),
        (status = 409, description = "The organization has as many aliases as it may have.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn enter(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<AliasForm>,
) -> Result<StatusCode, ApiError> {
    let alias = form.parse().map_err(invalid)?;
    labels::enter_alias(&state.backend, &caller.scope, &alias).await.map_err(|error| pointed("", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A value of a label.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct LabelValue {
    /// The label.
    #[param(example = "tag.department", required = true)]
    label: String,
    /// What is sent.
    #[param(example = "eng", required = true)]
    value: String,
}

/// Lets a value count as itself again, for days that are over too.
#[utoipa::path(
    delete,
    path = "/v1/value-aliases",
    tag = "labels",
    security(("api_key" = ["admin"])),
    params(LabelValue),
    responses(
        (status = 204, description = "It counts as itself."),
        (status = 404, description = "There is no such alias.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn remove(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(LabelValue { label, value }): Query<LabelValue>,
) -> Result<StatusCode, ApiError> {
    let label: Dimension = label.parse().map_err(|_| Problem::NotFound)?;
    labels::remove_alias(&state.backend, &caller.scope, &label, &value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much of the usage carries the labels that it should.
#[derive(Debug, Serialize, ToSchema)]
struct CoverageDocument {
    /// The required labels, those of all projects first.
    labels: Vec<RequiredLabelDocument>,
    /// Where they are missing, the most dollars first.
    missing: Vec<MissingLabelDocument>,
}

/// A required label with its coverage.
#[derive(Debug, Serialize, ToSchema)]
struct RequiredLabelDocument {
    /// The label.
    #[schema(example = "tag.cost_type")]
    label: String,
    /// Slug of the project whose events should carry it; null: all events.
    project: Option<String>,
    /// What came without it.
    missing: LabelAmountDocument,
    /// All that should carry it.
    total: LabelAmountDocument,
    /// The share of the spend that carries it, 0 to 1; null without spend.
    #[schema(example = 0.93)]
    spend_share: Option<f64>,
    /// The share of the requests that carry it, 0 to 1; null without requests.
    #[schema(example = 0.91)]
    requests_share: Option<f64>,
}

/// Usage by money and by requests.
#[derive(Debug, Serialize, ToSchema)]
struct LabelAmountDocument {
    /// Decimal string with 12 places, in US dollars.
    #[schema(example = "12.345600000000")]
    spend: String,
    /// Attempts.
    requests: i64,
}

/// What a key sent of a project without a label that it should carry.
#[derive(Debug, Serialize, ToSchema)]
struct MissingLabelDocument {
    /// The label.
    #[schema(example = "tag.cost_type")]
    label: String,
    /// Slug of the project.
    #[schema(example = "support-bot")]
    project: String,
    /// Id of the API key.
    api_key: String,
    /// Name of the API key.
    #[schema(example = "production")]
    api_key_name: String,
    /// What came without it.
    missing: LabelAmountDocument,
    /// All that the key sent of the project.
    total: LabelAmountDocument,
    /// What an event says to carry it.
    #[schema(example = "\"tags\": {\"cost_type\": \"…\"}")]
    set: String,
}

impl From<Amount> for LabelAmountDocument {
    fn from(Amount { spend, requests }: Amount) -> Self {
        Self { spend: exact(spend), requests }
    }
}

impl From<Coverage> for CoverageDocument {
    fn from(coverage: Coverage) -> Self {
        let label = |(label, missing, total): (RequiredLabel, Amount, Amount)| RequiredLabelDocument {
            label: label.dimension.name(),
            project: label.project,
            missing: missing.into(),
            total: total.into(),
            spend_share: missing.spend_outside(total),
            requests_share: missing.requests_outside(total),
        };
        let row = |row: CoverageRow| MissingLabelDocument {
            label: row.dimension.name(),
            set: example(&row.dimension),
            project: row.project,
            api_key: row.api_key,
            api_key_name: row.key_name,
            missing: row.missing.into(),
            total: row.total.into(),
        };
        Self {
            labels: coverage.labels.into_iter().map(label).collect(),
            missing: coverage.rows.into_iter().map(row).collect(),
        }
    }
}

/// Tells how much of the usage of some days carries the labels that it should, by money and by requests, and which project and key sent it without. No event is rejected for want of one.
#[utoipa::path(
    get,
    path = "/v1/required-labels",
    tag = "labels",
    security(("api_key" = ["read"])),
    params(
        ("from" = NaiveDate, Query, description = "First day, in the organization's zone.", example = "2026-11-01"),
        ("to" = NaiveDate, Query, description = "The day after the last.", example = "2026-12-01")
    ),
    responses(
        (status = 200, description = "The coverage.", body = CoverageDocument)
    )
)]
async fn required(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<CoverageDocument>, ApiError> {
    let days = super::allocation::days(&pairs)?;
    Ok(Json(labels::coverage(&state.backend, &caller.scope, days).await?.into()))
}

/// Says that events should carry a label, of all projects or of one.
#[utoipa::path(
    post,
    path = "/v1/required-labels",
    tag = "labels",
    security(("api_key" = ["admin"])),
    request_body = RequiredForm,
    responses(
        (status = 204, description = "It is required."),
        (status = 409, description = "The organization requires as many labels as it may.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn require(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<RequiredForm>,
) -> Result<StatusCode, ApiError> {
    let label = form.parse().map_err(invalid)?;
    labels::require(&state.backend, &caller.scope, &label).await.map_err(|error| pointed("", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A required label.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct RequiredLabelParams {
    /// The label.
    #[param(example = "tag.cost_type", required = true)]
    label: String,
    /// Slug of the project; left out: of all projects.
    #[param(required = false)]
    project: String,
}

/// Takes back that events should carry a label.
#[utoipa::path(
    delete,
    path = "/v1/required-labels",
    tag = "labels",
    security(("api_key" = ["admin"])),
    params(RequiredLabelParams),
    responses(
        (status = 204, description = "It is not required any more."),
        (status = 404, description = "It is not required.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn release(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(RequiredLabelParams { label, project }): Query<RequiredLabelParams>,
) -> Result<StatusCode, ApiError> {
    let label = RequiredForm { label, project }.parse().map_err(Problem::invalid)?;
    labels::release(&state.backend, &caller.scope, &label).await?;
    Ok(StatusCode::NO_CONTENT)
}
