//! `/v1/events`: send events, read them with their receipts, see what was refused and what waits for a price.

mod documents;
mod formats;
mod groups;
mod rejected;

use super::ingest::{answered, idempotency_key};
use super::{body, csv};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use documents::{EventDocument, EventsBody, EventsDocument, PossibleDuplicatesDocument, UnpricedDocument};
use domain::event::{EventQuery, IngestAnswer, MAX_BODY_BYTES};
use domain::identity::KeyScope;
use domain::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use formats::UsageFormats;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(record, list))
        .merge(rejected::router())
        .merge(groups::router())
        .routes(routes!(unpriced))
        .routes(routes!(doubles))
        .routes(routes!(find))
}

/// Records usage events.
///
/// The body is one event, an array, `{"events": […]}`, or one event per line (`application/x-ndjson`); at most 5,000 events and 8 MiB after decompression; gzip, deflate and zstd are accepted.
///
/// Each event is taken or refused on its own, and the answer has one result per event in the order of the request.
/// `accepted` means committed: every page and query includes the event from then on.
/// An event's `id` makes it idempotent: the same id with the same content is a `duplicate`, a success, so a request can be sent again as it is; with other content it is a `conflict`, and the first stays.
/// Events without an `id` get ids of their own; with the header `Idempotency-Key` these follow from the header, so that the same request can be sent again after a lost answer and is recorded once.
/// A `rejected` event stands in the rejected list with its reason and has not taken its id, and a `conflict` stands there too; the same again is counted there.
/// `usage` can be left out where `reported_cost` is there: then what was used is unknown. Numbers of `usage` that no rule reads are kept and told as `unread_usage`.
///
/// A step that calls no model is an event too: `{"provider": "own", "model": "reviewer", "operation": "human", "usage_format": "meters", "usage": {"seconds": 240}}` is charged by the organization's own price of the meter `seconds` (`POST /v1/price-overrides`); `units` counts whatever else a step is charged by.
///
/// Content is the fields as they were sent: their order does not matter, numbers are equal when their values are, and times are instants cut to microseconds.
///
/// Prompts and completions are never stored: fields that are not listed here are dropped, and of `usage` only numbers, flags and the words that decide a price are kept.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    security(("api_key" = ["ingest"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "What you call this request: 1 to 255 visible ASCII characters, such as a UUID. Repeat it with the same body.")
    ),
    request_body(
        content(
            (EventsBody = "application/json", example = json!({
                "id": "req_1-attempt-1", "timestamp": "2026-11-20T09:41:07.113Z", "provider": "anthropic",
                "model": "claude-sonnet-4-5-20250929",
                "usage": {"input_tokens": 812, "cache_read_input_tokens": 20480, "output_tokens": 391},
                "feature": "triage", "environment": "production", "latency_ms": 2140
            })),
            (String = "application/x-ndjson")
        )
    ),
    responses(
        (status = 200, description = "Every event was recorded or is a duplicate.", body = IngestAnswer),
        (status = 207, description = "At least one event was rejected or conflicts; all others are recorded.", body = IngestAnswer),
        (status = 400, description = "The body is not JSON in one of the four forms, or `Idempotency-Key` is no key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More than 8 MiB after decompression, or more than 5,000 events.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Every event was rejected or conflicts: nothing was recorded. The results say why; sending the same again does not help.", body = IngestAnswer),
        (status = 503, description = "Too much is waiting, or the database is away. Nothing was recorded, unless the connection to the database was lost during the commit: send the same again after `Retry-After`, with ids or an `Idempotency-Key`, and it is recorded once.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn record(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    caller.scope.require_key_scope(KeyScope::Ingest)?;
    let lines = body::is_lines(&headers)?;
    let backend = state.backend.for_ingest();
    let held = body::read_held(&backend, &caller.scope, &headers, body, MAX_BODY_BYTES).await?;
    let items = backend::events::split(&held.bytes, lines)?;
    let answer = match idempotency_key(&headers)? {
        Some(key) => backend::events::ingest_repeatable(&backend, &caller.scope, &items, &key).await?,
        None => backend::events::ingest(&backend, &caller.scope, &items).await?,
    };
    Ok(answered(answer))
}

/// Lists events, newest first.
///
/// Every dimension of `GET /v1/spend` is a filter, written as there: repeat it for several values, `!` before a value leaves it out, empty means missing.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    security(("api_key" = ["read"])),
    params(
        ("from" = Option<String>, Query, description = "First day in the organization's zone, or an instant (RFC 3339).", example = "2026-11-01"),
        ("to" = Option<String>, Query, description = "The day or instant after the last.", example = "2026-12-01"),
        ("project" = Option<Vec<String>>, Query, description = "Only this project; so with every dimension."),
        ("team" = Option<Vec<String>>, Query, description = "Only projects that this team owned at the time."),
        ("model" = Option<Vec<String>>, Query, description = "Only this model."),
        ("provider" = Option<Vec<String>>, Query, description = "Only this provider."),
        ("operation" = Option<Vec<String>>, Query, description = "Only this operation."),
        ("status" = Option<Vec<String>>, Query, description = "Only attempts that ended so: `success`, `error`, `timeout`, `cancelled`, `rate_limited`."),
        ("feature" = Option<Vec<String>>, Query, description = "Only this feature; empty for events without one."),
        ("environment" = Option<Vec<String>>, Query, description = "Only this environment; empty for events without one."),
        ("api_key" = Option<Vec<String>>, Query, description = "Only events sent with the key of this id."),
        ("customer" = Option<Vec<String>>, Query, description = "Only this customer; empty for events without one."),
        ("user" = Option<Vec<String>>, Query, description = "Only this user; empty for events without one."),
        ("cohort" = Option<Vec<String>>, Query, description = "Only this cohort; empty for events without one."),
        ("step" = Option<Vec<String>>, Query, description = "Only this step; empty for events without one."),
        ("request_id" = Option<String>, Query, description = "Only attempts of this request."),
        ("session_id" = Option<String>, Query, description = "Only events of this session."),
        ("interaction_id" = Option<String>, Query, description = "Only events of this interaction."),
        ("unpriced" = Option<bool>, Query, description = "`true` for events without a known cost only."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
        ("limit" = Option<u16>, Query, description = "Rows of a page, 1 to 200; 50 by default."),
        ("format" = Option<String>, Query, description = "`json` (default) or `csv`, which holds all that match, up to 50,000; `Accept: text/csv` does the same.")
    ),
    responses(
        (status = 200, description = "One page.", content((EventsDocument = "application/json"), (String = "text/csv"))),
        (status = 422, description = "More events match than a file takes.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn list(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(mut pairs): Query<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let is_csv = csv::is_asked(&headers, &mut pairs)?;
    let query = EventQuery::from_pairs(&pairs)?;
    if is_csv {
        let text = backend::events::csv(&state.backend, &caller.scope, &query).await?;
        return Ok(csv::respond("events.csv", text));
    }
    let page = backend::events::list(&state.backend, &caller.scope, &query).await?;
    Ok(Json(EventsDocument::from(page)).into_response())
}

/// Lists the models whose events wait for a price, the dearest estimate first, at most 200.
///
/// Such an event has no cost, which is not the same as a cost of 0: it counts against budgets with `upper_bound`.
#[utoipa::path(
    get,
    path = "/v1/events/unpriced",
    tag = "events",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "All models.", body = UnpricedDocument)
    )
)]
async fn unpriced(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<UnpricedDocument>, ApiError> {
    let rows = backend::events::unpriced(&state.backend, &caller.scope).await?;
    Ok(Json(UnpricedDocument::from(rows)))
}

/// Lists possible duplicates, newest first: events that may be the same call as one that was recorded before, because the provider's answer has the same id, or because spans of one trace tell the same.
///
/// `cost` is what all of them cost: as much may be counted twice. Whether they are recorded at all is `drop_possible_duplicates` of `PATCH /v1/organization`.
#[utoipa::path(
    get,
    path = "/v1/events/possible-duplicates",
    tag = "events",
    security(("api_key" = ["read"])),
    params(
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200, description = "Rows of the page; 50 when missing.")
    ),
    responses(
        (status = 200, description = "One page, and the sum of all.", body = PossibleDuplicatesDocument)
    )
)]
async fn doubles(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<PossibleDuplicatesDocument>, ApiError> {
    let query = page_of(&pairs)?;
    let (backend, scope) = (&state.backend, &caller.scope);
    let page = backend::events::possible_duplicates(backend, scope, query.cursor.as_deref(), query.limit).await?;
    Ok(Json(PossibleDuplicatesDocument::of(page, backend::events::possible_duplicate_totals(backend, scope).await?)))
}

/// The parameters of a list that takes no filters.
fn page_of(pairs: &[(String, String)]) -> Result<EventQuery, Problem> {
    let query = EventQuery::from_pairs(pairs)?;
    if query != (EventQuery { cursor: query.cursor.clone(), limit: query.limit, ..EventQuery::default() }) {
        return Err(Problem::field("filters", "unknown", "This list takes `cursor` and `limit`."));
    }
    Ok(query)
}

/// Shows one event with its receipt.
#[utoipa::path(
    get,
    path = "/v1/events/{id}",
    tag = "events",
    security(("api_key" = ["read"])),
    params(("id" = String, Path, description = "The event's `id` as it was sent or generated, or its `event_key`.")),
    responses(
        (status = 200, description = "The event.", body = EventDocument)
    )
)]
async fn find(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<EventDocument>, ApiError> {
    Ok(Json(EventDocument::from(backend::events::find(&state.backend, &caller.scope, &id).await?)))
}
