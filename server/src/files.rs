//! The browser's files: script, style sheet, icon.
//!
//! Leptos could serve them too, but does so under whichever reactive owner its thread happens to hold: while a page waits for its data, a file's answer takes that page's headers away.

use app::page::Files;
use axum::Router;
use axum::http::{HeaderValue, Response, StatusCode, header};
use std::path::Path;
use tower::ServiceBuilder;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// Asked again on every visit, and not sent again unless it changed.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Never asked for again: another content has another name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The routes; files that were compressed beforehand are sent as they lie.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(files: &SiteFiles) -> Router<S> {
    let site = Path::new(&files.root);
    let is_named_by_content = files.names.sheet != plain_name("css");
    let kept = move |status| if is_named_by_content && status != StatusCode::NOT_FOUND { FOR_EVER } else { ASK_AGAIN };
    let kept = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, move |answer: &Response<_>| {
        Some(kept(answer.status()))
    });
    let package = ServeDir::new(site.join("pkg")).precompressed_br().precompressed_gzip();
    Router::new()
        .nest_service("/pkg", ServiceBuilder::new().layer(kept).service(package))
        .route_service("/favicon.svg", ServeFile::new(site.join("favicon.svg")))
}

/// The address of a file whose name does not tell its content.
fn plain_name(kind: &str) -> String {
    format!("/pkg/tallystick.{kind}")
}

/// The site's folder, and what its files are called.
#[derive(Clone, Debug)]
pub struct SiteFiles {
    /// Where they lie.
    pub root: String,
    /// Their addresses.
    pub names: Files,
}

impl SiteFiles {
    /// The files of a folder; their names hold the hashes that the build wrote beside the program.
    #[must_use]
    pub fn in_folder(root: &Path) -> Self {
        let list = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("hash.txt")));
        let list = list.and_then(|list| std::fs::read_to_string(list).ok()).unwrap_or_default();
        let named = |kind: &str| {
            let hash = list.lines().find_map(|line| line.split_once(": ").filter(|(of, _)| *of == kind));
            hash.map_or_else(|| plain_name(kind), |(_, hash)| format!("/pkg/tallystick.{}.{kind}", hash.trim()))
        };
        let names = Files { sheet: named("css"), script: named("js"), code: named("wasm") };
        Self { root: root.to_string_lossy().into_owned(), names }
    }
}
