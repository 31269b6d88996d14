//! `/otlp/v1/…`: what an OpenTelemetry exporter sends when its endpoint is `https://host/otlp`.

use super::record;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use crate::ingest_formats::Placed;
use crate::ingest_formats::otlp::answer::{Signal, exported, status};
use crate::ingest_formats::otlp::{self, Encoding};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::event::{IngestAnswer, Recorded};
use domain::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(traces)).routes(routes!(logs)).routes(routes!(metrics))
}

/// Records the calls of models among spans.
///
/// Set `OTEL_EXPORTER_OTLP_ENDPOINT` to `https://host/otlp`, `OTEL_EXPORTER_OTLP_PROTOCOL` to `http/protobuf` or `http/json`, and `OTEL_EXPORTER_OTLP_HEADERS` to `x-api-key=<key>` or `Authorization=Bearer%20<key>`.
///
/// Read are the GenAI conventions of OpenTelemetry, old and new, OpenInference, OpenLLMetry, OpenLIT, the Vercel AI SDK, OpenRouter's broadcast and LiteLLM's `otel` callback.
/// Only leaves are billed: agents, workflows and spans with a counted call below them repeat what is inside them. Other spans are passed over.
/// Prompts and answers in attributes and events are never read.
///
/// The id is trace id and span id. `tallystick.project`, `.feature`, `.customer`, `.environment`, `.user`, `.cohort` and `.step`, on the span or its resource, fill the field of that name.
///
/// Answers follow the OTLP specification 1.11: `partial_success` counts what was refused, and these items are in the rejected list; errors are `google.rpc.Status` in the encoding of the request.
#[utoipa::path(
    post,
    path = "/otlp/v1/traces",
    tag = "ingest",
    request_body(content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "`ExportTraceServiceResponse`; empty when every call was recorded.", content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
        (status = 400, description = "The body is no such request.", content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
        (status = 401, description = "No valid API key."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "More than 64 MiB after decompression, or more than 100,000 records."),
        (status = 415, description = "Another content type or encoding."),
        (status = 503, description = "Too much is waiting, or the database is away: exporters send it again after `Retry-After`.")
    )
)]
async fn traces(
    caller: Result<ApiCaller, ApiError>,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(Signal::Traces, otlp::traces, caller, &state, &headers, body).await
}

/// Records the calls of models among log records: those of Claude Code, Codex and Gemini CLI.
///
/// Set as for `/otlp/v1/traces`. For Claude Code: `CLAUDE_CODE_ENABLE_TELEMETRY=1` and `OTEL_LOGS_EXPORTER=otlp`.
/// The id is a hash of what the record says, so that sending it again is a duplicate.
#[utoipa::path(
    post,
    path = "/otlp/v1/logs",
    tag = "ingest",
    request_body(content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "`ExportLogsServiceResponse`; empty when every call was recorded.", content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
        (status = 400, description = "The body is no such request."),
        (status = 401, description = "No valid API key."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "More than 64 MiB after decompression, or more than 100,000 records."),
        (status = 415, description = "Another content type or encoding."),
        (status = 503, description = "Too much is waiting, or the database is away: exporters send it again after `Retry-After`.")
    )
)]
async fn logs(
    caller: Result<ApiCaller, ApiError>,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(Signal::Logs, otlp::logs, caller, &state, &headers, body).await
}

/// Takes metrics and records nothing of them: they count again what spans and log records say.
#[utoipa::path(
    post,
    path = "/otlp/v1/metrics",
    tag = "ingest",
    request_body(content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "`ExportMetricsServiceResponse`, empty.", content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
        (status = 400, description = "The body is no such request."),
        (status = 401, description = "No valid API key."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "More than 64 MiB after decompression."),
        (status = 415, description = "Another content type or encoding.")
    )
)]
async fn metrics(
    caller: Result<ApiCaller, ApiError>,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let nothing = |body: &[u8], encoding| otlp::metrics(body, encoding).map(|()| Placed::new());
    export(Signal::Metrics, nothing, caller, &state, &headers, body).await
}

/// How a signal's body is read.
trait Reader: FnOnce(&[u8], Encoding) -> Result<Placed, Problem> {}
impl<F: FnOnce(&[u8], Encoding) -> Result<Placed, Problem>> Reader for F {}

/// Answers in the encoding of the request, whatever becomes of it.
async fn export(
    signal: Signal,
    reader: impl Reader,
    caller: Result<ApiCaller, ApiError>,
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let (encoding, taken) = match encoding(headers) {
        Ok(encoding) => (encoding, take(reader, caller, state, encoding, body).await),
        Err(problem) => (Encoding::Json, Err(ApiError(problem))),
    };
    match taken {
        Ok(answer) => {
            let rejected = answer.rejected + answer.conflicts;
            typed(exported(signal, rejected, &why(&answer), encoding).into_response(), encoding)
        }
        Err(ApiError(problem)) => {
            let message = status(rpc_code(problem.status()), &problem.detail(), encoding);
            let (parts, _) = ApiError(problem).into_response().into_parts();
            typed(Response::from_parts(parts, Body::from(message)), encoding)
        }
    }
}

async fn take(
    reader: impl Reader,
    caller: Result<ApiCaller, ApiError>,
    state: &AppState,
    encoding: Encoding,
    body: Body,
) -> Result<IngestAnswer, ApiError> {
    let caller = caller?;
    let held = super::read(&caller, body).await?;
    if held.bytes.is_empty() {
        return Ok(IngestAnswer::default());
    }
    let items = reader(&held.bytes, encoding)?;
    drop(held);
    record(state, &caller, items).await
}

/// By the content type. A test call without a body may come without one.
fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match kind.as_deref() {
        Some("application/x-protobuf" | "application/protobuf") => Ok(Encoding::Protobuf),
        Some("application/json") | None => Ok(Encoding::Json),
        Some(_) => Err(Problem::UnsupportedMedia {
            detail: "Send `application/x-protobuf` or `application/json`; OTLP over gRPC is not spoken here."
                .to_owned(),
        }),
    }
}

/// The first reason stands for all: each is in the rejected list.
fn why(answer: &IngestAnswer) -> String {
    let refused = |status| matches!(status, Recorded::Rejected | Recorded::Conflict);
    let first = answer.results.iter().find(|result| refused(result.status));
    let detail = first.and_then(|result| result.error.as_ref()).map_or("", |error| error.detail.as_str());
    format!("Refused: {}. The first: {detail}", answer.rejected + answer.conflicts)
}

fn typed(mut response: Response, encoding: Encoding) -> Response {
    let kind = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The code of `google.rpc.Code` for a status of ours.
const fn rpc_code(status: u16) -> u8 {
    match status {
        400 | 415 | 422 => 3,
        401 => 16,
        403 => 7,
        404 => 5,
        413 | 429 => 8,
        503 => 14,
        _ => 13,
    }
}
