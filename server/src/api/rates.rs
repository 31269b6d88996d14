//! Rate limits of API keys, and the headers that tell where a key stands (draft-ietf-httpapi-ratelimit-headers).

use crate::error::ApiError;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use backend::keys::{Policy, QuotaState};
use backend::{Backend, OrgScope};
use std::sync::{Arc, OnceLock};

/// Where events are sent to, by the beginning of the path.
const INGEST: [&str; 4] = ["/v1/events", "/v1/ingest/", "/otlp/", "/api/v1/events"];

/// Carries the state from where the key is known to where the answer leaves.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<OnceLock<QuotaState>>);

fn policy_of(method: &Method, path: &str) -> Policy {
    let ingests = method == Method::POST && INGEST.iter().any(|begin| path.starts_with(begin));
    if ingests { Policy::Ingest } else { Policy::Api }
}

/// Counts a request of a key.
///
/// # Errors
/// [`domain::problem::Problem::RateLimited`] when it was one too many.
pub(crate) fn count(backend: &Backend, scope: &OrgScope, parts: &Parts) -> Result<(), ApiError> {
    let (state, counted) = backend::keys::count(backend, scope, policy_of(&parts.method, parts.uri.path()));
    if let (Some(state), Some(Slot(slot))) = (state, parts.extensions.get::<Slot>()) {
        // Who extracts the caller twice is counted twice and told once.
        let _told = slot.set(state);
    }
    Ok(counted?)
}

/// Tells where the key stands, on every answer to a request that was counted.
pub(super) async fn tell(mut request: Request, next: Next) -> Response {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next.run(request).await;
    if let Some(state) = slot.0.get() {
        write(state, response.headers_mut());
    }
    response
}

fn write(state: &QuotaState, headers: &mut HeaderMap) {
    let policy = state.policy.as_str();
    let texts = [
        (HeaderName::from_static("ratelimit-policy"), {
            format!("\"{policy}\";q={};w={}", state.quota, state.window_secs)
        }),
        (HeaderName::from_static("ratelimit"), {
            format!("\"{policy}\";r={};t={}", state.remaining, state.reset_secs)
        }),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}
