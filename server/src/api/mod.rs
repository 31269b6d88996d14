//! The public JSON API: one file per resource, its description from the same types.
//!
//! A handler takes a `KeyCaller` (the extractor in `caller.rs`) first: there is no other way to a scope.

use crate::AppState;
use axum::Router;
use axum::routing::get;

/// All routes of the API.
pub fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(|| async { "ok" }))
}
