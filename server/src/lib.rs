//! Tallystick's HTTP side: the numbered layers of middleware, the public API, the pages, background work.

#![recursion_limit = "512"]

pub mod api;
pub mod caller;
pub mod config;
mod dev_mail;
mod downloads;
pub mod error;
mod file_imports;
pub mod files;
mod focus;
pub mod forms;
pub mod import;
pub mod ingest_formats;
pub mod jobs;
mod live;
pub mod local_postgres;
pub mod logging;
pub mod metrics;
mod multipart;
mod price_files;
pub mod price_import;
pub mod quote;
pub mod security;
pub mod serving;
pub mod sessions;
mod slow;
pub mod statement;
mod suggestions;
mod uploads;
pub mod verify;

use app::page::Site;
use axum::Router;
use axum::extract::FromRef;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use backend::Backend;
use leptos::prelude::provide_context;
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::handle_server_fns_with_context;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::trace::TraceLayer;

/// What every handler can reach.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The verbs.
    pub backend: Backend,
    /// The browser's files.
    #[from_ref(skip)]
    pub files: files::SiteFiles,
    /// Proxies of ours in front of this server, whose `X-Forwarded-For` is believed.
    #[from_ref(skip)]
    pub trusted_proxies: u8,
    /// Cancelled when this server was told to stop: it is not ready for more.
    #[from_ref(skip)]
    pub stopping: CancellationToken,
}

/// A route that is neither an operation of the described API nor a page.
type Plain = (Method, &'static str, MethodRouter<AppState>);

/// Methods and paths of all plain routes, for the test that knocks on every door.
#[must_use]
pub fn plain_doors() -> Vec<(Method, &'static str)> {
    plain(api::routes().1).map(|(method, path, _)| (method, path)).collect()
}

fn plain(api: Vec<Plain>) -> impl Iterator<Item = Plain> {
    let files = price_files::routes().into_iter().chain(file_imports::routes()).chain(uploads::routes());
    api.into_iter()
        .chain(downloads::routes())
        .chain(suggestions::routes())
        .chain(live::routes())
        .chain(files)
        .chain(dev_mail::routes())
}

/// What every page finds in its context, and the policy that its nonce makes possible.
fn page_context(backend: &Backend) {
    provide_context(backend.clone());
    security::page_policy();
}

/// The whole application as one service.
///
/// A request passes, from the outside in:
/// 1. what an OpenTelemetry exporter is refused is said in its own words;
/// 2. a panic becomes a problem document;
/// 3. a span for the log, that names the route and not the address, in which secrets may stand;
/// 4. security headers;
/// 5. in local mode, the host that is asked for is one of ours;
/// 6. compression of the answer;
/// 7. a body that comes too slowly is cut off;
/// 8. the Origin check of unsafe requests to pages' forms, and of all that carry a cookie;
/// 9. the address it came from;
/// 10. the session;
/// 11. forms without JavaScript: the answer becomes a redirect back;
/// 12. the route.
pub fn build(state: AppState) -> Router {
    let context = {
        let backend = state.backend.clone();
        move || page_context(&backend)
    };
    let site = Site::new(state.files.names.clone(), context.clone());
    let pages =
        app::routes::pages(&site).into_iter().fold(Router::new(), |router, (path, page)| router.route(path, page));
    let pages = server_fn_paths().fold(pages, |router, (path, method)| {
        let context = context.clone();
        let door = move |request| handle_server_fns_with_context(context.clone(), request);
        router
            .route(path, MethodFilter::try_from(method).map_or_else(|_| MethodRouter::new(), |method| on(method, door)))
    });
    let (operations, described) = api::routes();
    // Programs read over connections of their own, so that they and the pages cannot take each other's.
    let operations: Router<AppState> =
        operations.with_state(AppState { backend: state.backend.for_api(), ..state.clone() });
    plain(described)
        .fold(operations, |router, (_, path, route)| router.route(path, route))
        .merge(pages)
        .merge(files::router(&state.files))
        .fallback(move |request| site.clone().nothing(request))
        .layer(axum::middleware::from_fn_with_state(state.clone(), forms::without_javascript))
        .layer(sessions::layer(&state.backend))
        .layer(axum::middleware::from_fn_with_state(state.clone(), sessions::note_address))
        .layer(axum::middleware::from_fn_with_state(state.clone(), security::check_origin))
        .layer(axum::middleware::from_fn(slow::cut_off))
        .layer(CompressionLayer::new())
        .layer(axum::middleware::from_fn_with_state(state.clone(), security::check_host))
        .layer(axum::middleware::from_fn_with_state(state.clone(), security::headers))
        .layer(TraceLayer::new_for_http().make_span_with(logging::span_of).on_failure(()))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(axum::middleware::from_fn(api::ingest::speak_otlp))
        .with_state(state)
}
