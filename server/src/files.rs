//! The browser's files: script, style sheet, icon.
//!
//! Leptos could serve them too, but does so under whichever reactive owner its thread happens to hold: while a page waits for its data, a file's answer takes that page's headers away.

use axum::Router;
use axum::http::{HeaderValue, header};
use leptos::prelude::LeptosOptions;
use std::path::{Path, PathBuf};
use tower::ServiceBuilder;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// Asked again on every visit, and not sent again unless it changed: names of files hold a hash of what the compiler made, and not of what was written into it afterwards.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The routes; files that were compressed beforehand are sent as they lie.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(site_root: &str) -> Router<S> {
    let site = Path::new(site_root);
    let asked_again = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, ASK_AGAIN);
    let package = ServeDir::new(site.join("pkg")).precompressed_br().precompressed_gzip();
    Router::new()
        .nest_service("/pkg", ServiceBuilder::new().layer(asked_again).service(package))
        .route_service("/favicon.svg", ServeFile::new(site.join("favicon.svg")))
}

/// Where the build wrote the hashes that stand in the files' names: beside the program, as Leptos expects it.
fn hash_list() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join("hash.txt"))
}

/// Whether the names of the browser's files hold hashes: not where only the server was built.
#[must_use]
pub fn are_hashed() -> bool {
    hash_list().is_some_and(|list| list.is_file())
}

/// The address of the style sheet.
pub(crate) fn stylesheet(options: &LeptosOptions) -> String {
    let listed = options.hash_files.then(hash_list).flatten().and_then(|list| std::fs::read_to_string(list).ok());
    let hash = listed.as_deref().and_then(|list| list.lines().find_map(|line| line.strip_prefix("css: ")));
    let hash = hash.map(|hash| format!(".{}", hash.trim())).unwrap_or_default();
    format!("/{}/{}{hash}.css", options.site_pkg_dir, options.output_name)
}
