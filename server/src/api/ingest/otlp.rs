//! `/otlp/v1/…`: what an OpenTelemetry exporter sends when its endpoint is `https://host/otlp`.

use super::record;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use crate::ingest_formats::fit;
use crate::ingest_formats::otlp::answer::{Signal, exported, status};
use crate::ingest_formats::otlp::{self, Encoding};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::event::{IngestAnswer, IngestStatus};
use domain::problem::Problem;
use percent_encoding::percent_decode_str;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{
    Content, ContentBuilder, KnownFormat, OpenApi, Ref, RefOr, Required, ResponseBuilder, SchemaFormat,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
/// The header that labels everything in a request.
const LABELS: &str = "x-tallystick-labels";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(traces)).routes(routes!(logs)).routes(routes!(metrics))
}

/// Records the calls of models among spans.
///
/// Set `OTEL_EXPORTER_OTLP_ENDPOINT` to `https://host/otlp`, `OTEL_EXPORTER_OTLP_PROTOCOL` to `http/protobuf` or `http/json`, and `OTEL_EXPORTER_OTLP_HEADERS` to `x-api-key=<key>` or `Authorization=Bearer%20<key>`.
///
/// Read are the GenAI conventions of OpenTelemetry, old and new, OpenInference, OpenLLMetry, OpenLIT, the Vercel AI SDK, OpenRouter's broadcast and LiteLLM's `otel` callback.
/// Only leaves are billed: agents, workflows and spans with a counted call below them repeat what is inside them, whether it comes in the same request or came before. An agent of which no call is known is recorded.
/// What looks like a call and cannot be recorded is refused; other spans are passed over.
/// Prompts and answers in attributes and events are never read.
///
/// The id is trace id and span id. `tallystick.project`, `.feature`, `.customer`, `.environment`, `.user`, `.cohort` and `.step`, on the span or its resource, fill the field of that name.
/// The header `x-tallystick-labels` does so for a whole request, where nothing in it says otherwise: `repo=acme/web,branch=main`; other names become tags.
///
/// Answers follow the OTLP specification 1.11: `partial_success` counts what was refused, and these items are in the rejected list; errors are `google.rpc.Status` in the encoding of the request.
#[utoipa::path(
    post,
    path = "/otlp/v1/traces",
    tag = "ingest",
    security(("api_key" = ["ingest"])),
    request_body(content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "`ExportTraceServiceResponse`; empty when every call was recorded."),
        (status = 400, description = "The body is no such request."),
        (status = 401, description = "No valid API key."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "More than 64 MiB after decompression, or more than 100,000 records."),
        (status = 415, description = "Another content type or encoding."),
        (status = 503, description = "Too much is waiting, or the database is away: exporters send it again after `Retry-After`.")
    )
)]
async fn traces(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    export(Signal::Traces, otlp::traces, &caller, &state, &headers, body).await
}

/// Records the calls of models among log records: those of Claude Code, Codex and Gemini CLI.
///
/// Set as for `/otlp/v1/traces`, `x-tallystick-labels` too. For Claude Code: `CLAUDE_CODE_ENABLE_TELEMETRY=1` and `OTEL_LOGS_EXPORTER=otlp`.
/// The id is a hash of what the record says, so that sending it again is a duplicate.
#[utoipa::path(
    post,
    path = "/otlp/v1/logs",
    tag = "ingest",
    security(("api_key" = ["ingest"])),
    request_body(content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "`ExportLogsServiceResponse`; empty when every call was recorded."),
        (status = 400, description = "The body is no such request."),
        (status = 401, description = "No valid API key."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "More than 64 MiB after decompression, or more than 100,000 records."),
        (status = 415, description = "Another content type or encoding."),
        (status = 503, description = "Too much is waiting, or the database is away: exporters send it again after `Retry-After`.")
    )
)]
async fn logs(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    export(Signal::Logs, otlp::logs, &caller, &state, &headers, body).await
}

/// Takes metrics and records nothing of them: they count again what spans and log records say.
#[utoipa::path(
    post,
    path = "/otlp/v1/metrics",
    tag = "ingest",
    security(("api_key" = ["ingest"])),
    request_body(content((Vec<u8> = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses(
        (status = 200, description = "`ExportMetricsServiceResponse`, empty."),
        (status = 400, description = "The body is no such request."),
        (status = 401, description = "No valid API key."),
        (status = 403, description = "The key lacks the scope `ingest`."),
        (status = 413, description = "More than 64 MiB after decompression."),
        (status = 415, description = "Another content type or encoding.")
    )
)]
async fn metrics(
    caller: ApiCaller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let nothing = |body: &[u8], encoding| otlp::metrics(body, encoding).map(|()| otlp::Read::default());
    export(Signal::Metrics, nothing, &caller, &state, &headers, body).await
}

/// How a signal's body is read.
trait Reader: FnOnce(&[u8], Encoding) -> Result<otlp::Read, Problem> {}
impl<F: FnOnce(&[u8], Encoding) -> Result<otlp::Read, Problem>> Reader for F {}

/// Answers in the encoding of the request; [`speak`] does so for what is refused.
async fn export(
    signal: Signal,
    reader: impl Reader,
    caller: &ApiCaller,
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let encoding = encoding(headers)?;
    let answer = take(reader, caller, state, (headers, encoding), body).await?;
    let rejected = answer.rejected + answer.conflicts;
    Ok(typed(exported(signal, rejected, &why(&answer), encoding).into_response(), encoding))
}

/// Says every refusal below `/otlp/` as `google.rpc.Status` in the encoding of the request, wherever it was refused: exporters read nothing else.
pub(crate) async fn speak(request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/otlp/") {
        return next.run(request).await;
    }
    let encoding = encoding(request.headers()).unwrap_or(Encoding::Json);
    let response = next.run(request).await;
    let is_refused = response.status().is_client_error() || response.status().is_server_error();
    if is_refused { refused(response, encoding) } else { response }
}

fn refused(response: Response, encoding: Encoding) -> Response {
    let (mut parts, _) = response.into_parts();
    let detail = parts.extensions.get::<Problem>().map(Problem::detail);
    let detail = detail.unwrap_or_else(|| parts.status.canonical_reason().unwrap_or_default().to_owned());
    let message = status(rpc_code(parts.status.as_u16()), &detail, encoding);
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::ETAG] {
        parts.headers.remove(name);
    }
    typed(Response::from_parts(parts, Body::from(message)), encoding)
}

async fn take(
    reader: impl Reader,
    caller: &ApiCaller,
    state: &AppState,
    (headers, encoding): (&HeaderMap, Encoding),
    body: Body,
) -> Result<IngestAnswer, ApiError> {
    let held = super::read(state, caller, headers, body).await?;
    if held.bytes.is_empty() {
        return Ok(IngestAnswer::default());
    }
    let mut read = reader(&held.bytes, encoding)?;
    drop(held);
    backend::events::repeating_spans(read.repeating);
    let labels = labels(headers);
    for (_, event) in &mut read.events {
        let Ok(event) = event else { continue };
        labels.iter().for_each(|(key, value)| fit::name_label(event, key, value));
    }
    record(state, caller, read.events).await
}

/// Labels of everything in a request, for senders that can set headers but no attributes: written as `OTEL_RESOURCE_ATTRIBUTES` are, `key=value` with commas between.
fn labels(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = headers.get(LABELS).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
    pairs.map(|(key, value)| (decoded(key), decoded(value))).collect()
}

/// `google.rpc.Status`: how OTLP says that a request was refused.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only described: messages are written byte by byte")]
pub(in crate::api) struct RpcStatus {
    /// A code of `google.rpc.Code`.
    code: u8,
    /// What happened and what to do.
    message: String,
}

/// Describes what all operations of OTLP have in common: a body may be missing, protobuf is binary, and refusals are [`RpcStatus`].
pub(in crate::api) struct Exports;

impl utoipa::Modify for Exports {
    fn modify(&self, openapi: &mut OpenApi) {
        let exports = openapi.paths.paths.iter_mut().filter(|(path, _)| path.starts_with("/otlp/"));
        for operation in exports.filter_map(|(_, item)| item.post.as_mut()) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.required = Some(Required::False);
                body.content.insert(PROTOBUF.to_owned(), RefOr::T(binary()));
            }
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    let json = if status.starts_with('2') { any() } else { rpc_status() };
                    let both = ResponseBuilder::new().content(JSON, json).content(PROTOBUF, binary());
                    response.content = both.build().content;
                }
            }
        }
    }
}

fn any() -> Content {
    ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)))).build()
}

fn rpc_status() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name("RpcStatus"))).build()
}

fn binary() -> Content {
    let bytes = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    ContentBuilder::new().schema(Some(bytes)).build()
}

/// By the content type. A test call without a body may come without one.
fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match kind.as_deref() {
        Some(PROTOBUF | "application/protobuf") => Ok(Encoding::Protobuf),
        Some(JSON) | None => Ok(Encoding::Json),
        Some(_) => Err(Problem::UnsupportedMedia {
            detail: "Send `application/x-protobuf` or `application/json`; OTLP over gRPC is not spoken here."
                .to_owned(),
        }),
    }
}

/// The first reason stands for all: each is in the rejected list.
fn why(answer: &IngestAnswer) -> String {
    let refused = |status| matches!(status, IngestStatus::Rejected | IngestStatus::Conflict);
    let first = answer.results.iter().find(|result| refused(result.status));
    let detail = first.and_then(|result| result.error.as_ref()).map_or("", |error| error.detail.as_str());
    format!("Refused: {}. The first: {detail}", answer.rejected + answer.conflicts)
}

fn typed(mut response: Response, encoding: Encoding) -> Response {
    let kind = match encoding {
        Encoding::Protobuf => PROTOBUF,
        Encoding::Json => JSON,
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The code of `google.rpc.Code` for a status of ours.
const fn rpc_code(status: u16) -> u8 {
    match status {
        400 | 415 | 422 => 3,
        408 => 4,
        401 => 16,
        403 => 7,
        404 => 5,
        405 => 12,
        413 | 429 => 8,
        503 => 14,
        _ => 13,
    }
}
