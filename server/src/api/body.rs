//! Bodies of bounded size, whatever they unpack to.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backend::events::BodyRoom;
use backend::{Backend, OrgScope};
use domain::problem::Problem;
use futures::StreamExt;
use tower_http::decompression::RequestDecompressionLayer;

use crate::error::ApiError;

/// Reads a whole body of at most `limit` bytes. Never holds more than that, however much would follow or unpack.
///
/// # Errors
/// [`Problem::TooLarge`] beyond the limit, [`Problem::Invalid`] when it breaks off or cannot be unpacked.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    read_with(body, limit, |_| Ok(())).await
}

/// The same; `admit` is asked before the body grows to a length.
async fn read_with(
    body: Body,
    limit: usize,
    mut admit: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::Invalid {
            detail: "The body broke off or cannot be unpacked.".to_owned(),
            fields: vec![],
        })?;
        if bytes.len() + chunk.len() > limit {
            let detail = format!("Send at most {} MiB, counted after decompression.", limit / (1024 * 1024));
            return Err(Problem::TooLarge { detail });
        }
        admit(bytes.len() + chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A body and the room that it takes.
pub(crate) struct Held {
    /// The whole body.
    pub(crate) bytes: Vec<u8>,
    _room: BodyRoom,
}

/// Reads the body of a sender of events, as far as there is room for it: for the length that it declares before anything is read, and for what it grows to beyond that. Room is shared among organizations, so that memory stays bounded and nobody's bodies keep another's out.
///
/// # Errors
/// As [`read`], and [`Problem::Unavailable`] when there is no room.
pub(crate) async fn read_held(
    backend: &Backend,
    scope: &OrgScope,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Held, Problem> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut room = BodyRoom::take(backend, scope, declared.unwrap_or(0).min(limit))?;
    let bytes = read_with(body, limit, |length| room.grow(length)).await?;
    Ok(Held { bytes, _room: room })
}

/// Whether the body is declared as one JSON object per line rather than as JSON.
///
/// # Errors
/// [`Problem::UnsupportedMedia`] for anything else.
pub(crate) fn is_lines(headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(false) };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" | "text/json" => Ok(false),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => Ok(true),
        kind if kind.starts_with("application/") && kind.ends_with("+json") => Ok(false),
        _ => Err(Problem::UnsupportedMedia { detail: "Send `application/json` or `application/x-ndjson`.".to_owned() }),
    }
}

/// Lets a router take gzip, deflate and zstd.
pub(crate) fn unpacking<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .layer(RequestDecompressionLayer::new().gzip(true).zstd(true).deflate(true).br(false))
        .layer(axum::middleware::map_response(explained))
}

/// The layer above refuses other encodings with an empty answer.
async fn explained(response: Response) -> Response {
    if response.status() != StatusCode::UNSUPPORTED_MEDIA_TYPE || response.headers().contains_key(header::CONTENT_TYPE)
    {
        return response;
    }
    let accepted = response.headers().get(header::ACCEPT_ENCODING).cloned();
    let detail = "Send the body plain or with the content encoding `gzip`, `deflate` or `zstd`.".to_owned();
    let mut response = ApiError(Problem::UnsupportedMedia { detail }).into_response();
    if let Some(accepted) = accepted {
        response.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
    }
    response
}
