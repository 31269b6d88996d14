//! Usage in the formats of others: the same verbs, limits, rejected list and committer as `/v1/events`.

mod cloudevents;
mod litellm;
mod otlp;

pub(crate) use otlp::speak as speak_otlp;
pub(super) use otlp::{Exports, RpcStatus};

use super::body;
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::ApiError;
use crate::ingest_formats::IndexedEvents;
use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use backend::events::IdempotencyKey;
use domain::event::{IngestAnswer, MAX_BATCH};
use domain::identity::KeyScope;
use domain::problem::Problem;
use utoipa_axum::router::OpenApiRouter;

/// Largest body in bytes, after decompression: these formats carry prompts, which are dropped while they are read.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Most items of one body; more than one request records at once is recorded in parts.
const MAX_ITEMS: usize = 50_000;

/// The routes of all formats.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(litellm::router()).merge(otlp::router()).merge(cloudevents::router())
}

/// Reads the body of someone who may send events.
async fn read(state: &AppState, caller: &ApiCaller, headers: &HeaderMap, body: Body) -> Result<body::Held, Problem> {
    caller.scope.require_key_scope(KeyScope::Ingest)?;
    body::read_held(&state.backend, &caller.scope, headers, body, MAX_BYTES).await
}

/// What the sender calls the request, so that it can be repeated.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    headers.get("idempotency-key").map(|key| IdempotencyKey::parse(key.as_bytes())).transpose()
}

/// The answer to a request that has a result for each event: 422 where nothing is recorded, so that a misconfigured sender fails instead of seeming to work.
pub(super) fn answered(answer: IngestAnswer) -> Response {
    let refused = answer.rejected + answer.conflicts;
    let status = match answer.accepted + answer.duplicates {
        _ if refused == 0 => StatusCode::OK,
        0 => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::MULTI_STATUS,
    };
    (status, Json(answer)).into_response()
}

/// Records items in parts of at most [`MAX_BATCH`] and answers with their places in the body.
///
/// Ids follow from what was sent, so a body that was recorded in part can be sent again as it is.
async fn record(state: &AppState, caller: &ApiCaller, items: IndexedEvents) -> Result<IngestAnswer, ApiError> {
    let mut whole = IngestAnswer::default();
    let backend = state.backend.for_ingest();
    let mut items = items.into_iter().peekable();
    while items.peek().is_some() {
        let (places, events): (Vec<u32>, Vec<_>) = items.by_ref().take(MAX_BATCH).unzip();
        let part = backend::events::ingest_foreign(&backend, &caller.scope, events).await?;
        whole.accepted += part.accepted;
        whole.duplicates += part.duplicates;
        whole.conflicts += part.conflicts;
        whole.rejected += part.rejected;
        let placed = part.results.into_iter().zip(places).map(|(mut result, place)| {
            result.index = place;
            result
        });
        whole.results.extend(placed);
    }
    Ok(whole)
}
