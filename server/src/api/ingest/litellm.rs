//! `POST /v1/ingest/litellm`: the address of LiteLLM's `generic_api` callback.

use super::MAX_ITEMS;
use crate::AppState;
use crate::api::body;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use crate::ingest_formats::litellm;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::event::IngestAnswer;
use domain::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(record))
}

/// Records LiteLLM's logs.
///
/// Set `GENERIC_LOGGER_ENDPOINT` to this address, `GENERIC_LOGGER_HEADERS="Authorization=Bearer <key>"`, and `litellm_settings: callbacks: ["generic_api"]`.
/// All its log formats are taken: an array, one log per line, a single log; at most 64 MiB after decompression.
///
/// LiteLLM sends nothing again whatever is answered, so the answer is 2xx after the commit even when single logs are refused: these are in the rejected list with their reasons. It is 422, which LiteLLM logs as an error, when every log was refused.
/// Messages and answers are dropped while the body is read.
///
/// A log's id is its `litellm_call_id`. LiteLLM's own cost is kept as `reported_cost` beside ours; an answer from its cache costs 0.
/// `request_tags` such as `project:web` or `feature:triage` fill the field of that name; a project that is not there leaves the event with the key's project.
#[utoipa::path(
    post,
    path = "/v1/ingest/litellm",
    tag = "ingest",
    security(("api_key" = ["ingest"])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "What you call this request: 1 to 255 visible ASCII characters. Logs without an id get theirs from it.")
    ),
    request_body(content((serde_json::Value = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "Every log was recorded or is a duplicate.", body = IngestAnswer),
        (status = 207, description = "At least one log was refused; all others are recorded. `index` is the place in the body; logs of no model's work have no result.", body = IngestAnswer),
        (status = 400, description = "The body is not JSON, or `Idempotency-Key` is no key.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 MiB after decompression, or more than 50,000 logs.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Every log was refused: nothing was recorded. The results say why; sending the same again does not help.", body = IngestAnswer)
    )
)]
async fn record(
    caller: Result<ApiCaller, ApiError>,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let caller = caller.map_err(|error| ApiError(patient(error.0)))?;
    let key = super::idempotency_key(&headers)?;
    let lines = body::is_lines(&headers)?;
    let mut held = super::read(&state, &caller, &headers, body).await.map_err(patient)?;
    let mut items = backend::events::split_up_to(&held.bytes, lines, MAX_ITEMS);
    if items.is_err()
        && let Some(mended) = litellm::without_nan(&held.bytes)
    {
        held.bytes = mended;
        items = backend::events::split_up_to(&held.bytes, lines, MAX_ITEMS);
    }
    let mut logs = litellm::read(&items?);
    if let Some(key) = key {
        let sender = caller.scope.key_id();
        logs.iter_mut().for_each(|(place, log)| key.identify(sender, *place, log));
    }
    let answer = super::record(&state, &caller, logs).await.map_err(|error| ApiError(patient(error.0)))?;
    Ok(super::answered(answer))
}

/// LiteLLM gives up for good on 429: a sender who is too fast is told what a full server says.
fn patient(problem: Problem) -> Problem {
    match problem {
        Problem::RateLimited { retry_after_secs } => Problem::Unavailable { retry_after_secs },
        other => other,
    }
}
