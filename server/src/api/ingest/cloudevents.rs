//! CloudEvents, at an address of ours and at OpenMeter's.

use super::MAX_ITEMS;
use crate::AppState;
use crate::api::body;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use crate::ingest_formats::cloudevents;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::event::{IngestAnswer, IngestStatus};
use domain::problem::{FieldProblem, Problem};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(record)).routes(routes!(meter))
}

/// Records CloudEvents.
///
/// One event (`application/cloudevents+json`), several (`application/cloudevents-batch+json`), or binary mode, with `ce-id` and `ce-source` as headers and `data` as the body.
/// `data` is an event as in `POST /v1/events`; or `model`, `prompt_tokens` and `completion_tokens`, cached ones included; or `model`, `tokens` and `type`, which is `input` or `output`.
///
/// Source and id together are the event's id. The answer is that of `POST /v1/events`.
#[utoipa::path(
    post,
    path = "/v1/ingest/cloudevents",
    tag = "ingest",
    security(("api_key" = ["ingest"])),
    request_body(content(
        (Value = "application/cloudevents+json", example = json!({
            "specversion": "1.0", "type": "llm.call", "source": "checkout", "id": "1", "subject": "customer-7",
            "data": {"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 1200, "completion_tokens": 350}}
        })),
        (Value = "application/cloudevents-batch+json")
    )),
    responses(
        (status = 200, description = "Every event was recorded or is a duplicate.", body = IngestAnswer),
        (status = 207, description = "At least one event was rejected or conflicts; all others are recorded.", body = IngestAnswer),
        (status = 400, description = "The body is not JSON.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 MiB after decompression, or more than 50,000 events.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Every event was rejected or conflicts: nothing was recorded. The results say why; sending the same again does not help.", body = IngestAnswer)
    )
)]
async fn record(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let answer = take(&caller, &state, &headers, body).await?;
    Ok(super::answered(answer))
}

/// Records CloudEvents where OpenMeter's clients send them.
///
/// For LiteLLM's `openmeter` callback set `OPENMETER_API_ENDPOINT` to the address of this server and `OPENMETER_API_KEY` to an API key.
/// It sends no counts of cached tokens: where prompts are cached, LiteLLM's `generic_api` callback is exact.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    tag = "ingest",
    security(("api_key" = ["ingest"])),
    request_body(content(
        (Value = "application/cloudevents+json", example = json!({
            "specversion": "1.0", "type": "llm.call", "source": "checkout", "id": "1", "subject": "customer-7",
            "data": {"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 1200, "completion_tokens": 350}}
        })),
        (Value = "application/cloudevents-batch+json")
    )),
    responses(
        (status = 204, description = "Every event was recorded or is a duplicate."),
        (status = 400, description = "The body is not JSON, or at least one event was refused: `errors` names each with its place. All others are recorded.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 MiB after decompression, or more than 50,000 events.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn meter(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let answer = take(&caller, &state, &headers, body).await?;
    let refused: Vec<FieldProblem> = answer
        .results
        .into_iter()
        .filter(|result| matches!(result.status, IngestStatus::Rejected | IngestStatus::Conflict))
        .filter_map(|result| {
            let error = result.error?;
            Some(FieldProblem { pointer: format!("/{}{}", result.index, error.pointer), ..error })
        })
        .collect();
    if refused.is_empty() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let recorded = answer.accepted + answer.duplicates;
    let detail = format!("{} events were refused, {recorded} are recorded.", refused.len());
    Err(Problem::Invalid { detail, fields: refused }.into())
}

async fn take(caller: &ApiCaller, state: &AppState, headers: &HeaderMap, body: Body) -> Result<IngestAnswer, ApiError> {
    let in_headers = headers.contains_key("ce-id");
    let lines = body::is_lines(headers)?;
    let held = super::read(state, caller, headers, body).await?;
    let whole;
    let bytes = if in_headers {
        whole = structured(headers, &held.bytes)?;
        whole.as_bytes()
    } else {
        &held.bytes
    };
    let items = backend::events::split_up_to(bytes, lines, MAX_ITEMS)?;
    let events = cloudevents::read(&items, |event| backend::events::read_one(Some(event)));
    super::record(state, caller, events).await
}

/// A binary-mode message as the JSON that says the same (CloudEvents 1.0, HTTP binding, 3.1; its headers are percent-encoded).
fn structured(headers: &HeaderMap, data: &[u8]) -> Result<String, Problem> {
    let data: &RawValue = serde_json::from_slice(data).map_err(|_| Problem::Invalid {
        detail: "In binary mode the body is the event's `data` in JSON.".to_owned(),
        fields: vec![],
    })?;
    let mut event = Map::new();
    for name in ["specversion", "id", "source", "type", "subject", "time"] {
        if let Some(value) = headers.get(format!("ce-{name}")).and_then(|value| value.to_str().ok()) {
            let value = percent_decode_str(value).decode_utf8_lossy();
            event.insert(name.to_owned(), Value::from(value));
        }
    }
    let envelope = Value::Object(event).to_string();
    let envelope = envelope.strip_suffix('}').unwrap_or_default();
    Ok(format!("{envelope},\"data\":{}}}", data.get()))
}
