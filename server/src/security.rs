//! Headers that every answer carries, and the check that a form was sent by our own page.

use crate::AppState;
use crate::error::ApiError;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backend::Backend;
use domain::problem::Problem;
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::net::IpAddr;

/// Headers that are the same for every answer. The Content-Security-Policy of pages is set where their nonce is known.
const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // `no-referrer` would send `Origin: null` and no Referer, and a form could not be answered with a redirect back.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// For everything that is not a page: nothing may be loaded or framed.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Sets the policy of the page that is being rendered: scripts need its nonce, styles come from our sheet alone.
pub fn page_policy() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Adds security headers to every answer.
pub async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let static_file = request.uri().path().starts_with("/pkg/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(API_POLICY));
    // Answers hold an organization's figures: no cache may keep them. Files are kept and asked after; pages say themselves.
    let cache = if static_file { "no-cache" } else { "no-store" };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(cache));
    if !state.backend.local {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// In local mode, answers only to the hosts that the server was started for.
///
/// The name of another site can be made to lead here (DNS rebinding), and its pages could then read ours, mails with their links among them.
pub async fn check_host(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if state.backend.local && !named_host(&request).is_some_and(|host| is_own_host(&host, &state.backend)) {
        let said = "This server runs in local mode and does not answer to this name.\n";
        return (StatusCode::MISDIRECTED_REQUEST, said).into_response();
    }
    next.run(request).await
}

/// The host that a request asks for, without its port.
fn named_host(request: &Request) -> Option<String> {
    let of_header = || request.headers().get(header::HOST)?.to_str().ok()?.parse().ok();
    let authority: Authority = request.uri().authority().cloned().or_else(of_header)?;
    Some(authority.host().trim_matches(['[', ']']).to_ascii_lowercase())
}

/// An address is nobody's name, so other machines may use it where they may come at all.
fn is_own_host(host: &str, backend: &Backend) -> bool {
    let public = url::Url::parse(&backend.public_url).ok();
    let public = public.as_ref().and_then(url::Url::host_str).map(|host| host.trim_matches(['[', ']']));
    let address = |address: IpAddr| backend.exposed || address.to_canonical().is_loopback();
    host == "localhost" || public == Some(host) || host.parse().is_ok_and(address)
}

/// Refuses unsafe requests that a browser sent from elsewhere (ASVS 3.5.1).
///
/// Server functions are plain form posts that need no preflight, so the session cookie alone proves nothing.
/// Those without a cookie are checked too: a form of another site must not sign anybody in, under an account of its own.
/// Browsers say where a request comes from: `Sec-Fetch-Site`, or `Origin` in older ones; programs, which have the API, say neither.
pub async fn check_origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_unsafe = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let of_page = ["/fn/", "/o/"].iter().any(|pages| request.uri().path().starts_with(pages));
    let checked = is_unsafe && (of_page || request.headers().contains_key(header::COOKIE));
    if checked && !same_origin(request.headers(), &state) {
        let detail = "This form was sent from another site. Load the page again.".to_owned();
        return ApiError(Problem::Forbidden { detail }).into_response();
    }
    next.run(request).await
}

fn same_origin(headers: &HeaderMap, state: &AppState) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return false };
    let from_host = origin.split_once("://").map(|(_, host)| host);
    origin == &*state.backend.public_url || (state.backend.local && from_host == text(header::HOST))
}
