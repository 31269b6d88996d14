//! `GET /v1/spend`: the spend query. `GET /v1/spend/changes`: why it moved.

use super::csv;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset};
use domain::money;
use domain::period::{Comparison, Period};
use domain::problem::Problem;
use domain::spend::{
    BucketStart, Changes, Dimension, KnownDimension, Measure, MeasureUnit, Mover, Provenance, SpendAnswer, SpendBasis,
    SpendQuery, SpendRange, Sums,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(spend)).routes(routes!(spend_changes)).routes(routes!(dimensions))
}

/// A filter for every dimension with a name; tags are described in words.
struct Filters;

impl IntoParams for Filters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let filter = |dimension: Dimension| {
            let name = dimension.name();
            let description = match dimension {
                Dimension::Team => "Only projects that this team owned on the day.".to_owned(),
                Dimension::AllocatedTeam => {
                    "Only what this team answers for by the allocation rules; empty for what is unallocated.".to_owned()
                }
                Dimension::ProductLine => {
                    "Only projects that belonged to this product line on the day; empty for those of none.".to_owned()
                }
                Dimension::ApiKey => "Only events sent with the key of this id.".to_owned(),
                Dimension::Status => "Only attempts that ended so.".to_owned(),
                Dimension::Project | Dimension::Model | Dimension::Provider | Dimension::Operation => {
                    format!("Only this {name}.")
                }
                _ => format!("Only this {name}; empty for events without one."),
            };
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .description(Some(description))
                .schema(Some(<Vec<String> as utoipa::PartialSchema>::schema()))
                .build()
        };
        Dimension::NAMED.into_iter().map(filter).collect()
    }
}

/// The organization's dimensions.
#[derive(Debug, Serialize, ToSchema)]
struct DimensionsDocument {
    /// Those with a name, then the tags that were sent.
    dimensions: Vec<KnownDimension>,
}

/// Lists what spend can be grouped and filtered by, with the tags that were sent.
///
/// An organization's values are bounded: beyond the limit of a dimension new values count as `(other)`. Their events keep what was sent, and no money is lost.
#[utoipa::path(
    get,
    path = "/v1/dimensions",
    tag = "spend",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The dimensions.", body = DimensionsDocument)
    )
)]
async fn dimensions(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<DimensionsDocument>, ApiError> {
    let dimensions = backend::ledger::dimensions(&state.backend, &caller.scope).await?;
    Ok(Json(DimensionsDocument { dimensions }))
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
    /// How the total is known.
    provenance: ProvenanceDocument,
}

/// How a sum of spend is known: what it rests on, how much of the usage it covers, and how fresh it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProvenanceDocument {
    /// As it was booked, or restated by adjustments since; and whether costs that providers reported counted in the span.
    basis: Vec<SpendBasis>,
    /// What adjustments moved since it was booked: a decimal string with 12 places.
    #[schema(example = "-1.750000000000")]
    adjusted: String,
    /// Requests whose cost is known, of all: a decimal string from 0 to 1; null where there are none.
    #[schema(example = "0.9975")]
    coverage: Option<String>,
    /// When the newest event happened that the key sees; null before the first.
    newest_event_at: Option<DateTime<FixedOffset>>,
}

impl From<Provenance> for ProvenanceDocument {
    fn from(known: Provenance) -> Self {
        Self {
            basis: known.basis(),
            adjusted: money::exact(known.adjusted()),
            coverage: known.coverage().map(|share| share.round_dp(money::PLACES).normalize().to_string()),
            newest_event_at: known.newest_event_at,
        }
    }
}

/// One row: its bucket, one field per grouped dimension (null where the label is missing), and the measures.
#[derive(Debug, Serialize, ToSchema)]
struct SpendRow {
    /// RFC 3339 with offset for hours, a date for days, its Monday for weeks, `YYYY-MM` for months, `YYYY-Qn` for quarters, `YYYY` for years; absent without buckets.
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
    // Any other measure by its name: counts are numbers, all else decimal strings with up to 12 places, null where it cannot be said, such as a ratio of nothing.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    more: BTreeMap<&'static str, Value>,
}

impl Measures {
    fn of(answer: &SpendAnswer, bucket: Option<BucketStart>, sums: &Sums, query: &SpendQuery) -> Self {
        let text = |measure| answer.text(measure, bucket, sums);
        let asked = |measure| query.measures.contains(&measure);
        let named = [Measure::Spend, Measure::Booked, Measure::Requests, Measure::Tokens];
        let more = query.measures.iter().copied().filter(|measure| !named.contains(measure)).map(|measure| {
            let count = |text: &String| text.parse::<i64>().ok().filter(|_| measure.unit() == MeasureUnit::Count);
            let value = text(measure).map(|text| count(&text).map_or_else(|| Value::from(text), Value::from));
            (measure.as_str(), value.unwrap_or_default())
        });
        Self {
            spend: text(Measure::Spend).filter(|_| asked(Measure::Spend)),
            booked: text(Measure::Booked).filter(|_| asked(Measure::Booked)),
            requests: asked(Measure::Requests).then_some(sums.requests),
            tokens: asked(Measure::Tokens).then_some(sums.tokens),
            unpriced_requests: sums.unpriced_requests,
            more: more.collect(),
        }
    }
}

impl SpendDocument {
    fn of(answer: SpendAnswer, query: &SpendQuery, known: Provenance) -> Self {
        let names: Vec<_> = answer.group_by.iter().map(Dimension::name).collect();
        let row = |row: domain::spend::SpendRow| SpendRow {
            bucket: row.bucket.map(|start| start.to_string()),
            dimensions: names.iter().cloned().zip(row.keys).collect(),
            measures: Measures::of(&answer, row.bucket, &row.sums, query),
        };
        Self {
            rows: answer.rows.iter().cloned().map(row).collect(),
            total: Measures::of(&answer, None, &answer.total, query),
            truncated: answer.truncated,
            provenance: known.into(),
            currency: answer.currency,
            time_zone: answer.time_zone,
        }
    }
}

/// Sums spend, requests, tokens and what follows from them by time and any two dimensions.
///
/// Every dimension's name is also a filter: repeat it for several values, leave it empty for a missing label, put `~` before a text for values that contain it in upper or lower case, and `!` before any of these to leave them out: `model=~gpt`, `feature=!~test`, `customer=!`.
/// `~` looks into slugs of projects and teams and into names of API keys. Put `\` before a value that itself begins with `!`, `~` or `\`.
///
/// Ratios are made of the row's sums, and of the total's for the total, never of ratios; a ratio of nothing is null.
/// Tokens by kind, latencies and customers are kept by day; retries, response-cache hits, tokens by kind, latencies, peaks and the number of customers are not kept by `customer`, `user` or `tag.<key>`; a peak is found among quarters of an hour of at most 31 days.
///
/// Any dimensions go together. Several labels (`customer`, `user`, `tag.<key>`) at once, or a label by the hour, are read event by event: at most 100,000 in a span with at most a million of the organization's, and only what is still kept.
/// `allocated_team` is who answers for usage by the allocation rules: spend, requests and tokens, and ratios of these, by whole days and beside any dimension but `customer`, `user` and `tag.<key>`. Its rows add up to what was used, to the last place.
/// A key of one project gets that project's sums only, totals included.
#[utoipa::path(
    get,
    path = "/v1/spend",
    tag = "spend",
    security(("api_key" = ["read"])),
    params(
        ("period" = Option<String>, Query, description = "A named span in place of `from` and `to`: `today`, `yesterday`, `24h` (the hour under way and the 23 before it), `7d`, `30d`, `90d` (up to today), `this-month`, `last-month`, `quarter`, `last-quarter`, `year`, `last-year`, `fiscal-year`, `last-fiscal-year`; what is under way up to today.", example = "this-month"),
        ("from" = Option<String>, Query, description = "First day in the organization's zone, or an instant (RFC 3339) on a quarter of an hour; needed without `period`.", example = "2026-11-01"),
        ("to" = Option<String>, Query, description = "The day or instant after the last; of the same kind as `from`.", example = "2026-12-01"),
        ("bucket" = Option<String>, Query, description = "`none` (default), `hour`, `day`, `week` (from Monday), `month`, `quarter` or `year` of the organization's zone."),
        ("group_by" = Option<String>, Query, description = "At most two of `project`, `team`, `allocated_team`, `model`, `provider`, `operation`, `feature`, `environment`, `api_key`, `status`, `customer`, `user`, `cohort`, `step`, `tag.<key>`, with commas between.", example = "project,model"),
        ("measure" = Option<String>, Query, description = "Any of `spend` (as restated by adjustments), `requests`, `tokens`, `booked` (without adjustments), `cost_per_request`, `cost_per_million_tokens`, `cost_per_customer` (of those that used anything), `cost_per_unit:<metric>` (of a business metric, on the days that have values; a group has the values that carry it as a label, or its share of what a unit costs), `error_rate`, `input_tokens`, `cache_read_tokens`, `output_tokens`, `cache_read_share` (of input tokens), `included_value` (list value of usage that plans include, which is not billed and no part of spend), `response_cache_hits`, `avoided_cost`, `retries`, `retry_cost`, `latency_p50_ms`, `latency_p95_ms`, `latency_p99_ms`, `time_to_first_token_p50_ms`, `time_to_first_token_p95_ms`, `time_to_first_token_p99_ms` (to within 3.2 %), `requests_per_minute`, `tokens_per_minute` (means of the minutes that have passed), `peak_requests_per_minute`, `peak_tokens_per_minute` (of the busiest quarter of an hour), with commas between; the first three by default."),
        Filters,
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`; `Accept: text/csv` does the same.")
    ),
    responses(
        (status = 200, description = "The sums.", content((SpendDocument = "application/json"), (String = "text/csv"))),
        (status = 422, description = "Two labels, or hours of a label, or the rows are too many for a file.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn spend(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(mut pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let csv = csv::is_asked(&headers, &mut pairs)?;
    let query = asked(&state, &caller, &mut pairs)?;
    let answer = backend::spend::query(&state.backend, &caller.scope, &query).await?;
    if csv {
        return Ok(csv::respond("spend.csv", answer.csv(&query)?));
    }
    let known = backend::spend::provenance(&state.backend, &caller.scope, query.range, &answer.total).await?;
    Ok(Json(SpendDocument::of(answer, &query, known)).into_response())
}

/// Reads a query whose span may be named.
fn asked(state: &AppState, caller: &ApiCaller, pairs: &mut Vec<(String, String)>) -> Result<SpendQuery, Problem> {
    let now = caller.scope.zone().local(state.backend.clock.now());
    domain::period::resolve(pairs, now, caller.scope.fiscal_year_start_month())
        .map_err(|wrong| Problem::invalid(vec![wrong]))?;
    SpendQuery::from_pairs(pairs)
}

/// Most models that moved in one answer.
const MAX_MOVERS: usize = 20;

/// Why spend moved between two spans.
#[derive(Debug, Serialize, ToSchema)]
struct SpendChangesDocument {
    /// ISO 4217 code.
    currency: &'static str,
    /// The asked days.
    period: Days,
    /// The days they are compared with.
    before: Days,
    /// Spend of the asked days less spend of the days before: a decimal string with 12 places.
    #[schema(example = "618.060000000000")]
    difference: String,
    /// Its parts, the largest first; they add up to the difference to the last decimal place.
    causes: Vec<CauseDocument>,
    /// The models of projects that moved most, at most 20.
    movers: Vec<MoverDocument>,
}

/// Days in the organization's zone.
#[derive(Debug, Serialize, ToSchema)]
struct Days {
    /// First day.
    #[schema(value_type = String, example = "2026-11-01")]
    from: chrono::NaiveDate,
    /// The day after the last.
    #[schema(value_type = String, example = "2026-12-01")]
    to: chrono::NaiveDate,
}

/// One part of the difference.
#[derive(Debug, Serialize, ToSchema)]
struct CauseDocument {
    /// Which factor.
    cause: domain::spend::Cause,
    /// What it added: a decimal string with 12 places.
    amount: String,
    /// What the factor means.
    description: &'static str,
}

/// One model of one project in both spans.
#[derive(Debug, Serialize, ToSchema)]
struct MoverDocument {
    /// Slug of the project.
    project: String,
    /// Who sells the model.
    provider: String,
    /// The model.
    model: String,
    /// Spend in the asked days: a decimal string with 12 places.
    spend: String,
    /// Spend in the days before.
    spend_before: String,
    /// The one less the other.
    difference: String,
    /// What moved it most.
    cause: Option<domain::spend::Cause>,
}

impl SpendChangesDocument {
    fn of(changes: Changes, period: Period, before: Period) -> Self {
        let days = |period: Period| Days { from: period.from, to: period.to };
        let cause = |(cause, amount): (domain::spend::Cause, rust_decimal::Decimal)| CauseDocument {
            cause,
            amount: money::exact(amount),
            description: cause.description(),
        };
        let mover = |mover: Mover| MoverDocument {
            difference: money::exact(mover.difference()),
            cause: mover.reason.map(|reason| reason.cause),
            spend: money::exact(mover.now.spend),
            spend_before: money::exact(mover.before.spend),
            project: mover.project,
            provider: mover.provider,
            model: mover.model,
        };
        Self {
            currency: "USD",
            period: days(period),
            before: days(before),
            difference: money::exact(changes.difference),
            causes: changes.causes.into_iter().map(cause).collect(),
            movers: changes.movers.into_iter().map(mover).collect(),
        }
    }
}

/// Takes the change of spend apart: number of requests, choice of models, size of requests, cache, prices.
///
/// A span that begins on a first and stays in its month is compared with the same days of the month before, one that begins a quarter or a year and stays in it with the same days of the quarter or year before, any other with as many days right before it; with `compare=last-year` all are compared with the same days a year before.
/// From what was spent before, one factor after the other is set to its present value while the others stay; each factor's part is the step that makes, so the parts add up exactly.
/// Requests are counted per project. Where a filter hides the single meters, size and everything behind it are told apart by tokens only (`cost_per_token`), and where tokens are not counted or a price is missing not at all (`cost_per_request`).
/// Every dimension's name is a filter, as in `GET /v1/spend`.
#[utoipa::path(
    get,
    path = "/v1/spend/changes",
    tag = "spend",
    security(("api_key" = ["read"])),
    params(
        ("period" = Option<String>, Query, description = "A named span of days in place of `from` and `to`, as in `GET /v1/spend`.", example = "this-month"),
        ("from" = Option<String>, Query, description = "First day in the organization's zone; needed without `period`.", example = "2026-11-01"),
        ("to" = Option<String>, Query, description = "The day after the last.", example = "2026-12-01"),
        ("compare" = Option<String>, Query, description = "What the days are compared with: `previous` (default) or `last-year`, the same days a year before."),
        Filters
    ),
    responses(
        (status = 200, description = "What changed.", body = SpendChangesDocument),
        (status = 422, description = "Two labels.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn spend_changes(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(mut pairs): Query<Vec<(String, String)>>,
) -> Result<Json<SpendChangesDocument>, ApiError> {
    let comparison = take_comparison(&mut pairs)?;
    let query = asked(&state, &caller, &mut pairs)?;
    let period = days_only(&pairs, &query)?;
    let before = comparison.of(period);
    let changes =
        backend::spend::compare(&state.backend, &caller.scope, period, before, &query.filters, MAX_MOVERS).await?;
    Ok(Json(SpendChangesDocument::of(changes, period, before)))
}

/// What to compare with; the rest of the parameters stays.
fn take_comparison(pairs: &mut Vec<(String, String)>) -> Result<Comparison, Problem> {
    let Some(at) = pairs.iter().position(|(name, _)| name == "compare") else { return Ok(Comparison::default()) };
    pairs.remove(at).1.parse().map_err(|wrong| Problem::invalid(vec![wrong]))
}

/// The days of a query that asks for nothing but days and filters.
fn days_only(pairs: &[(String, String)], query: &SpendQuery) -> Result<Period, Problem> {
    let other = pairs.iter().find(|(name, _)| ["bucket", "group_by", "measure"].contains(&name.as_str()));
    if let Some((name, _)) = other {
        return Err(Problem::field(name, "unknown", format!("`{name}` is not a parameter.")));
    }
    match query.range {
        SpendRange::Days { from, to } => Ok(Period { from, to }),
        SpendRange::Instants { .. } => Err(Problem::field("from", "invalid", "Use a date such as 2026-11-01.")),
    }
}
