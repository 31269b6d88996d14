//! `/v1/business-metrics`: what the money was for, and what one unit of it cost.

use super::json::{Body, each, pointed};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use backend::business_metrics::{self, Recorded};
use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::business_metric::{BusinessMetric, MetricEntry, MetricForm, RecordedValue, UnitCost, question};
use domain::money::exact;
use domain::period::Period;
use domain::problem::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, record)).routes(routes!(one))
}

/// The metrics that the key sees.
#[derive(Debug, Serialize, ToSchema)]
struct MetricsDocument {
    /// In order of name.
    metrics: Vec<MetricDocument>,
}

/// A business metric.
#[derive(Debug, Serialize, ToSchema)]
struct MetricDocument {
    name: String,
    /// What it counts; `USD` for revenue.
    unit: String,
    /// How many values count.
    values: u64,
    /// First day of its values.
    from: NaiveDate,
    /// Day after the last one.
    to: NaiveDate,
    /// When the newest value came.
    recorded_at: DateTime<FixedOffset>,
    /// The names of its labels.
    labels: Vec<String>,
}

impl From<MetricEntry> for MetricDocument {
    fn from(entry: MetricEntry) -> Self {
        let BusinessMetric { name, unit } = entry.metric;
        Self {
            name: name.to_string(),
            unit,
            values: entry.values,
            from: entry.from,
            to: entry.to,
            recorded_at: entry.recorded_at,
            labels: entry.labels,
        }
    }
}

/// Lists business metrics. A key that is bound to one project sees values with its slug as the label `project`.
#[utoipa::path(
    get,
    path = "/v1/business-metrics",
    tag = "business-metrics",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The metrics.", body = MetricsDocument)
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<MetricsDocument>, ApiError> {
    let metrics = business_metrics::list(&state.backend, &caller.scope).await?;
    Ok(Json(MetricsDocument { metrics: metrics.into_iter().map(Into::into).collect() }))
}

/// Values to record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ValuesInput {
    /// All of them are recorded, or none.
    #[schema(max_items = 2000)]
    values: Vec<MetricForm>,
}

/// What became of the values.
#[derive(Debug, Serialize, ToSchema)]
struct RecordedDocument {
    /// How many are new.
    recorded: usize,
    /// How many took the place of another value for the same days and labels, which is kept as history.
    superseded: usize,
    /// How many had been recorded before.
    duplicates: usize,
}

/// Records values of business metrics. The same name, days and labels mean the same value: sent again it is a duplicate, a later one supersedes it.
///
/// Send either a total without labels, or values with labels, or both: a total that stands beside its parts is not counted twice.
#[utoipa::path(
    post,
    path = "/v1/business-metrics",
    tag = "business-metrics",
    security(("api_key" = ["ingest"])),
    request_body = ValuesInput,
    responses(
        (status = 200, description = "They are recorded.", body = RecordedDocument),
        (status = 409, description = "The organization has as many metrics as it may have.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn record(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(sent): Body<ValuesInput>,
) -> Result<Json<RecordedDocument>, ApiError> {
    let values = each("values", &sent.values, MetricForm::parse)?;
    let recorded = business_metrics::record(&state.backend, &caller.scope, &values).await;
    let Recorded { recorded, superseded, duplicates } = recorded.map_err(|error| pointed("values/", error))?;
    Ok(Json(RecordedDocument { recorded, superseded, duplicates }))
}

/// A metric with what one unit of it cost.
#[derive(Debug, Serialize, ToSchema)]
struct UnitCostsDocument {
    name: String,
    /// What it counts; `USD` for revenue.
    unit: String,
    /// Over the whole period; null where no value lies in it.
    total: Option<UnitCostDocument>,
    /// By step of the period, in order; a step without values is left out.
    steps: Vec<UnitCostDocument>,
    /// The newest 200 values, superseded ones among them.
    values: Vec<ValueDocument>,
}

/// What the units of a span cost: spend of the days that have values, over these values. Amounts are decimal strings in US dollars.
#[derive(Debug, Serialize, ToSchema)]
struct UnitCostDocument {
    /// First day.
    from: NaiveDate,
    /// Day after the last one.
    to: NaiveDate,
    /// Days of it that have values.
    days: i64,
    /// Spend of these days; charges are not in it.
    #[schema(example = "12.345600000000")]
    spend: String,
    /// The values of these days.
    #[schema(example = "412")]
    value: String,
    /// Spend for one unit; null for revenue, and where there was no unit.
    #[schema(example = "0.029965048544")]
    cost_per_unit: Option<String>,
    /// Revenue without spend; null where the metric is no revenue.
    margin: Option<String>,
}

/// A value that was sent.
#[derive(Debug, Serialize, ToSchema)]
struct ValueDocument {
    /// First day.
    from: NaiveDate,
    /// Day after the last one.
    to: NaiveDate,
    labels: BTreeMap<String, String>,
    value: String,
    recorded_at: DateTime<FixedOffset>,
    /// Who sent it.
    recorded_by: String,
    /// Since when another value counts; null while it does.
    superseded_at: Option<DateTime<FixedOffset>>,
}

impl UnitCostDocument {
    fn of(metric: &BusinessMetric, cost: UnitCost) -> Self {
        let Period { from, to } = cost.span;
        Self {
            from,
            to,
            days: cost.days,
            spend: exact(cost.spend),
            value: cost.value.normalize().to_string(),
            cost_per_unit: cost.per_unit().filter(|_| !metric.is_revenue()).map(exact),
            margin: metric.is_revenue().then(|| exact(cost.margin())),
        }
    }
}

impl From<RecordedValue> for ValueDocument {
    fn from(recorded: RecordedValue) -> Self {
        let Period { from, to } = recorded.value.period;
        Self {
            from,
            to,
            labels: recorded.value.labels,
            value: recorded.value.value.normalize().to_string(),
            recorded_at: recorded.recorded_at,
            recorded_by: recorded.recorded_by,
            superseded_at: recorded.superseded_at,
        }
    }
}

/// What one unit of a metric cost in a period, or the margin where it is revenue: usage of the days that have values, over these values. Days without values are left out, with their usage.
///
/// Any label of the metric, and `project`, `team`, `customer`, `feature` and `environment`, narrow the values and the usage: `project=search`.
#[utoipa::path(
    get,
    path = "/v1/business-metrics/{name}",
    tag = "business-metrics",
    security(("api_key" = ["read"])),
    params(
        ("name" = String, Path, description = "Name of the metric."),
        ("from" = NaiveDate, Query, description = "First day of the organization's calendar.", example = "2026-11-01"),
        ("to" = NaiveDate, Query, description = "The day after the last.", example = "2026-12-01"),
        ("bucket" = Option<String>, Query, description = "`none` (default), `day`, `week` or `month`.")
    ),
    responses(
        (status = 200, description = "The metric.", body = UnitCostsDocument)
    )
)]
async fn one(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<UnitCostsDocument>, ApiError> {
    let (period, steps, selection) = question(&pairs).map_err(Problem::invalid)?;
    let (entry, values) = business_metrics::find(&state.backend, &caller.scope, &name).await?;
    let (metric, asked) = (entry.metric, (period, steps.as_slice()));
    let costs = business_metrics::costs(&state.backend, &caller.scope, &metric, asked, &selection).await?;
    let of = |cost| UnitCostDocument::of(&metric, cost);
    Ok(Json(UnitCostsDocument {
        name,
        unit: metric.unit.clone(),
        total: costs.total.map(of),
        steps: costs.steps.into_iter().filter_map(|(_, cost)| cost).map(of).collect(),
        values: values.into_iter().map(Into::into).collect(),
    }))
}
