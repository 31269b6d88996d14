//! `/v1/sessions`, `/v1/interactions`: calls that belong together, added up.

use super::documents::EventSummary;
use crate::AppState;
use crate::api::csv;
use crate::caller::ApiCaller;
use crate::downloads;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset};
use domain::event::{
    Call, CallGroup, CallGroupDetail, CallGroupQuery, CallGroupRow, CallGroups, CostPercentiles, Repeat, StepSums,
};
use domain::money::exact;
use domain::problem::Problem;
use domain::spend::Sums;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sessions))
        .routes(routes!(session))
        .routes(routes!(interactions))
        .routes(routes!(interaction))
}

/// Sums of calls.
#[derive(Debug, Serialize, ToSchema)]
struct CallSums {
    /// How many calls; every attempt is one.
    calls: i64,
    /// All tokens.
    tokens: i64,
    /// Calls that did not succeed.
    errors: i64,
    /// What those with a price cost: decimal string with 12 places.
    #[schema(example = "0.841200000000")]
    cost: String,
    currency: &'static str,
    /// Calls without a price: their cost is not in `cost`.
    unpriced: i64,
    /// Upper-bound estimate of what those cost.
    unpriced_upper_bound: String,
}

impl From<Sums> for CallSums {
    fn from(sums: Sums) -> Self {
        Self {
            calls: sums.requests,
            tokens: sums.tokens,
            errors: sums.errors,
            cost: exact(sums.spend),
            currency: "USD",
            unpriced: sums.unpriced_requests,
            unpriced_upper_bound: exact(sums.unpriced_upper_bound),
        }
    }
}

/// What one costs: each is the cost of one that was.
#[derive(Debug, Serialize, ToSchema)]
struct Percentiles {
    /// The median; null where there is none.
    p50: Option<String>,
    /// 95 % cost no more.
    #[schema(example = "0.310400000000")]
    p95: Option<String>,
    /// 99 % cost no more.
    p99: Option<String>,
    /// How many they are of: those of which every call has a price.
    of: u64,
}

impl From<CostPercentiles> for Percentiles {
    fn from(costs: CostPercentiles) -> Self {
        let [p50, p95, p99] = [costs.p50, costs.p95, costs.p99].map(|cost| cost.map(exact));
        Self { p50, p95, p99, of: costs.of }
    }
}

/// What the calls of one step with one model come to.
#[derive(Debug, Serialize, ToSchema)]
struct StepDocument {
    /// Null where calls name none.
    step: Option<String>,
    model: String,
    #[serde(flatten)]
    sums: CallSums,
}

impl From<StepSums> for StepDocument {
    fn from(step: StepSums) -> Self {
        Self { step: step.step, model: step.model, sums: step.sums.into() }
    }
}

/// Requests of one step to one model that came more than once; where they have an `input_hash`, with the same input.
#[derive(Debug, Serialize, ToSchema)]
struct RepeatDocument {
    step: Option<String>,
    model: String,
    input_hash: Option<String>,
    /// How many; retries of a request are none of their own.
    requests: u64,
    /// What all of them cost.
    cost: String,
    /// What those after the first cost.
    cost_after_first: String,
    /// Calls without a price among them.
    unpriced: u64,
}

impl From<Repeat> for RepeatDocument {
    fn from(repeat: Repeat) -> Self {
        Self {
            step: repeat.step,
            model: repeat.model,
            input_hash: repeat.input_hash,
            requests: repeat.requests,
            cost: exact(repeat.cost),
            cost_after_first: exact(repeat.after_first),
            unpriced: repeat.unpriced,
        }
    }
}

/// A call of a session or interaction.
#[derive(Debug, Serialize, ToSchema)]
struct CallDocument {
    #[serde(flatten)]
    event: EventSummary,
    step: Option<String>,
    request_id: Option<String>,
    /// Input tokens, cached ones too.
    input_tokens: u64,
    /// Those of them that were read from the provider's cache.
    cached_tokens: u64,
    output_tokens: u64,
}

impl From<Call> for CallDocument {
    fn from(call: Call) -> Self {
        Self {
            step: call.step,
            request_id: call.request_id,
            input_tokens: call.input_tokens,
            cached_tokens: call.cached_tokens,
            output_tokens: call.output_tokens,
            event: call.row.into(),
        }
    }
}

/// A session or interaction with its calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallGroup)]
struct CallGroupDocument {
    /// As it was sent.
    id: String,
    /// When its first call was made, in the organization's zone.
    first_at: DateTime<FixedOffset>,
    /// When its last call was made.
    last_at: DateTime<FixedOffset>,
    #[serde(flatten)]
    sums: CallSums,
    /// Slugs of its projects, the dearest first.
    projects: Vec<String>,
    /// The dearest first.
    features: Vec<String>,
    /// At most 10.
    customers: Vec<String>,
    /// At most 10.
    users: Vec<String>,
    /// The sessions of an interaction, at most 10.
    sessions: Vec<String>,
    /// How many interactions a session has.
    interactions: u64,
    /// The dearest first.
    steps: Vec<StepDocument>,
    /// The dearest first, at most 20.
    repeats: Vec<RepeatDocument>,
    /// What others of its first feature cost in the 30 days until its last call, by their newest 20,000 calls.
    usual: Percentiles,
    /// First to last, 500 a page, the attempts of a request behind its first one.
    events: Vec<CallDocument>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl From<CallGroupDetail> for CallGroupDocument {
    fn from(found: CallGroupDetail) -> Self {
        Self {
            id: found.id,
            first_at: found.first_at,
            last_at: found.last_at,
            sums: found.sums.into(),
            projects: found.projects,
            features: found.features,
            customers: found.customers,
            users: found.users,
            sessions: found.sessions,
            interactions: found.interactions,
            steps: found.steps.into_iter().map(StepDocument::from).collect(),
            repeats: found.repeats.into_iter().map(RepeatDocument::from).collect(),
            usual: found.usual.into(),
            events: found.calls.rows.into_iter().map(CallDocument::from).collect(),
            next_cursor: found.calls.next_cursor,
        }
    }
}

/// A session or interaction in a list: what its calls of the span come to.
#[derive(Debug, Serialize, ToSchema)]
struct CallGroupSummary {
    /// As it was sent.
    id: String,
    /// When the first of the calls was made, in the organization's zone.
    first_at: DateTime<FixedOffset>,
    /// When the last was.
    last_at: DateTime<FixedOffset>,
    /// Milliseconds between the two.
    duration_ms: i64,
    #[serde(flatten)]
    sums: CallSums,
    models: Vec<String>,
    projects: Vec<String>,
    customers: Vec<String>,
}

impl From<CallGroupRow> for CallGroupSummary {
    fn from(row: CallGroupRow) -> Self {
        Self {
            duration_ms: row.duration_ms(),
            id: row.id,
            first_at: row.first_at,
            last_at: row.last_at,
            sums: row.sums.into(),
            models: row.models,
            projects: row.projects,
            customers: row.customers,
        }
    }
}

/// A page of sessions or interactions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallGroups)]
struct CallGroupsDocument {
    /// In the order that was asked for.
    rows: Vec<CallGroupSummary>,
    /// How many there are on all pages.
    count: u64,
    /// Sums of all of them.
    total: CallSums,
    /// What one costs.
    percentiles: Percentiles,
    /// Where counting begins, where more calls were made in the span than the 200,000 that are read; else null.
    counted_from: Option<DateTime<FixedOffset>>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl From<CallGroups> for CallGroupsDocument {
    fn from(found: CallGroups) -> Self {
        Self {
            rows: found.rows.into_iter().map(CallGroupSummary::from).collect(),
            count: found.groups,
            total: found.sums.into(),
            percentiles: found.percentiles.into(),
            counted_from: found.counted_from,
            next_cursor: found.next_cursor,
        }
    }
}

/// Adds up one session: its calls in time order, by step, and what came more than once.
///
/// The sums are those of all calls of the session that the key sees, whichever page of them is asked for.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}",
    tag = "events",
    security(("api_key" = ["read"])),
    params(
        ("id" = String, Path, description = "`session_id` as it was sent."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.")
    ),
    responses((status = 200, description = "The session.", body = CallGroupDocument))
)]
async fn session(caller: ApiCaller, state: State<AppState>, id: Path<String>, pairs: Pairs) -> Found {
    one(CallGroup::Session, caller, state, id, pairs).await
}

/// Adds up one interaction: its calls in time order, by step, and what came more than once.
///
/// The sums are those of all calls of the interaction that the key sees, whichever page of them is asked for.
#[utoipa::path(
    get,
    path = "/v1/interactions/{id}",
    tag = "events",
    security(("api_key" = ["read"])),
    params(
        ("id" = String, Path, description = "`interaction_id` as it was sent."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.")
    ),
    responses((status = 200, description = "The interaction.", body = CallGroupDocument))
)]
async fn interaction(caller: ApiCaller, state: State<AppState>, id: Path<String>, pairs: Pairs) -> Found {
    one(CallGroup::Interaction, caller, state, id, pairs).await
}

/// Lists sessions with calls in a span, the dearest first.
///
/// Only calls of the span for which all filters hold are added up; every dimension of `GET /v1/spend` is a filter, written as there.
/// At most the newest 200,000 calls of the span are read; `counted_from` says where that begins.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "events",
    security(("api_key" = ["read"])),
    params(
        ("from" = Option<String>, Query, description = "First day in the organization's zone, or an instant (RFC 3339).", example = "2026-11-01"),
        ("to" = Option<String>, Query, description = "The day or instant after the last.", example = "2026-12-01"),
        ("project" = Option<Vec<String>>, Query, description = "Only calls of this project; so with every dimension."),
        ("sort" = Option<String>, Query, description = "`cost` (default), `calls`, `duration` or `newest`."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same parameters."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Rows of a page; 50 when missing."),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`, which holds all that match, up to 50,000; `Accept: text/csv` does the same.")
    ),
    responses(
        (status = 200, description = "One page.", content((CallGroupsDocument = "application/json"), (String = "text/csv"))),
        (status = 422, description = "More sessions match than a file takes.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn sessions(caller: ApiCaller, state: State<AppState>, headers: HeaderMap, pairs: Pairs) -> Listed {
    list(CallGroup::Session, caller, state, &headers, pairs).await
}

/// Lists interactions with calls in a span, the dearest first.
///
/// Parameters and bounds are those of `GET /v1/sessions`.
#[utoipa::path(
    get,
    path = "/v1/interactions",
    tag = "events",
    security(("api_key" = ["read"])),
    params(
        ("from" = Option<String>, Query, description = "First day in the organization's zone, or an instant (RFC 3339).", example = "2026-11-01"),
        ("to" = Option<String>, Query, description = "The day or instant after the last.", example = "2026-12-01"),
        ("project" = Option<Vec<String>>, Query, description = "Only calls of this project; so with every dimension."),
        ("sort" = Option<String>, Query, description = "`cost` (default), `calls`, `duration` or `newest`."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same parameters."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Rows of a page; 50 when missing."),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`, which holds all that match, up to 50,000; `Accept: text/csv` does the same.")
    ),
    responses(
        (status = 200, description = "One page.", content((CallGroupsDocument = "application/json"), (String = "text/csv"))),
        (status = 422, description = "More interactions match than a file takes.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn interactions(caller: ApiCaller, state: State<AppState>, headers: HeaderMap, pairs: Pairs) -> Listed {
    list(CallGroup::Interaction, caller, state, &headers, pairs).await
}

type Pairs = Query<Vec<(String, String)>>;
type Found = Result<Json<CallGroupDocument>, ApiError>;
type Listed = Result<Response, ApiError>;

async fn one(
    kind: CallGroup,
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(pairs): Pairs,
) -> Found {
    let cursor = match pairs.as_slice() {
        [] => None,
        [(name, cursor)] if name == "cursor" => Some(cursor.as_str()),
        _ => return Err(Problem::field("cursor", "unknown", "This takes `cursor` alone.").into()),
    };
    let found = backend::events::call_group(&state.backend, &caller.scope, kind, &id, cursor).await?;
    Ok(Json(found.into()))
}

async fn list(
    kind: CallGroup,
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: &HeaderMap,
    Query(mut pairs): Pairs,
) -> Listed {
    let is_csv = csv::is_asked(headers, &mut pairs)?;
    let query = CallGroupQuery::from_pairs(&pairs)?;
    if is_csv {
        let text = downloads::call_groups(&state.backend, &caller.scope, kind, query).await?;
        return Ok(csv::respond(&format!("{}.csv", kind.plural()), text));
    }
    let found = backend::events::call_groups(&state.backend, &caller.scope, kind, &query).await?;
    Ok(Json(CallGroupsDocument::from(found)).into_response())
}
