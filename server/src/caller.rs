//! Who asks: from `Authorization` or a session to a scope. The only ways of a handler to one.

use crate::AppState;
use crate::api::rates;
use crate::error::ApiError;
use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use backend::OrgScope;
use backend::identity::USER;
use domain::identity::User;
use domain::ids::UserId;
use domain::problem::Problem;
use std::collections::HashMap;
use tower_sessions::Session;

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
        // Over a connection of ingestion: a sender with a new key does not wait for readers.
        let backend = state.backend.for_ingest();
        let caller = backend.in_time(backend::keys::authenticate(&backend, presented)).await?;
        rates::count(&state.backend, &caller.scope, parts)?;
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

/// Who is signed in.
pub(crate) async fn signed_in(session: &Session) -> Result<User, Problem> {
    let user: Option<User> = session.get(USER).await.map_err(|error| {
        tracing::warn!(%error, "sessions are not available");
        Problem::Unavailable { retry_after_secs: 5 }
    })?;
    user.ok_or(Problem::Unauthenticated)
}

/// A signed-in member of the organization in the path's `{org}`, for files that pages offer.
#[derive(Clone, Debug)]
pub struct MemberCaller {
    /// What they may see.
    pub scope: OrgScope,
    /// Who they are.
    pub user_id: UserId,
}

impl FromRequestParts<AppState> for MemberCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        let Path(path) =
            Path::<HashMap<String, String>>::from_request_parts(parts, state).await.map_err(|_| Problem::NotFound)?;
        let org = path.get("org").ok_or(Problem::NotFound)?;
        let session = parts.extensions.get::<Session>().ok_or(Problem::Unauthenticated)?;
        let user = signed_in(session).await?;
        let scope = backend::identity::scope_for_user(&state.backend, user.user_id, org).await?;
        Ok(Self { scope, user_id: user.user_id })
    }
}
