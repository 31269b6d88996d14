//! `GET /v1/spend`: the spend query.

use super::csv;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::spend::{Measure, SpendAnswer, SpendQuery, Sums};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(spend))
}

/// Sums of what was asked.
#[derive(Debug, Serialize, ToSchema)]
struct SpendDocument {
    /// ISO 4217 code.
    currency: String,
    /// IANA name of the organization's zone, whose hours, days, weeks and months the buckets are.
    time_zone: String,
    /// By bucket, then by falling spend.
    rows: Vec<SpendRow>,
    /// Over everything that matches, also where rows were cut.
    total: Measures,
    /// Whether there are more rows than these.
    truncated: bool,
}

/// One row: its bucket, one field per grouped dimension (null where the label is missing), and the measures.
#[derive(Debug, Serialize, ToSchema)]
struct SpendRow {
    /// RFC 3339 with offset for hours, a date for days, its Monday for weeks, `YYYY-MM` for months; absent without buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<String>,
    // Any further field is one of these; the measures beside them are numbers, too.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    dimensions: BTreeMap<String, Option<String>>,
    #[serde(flatten)]
    measures: Measures,
}

/// The measures that were asked for.
#[derive(Debug, Serialize, ToSchema)]
struct Measures {
    /// Booked cost plus adjustments: a decimal string with 12 places.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "12.345600000000")]
    spend: Option<String>,
    /// Cost as it was booked at ingestion, without later adjustments: a decimal string with 12 places.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "12.345600000000")]
    booked: Option<String>,
    /// Attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<i64>,
    /// All tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<i64>,
    /// Attempts whose cost is not known; they are not part of the spend.
    unpriced_requests: i64,
}

impl Measures {
    fn of(sums: &Sums, query: &SpendQuery) -> Self {
        let asked = |measure| query.measures.contains(&measure);
        Self {
            spend: asked(Measure::Spend).then(|| sums.text(Measure::Spend)),
            booked: asked(Measure::Booked).then(|| sums.text(Measure::Booked)),
            requests: asked(Measure::Requests).then_some(sums.requests),
            tokens: asked(Measure::Tokens).then_some(sums.tokens),
            unpriced_requests: sums.unpriced_requests,
        }
    }
}

impl SpendDocument {
    fn of(answer: SpendAnswer, query: &SpendQuery) -> Self {
        let names: Vec<_> = answer.group_by.iter().map(domain::spend::Dimension::name).collect();
        let row = |row: domain::spend::SpendRow| SpendRow {
            bucket: row.bucket,
            dimensions: names.iter().cloned().zip(row.keys).collect(),
            measures: Measures::of(&row.sums, query),
        };
        Self {
            currency: answer.currency,
            time_zone: answer.time_zone,
            total: Measures::of(&answer.total, query),
            truncated: answer.truncated,
            rows: answer.rows.into_iter().map(row).collect(),
        }
    }
}

/// Sums spend, requests and tokens by time and any two dimensions.
///
/// Every dimension's name is also a filter: repeat it for several values, put `!` before a value to leave it out, leave it empty for a missing label.
/// Put `\` before a value that itself begins with `!` or `\`.
/// Labels of many values (`customer`, `user`, `cohort`, `step`, `tag.<key>`) are daily, one at a time, together with `project`, `team`, `provider` and `model`.
/// A key of one project gets that project's sums only, totals included.
#[utoipa::path(
    get,
    path = "/v1/spend",
    tag = "spend",
    params(
        ("from" = String, Query, description = "First day in the organization's zone, or an instant (RFC 3339) on a quarter of an hour.", example = "2026-11-01"),
        ("to" = String, Query, description = "The day or instant after the last; of the same kind as `from`.", example = "2026-12-01"),
        ("bucket" = Option<String>, Query, description = "`none` (default), `hour`, `day`, `week` (from Monday) or `month` of the organization's zone."),
        ("group_by" = Option<String>, Query, description = "At most two of `project`, `team`, `model`, `provider`, `operation`, `feature`, `environment`, `api_key`, `status`, `customer`, `user`, `cohort`, `step`, `tag.<key>`, with commas between.", example = "project,model"),
        ("measure" = Option<String>, Query, description = "Any of `spend` (as restated by adjustments), `requests`, `tokens`, `booked` (without adjustments), with commas between; the first three by default."),
        ("project" = Option<Vec<String>>, Query, description = "Only this project; so with every dimension."),
        ("team" = Option<Vec<String>>, Query, description = "Only projects that this team owned on the day."),
        ("model" = Option<Vec<String>>, Query, description = "Only this model."),
        ("provider" = Option<Vec<String>>, Query, description = "Only this provider."),
        ("operation" = Option<Vec<String>>, Query, description = "Only this operation."),
        ("feature" = Option<Vec<String>>, Query, description = "Only this feature; empty for events without one."),
        ("environment" = Option<Vec<String>>, Query, description = "Only this environment; empty for events without one."),
        ("api_key" = Option<Vec<String>>, Query, description = "Only events sent with the key of this id."),
        ("status" = Option<Vec<String>>, Query, description = "Only attempts that ended so."),
        ("customer" = Option<Vec<String>>, Query, description = "Only this customer; empty for events without one."),
        ("user" = Option<Vec<String>>, Query, description = "Only this user; empty for events without one."),
        ("cohort" = Option<Vec<String>>, Query, description = "Only this cohort; empty for events without one."),
        ("step" = Option<Vec<String>>, Query, description = "Only this step; empty for events without one."),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`; `Accept: text/csv` does the same.")
    ),
    responses(
        (status = 200, description = "The sums.", content((SpendDocument = "application/json"), (String = "text/csv"))),
        (status = 400, description = "A parameter is wrong; `errors` names every one.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "No valid API key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The key lacks the scope `read`.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "No rollup carries this combination, or the rows are too many for a file.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn spend(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(mut pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let csv = csv::is_asked(&headers, &mut pairs)?;
    let query = SpendQuery::from_pairs(&pairs)?;
    let answer = backend::spend::query(&state.backend, &caller.scope, &query).await?;
    if csv {
        return Ok(csv::respond("spend.csv", answer.csv(&query)?));
    }
    Ok(Json(SpendDocument::of(answer, &query)).into_response())
}
