//! The browser's files: script, style sheet, icon.
//!
//! Leptos could serve them too, but does so under whichever reactive owner its thread happens to hold: while a page waits for its data, a file's answer takes that page's headers away.

use axum::Router;
use std::path::Path;
use tower_http::services::{ServeDir, ServeFile};

/// The routes; files that were compressed beforehand are sent as they lie.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(site_root: &str) -> Router<S> {
    let site = Path::new(site_root);
    Router::new()
        .nest_service("/pkg", ServeDir::new(site.join("pkg")).precompressed_br().precompressed_gzip())
        .route_service("/favicon.svg", ServeFile::new(site.join("favicon.svg")))
}
