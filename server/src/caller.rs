//! Who asks the API: from `Authorization` to a scope. The only way of a handler to one.

use crate::AppState;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use backend::OrgScope;
use domain::problem::Problem;

/// A program with a valid API key.
#[derive(Clone, Debug)]
pub struct ApiCaller {
    /// What it may see.
    pub scope: OrgScope,
}

impl FromRequestParts<AppState> for ApiCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let presented = presented(&parts.headers).ok_or(Problem::Unauthenticated)?;
        let caller = backend::keys::authenticate(&state.backend, presented).await?;
        Ok(Self { scope: caller.scope })
    }
}

/// The key in `Authorization: Bearer …` or, for senders that cannot set it, `x-api-key`.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("authorization") {
        Some(value) => {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        }
        None => text("x-api-key").map(str::trim),
    }
}
