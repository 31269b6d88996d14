//! Forms without JavaScript: the answer of a server function becomes a redirect back and a cookie for one page.
//!
//! Server functions answer with JSON. A browser that posts a form asks for a page instead; for it, this layer calls the function as a program would, and sends the browser back to where it came from (or where the function redirects).
//! What the function said travels in a cookie that only the next page reads and that is gone after it: errors and what was typed (without secrets), or a result that is shown once.
//! Nothing of it stands in an address, so no link can put words into our mouth.

use crate::{AppState, file_imports, price_files, uploads};
use app::form::Flash;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::problem::Problem;
use tower_sessions::cookie::time::Duration;
use url::Url;

/// Largest form and largest answer, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// Browsers keep 4,096 bytes of a cookie with its name and attributes.
const MAX_COOKIE_LEN: usize = 3_900;
/// How long a browser may take to follow the redirect, in seconds.
const COOKIE_SECS: i64 = 60;

/// See the module's words.
pub async fn without_javascript(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !accepts_page(request.headers()) {
        return next.run(request).await;
    }
    let is_door = request.uri().path().starts_with("/fn/") || carries_file(request.uri().path());
    match *request.method() {
        Method::POST if is_door => post(state.backend.local, request, next).await,
        Method::GET if !request.uri().path().starts_with("/fn/") => page(state.backend.local, request, next).await,
        _ => next.run(request).await,
    }
}

/// Programs and our own wasm ask for JSON; browsers that navigate ask for a page.
fn accepts_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Hands the flash to the page and takes it away from the browser.
async fn page(local: bool, mut request: Request, next: Next) -> Response {
    let jar = CookieJar::from_headers(request.headers());
    let Some(cookie) = jar.get(cookie_name(local)) else { return next.run(request).await };
    if let Some(flash) = decode(cookie.value()) {
        request.extensions_mut().insert(flash);
    }
    let mut response = next.run(request).await;
    // What is shown once, a new key among it, is not there to go back to.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    with_cookie(response, &cookie_of(local, String::new(), 0))
}

/// Calls the server function for JSON and answers with a redirect.
async fn post(local: bool, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let back = back(request.headers());
    let (mut parts, body) = request.into_parts();
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    // A file goes through as it comes.
    if carries_file(&path) {
        let response = next.run(Request::from_parts(parts, body)).await;
        return redirect(local, path, back, Vec::new(), response).await;
    }
    let Ok(body) = to_bytes(body, MAX_BYTES).await else {
        let detail = "A form may have at most 256 KiB.".to_owned();
        return crate::error::ApiError(Problem::TooLarge { detail }).into_response();
    };
    let kept = typed(&body);
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    redirect(local, path, back, kept, response).await
}

async fn redirect(
    local: bool,
    path: String,
    back: String,
    kept: Vec<(String, String)>,
    response: Response,
) -> Response {
    let (mut parts, body) = response.into_parts();
    let went_well = parts.status.is_success();
    let body = to_bytes(body, MAX_BYTES).await.unwrap_or_default();
    let flash = if went_well { result(path, &body) } else { Some(problem(path, &body, kept)) };
    let to = parts.headers.remove(header::LOCATION).and_then(|to| HeaderValue::to_str(&to).ok().map(str::to_owned));
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    parts.headers.remove("serverfnredirect");
    parts.headers.remove("serverfnerror");
    parts.status = StatusCode::SEE_OTHER;
    let to = to.filter(|_| went_well).unwrap_or(back);
    let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/"));
    parts.headers.insert(header::LOCATION, to);
    let response = Response::from_parts(parts, Body::empty());
    match flash.and_then(encode) {
        Some(value) => with_cookie(response, &cookie_of(local, value, COOKIE_SECS)),
        None => response,
    }
}

/// Whether a form posted to this path carries a file.
fn carries_file(path: &str) -> bool {
    uploads::is_door(path) || price_files::is_door(path) || file_imports::is_door(path)
}

/// A result that says nothing needs no cookie; what became of a file stands on its page.
fn result(path: String, body: &Bytes) -> Option<Flash> {
    if carries_file(&path) {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    (!value.is_null()).then(|| Flash { path, outcome: Ok(value), kept: Vec::new() })
}

fn problem(path: String, body: &Bytes, kept: Vec<(String, String)>) -> Flash {
    let problem = serde_json::from_slice(body).unwrap_or(Problem::Unavailable { retry_after_secs: 5 });
    Flash { path, outcome: Err(problem), kept }
}

/// What was typed, without what is nobody's business.
fn typed(body: &Bytes) -> Vec<(String, String)> {
    let secret = |name: &str| ["password", "token", "secret"].iter().any(|word| name.contains(word));
    url::form_urlencoded::parse(body).into_owned().filter(|(name, _)| !secret(name)).collect()
}

/// The local address of the page that sent the form, without its old notice.
fn back(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok());
    let Some(mut url) = referer.and_then(|referer| Url::parse(referer).ok()) else { return "/".to_owned() };
    let query: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(name, _)| name != "notice").collect();
    url.set_query(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    // Two leading slashes would lead to another host.
    format!(
        "/{}{}",
        url.path().trim_start_matches('/'),
        url.query().map(|query| format!("?{query}")).unwrap_or_default()
    )
}

/// In a cookie's letters; without what was typed where that is too long.
fn encode(mut flash: Flash) -> Option<String> {
    let text = |flash: &Flash| serde_json::to_vec(flash).ok().map(|json| URL_SAFE_NO_PAD.encode(json));
    let whole = text(&flash)?;
    if whole.len() <= MAX_COOKIE_LEN {
        return Some(whole);
    }
    // Long lists go first: the few words beside them are what is hard to type again.
    flash.kept.retain(|(name, _)| !name.contains('['));
    let without_lists = text(&flash)?;
    if without_lists.len() <= MAX_COOKIE_LEN {
        return Some(without_lists);
    }
    flash.kept.clear();
    text(&flash).filter(|text| text.len() <= MAX_COOKIE_LEN)
}

fn decode(text: &str) -> Option<Flash> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

const fn cookie_name(local: bool) -> &'static str {
    if local { "tallystick-flash" } else { "__Host-tallystick-flash" }
}

fn cookie_of(local: bool, value: String, secs: i64) -> Cookie<'static> {
    Cookie::build((cookie_name(local), value))
        .path("/")
        .http_only(true)
        .secure(!local)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(secs))
        .build()
}

fn with_cookie(mut response: Response, cookie: &Cookie<'_>) -> Response {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_local_and_without_notice() {
        let from = |referer: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, referer.parse().unwrap());
            back(&headers)
        };
        assert_eq!(from("https://t.example/o/acme/settings?notice=saved"), "/o/acme/settings");
        assert_eq!(from("https://t.example/sign-in?next=%2Fo%2Facme&notice=x"), "/sign-in?next=%2Fo%2Facme");
        assert_eq!(from("https://evil.example//evil.example/x"), "/evil.example/x");
        assert_eq!(from("nonsense"), "/");
        assert_eq!(back(&HeaderMap::new()), "/");
    }

    #[test]
    fn secrets_are_not_kept() {
        let body = Bytes::from("email=ada%40example.com&password=x&new_password=y&token=z&name=A+B");
        let kept = typed(&body);
        assert_eq!(kept, [("email", "ada@example.com"), ("name", "A B")].map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_long_form_comes_back_without_what_was_typed() {
        let kept = vec![("text".to_owned(), "x".repeat(5_000))];
        let flash = problem("/fn/x".to_owned(), &Bytes::from("{}"), kept);
        let cookie = encode(flash).unwrap();
        assert!(cookie.len() <= MAX_COOKIE_LEN);
        let back = decode(&cookie).unwrap();
        assert_eq!((back.path.as_str(), back.kept.len()), ("/fn/x", 0));
    }

    #[test]
    fn a_long_list_goes_before_the_words_beside_it() {
        let mut kept = vec![("what".to_owned(), "ticked".to_owned()), ("reason".to_owned(), "checked".to_owned())];
        kept.extend((0..200).map(|index| ("proposals[]".to_owned(), format!("{index:036}"))));
        let back = decode(&encode(problem("/fn/x".to_owned(), &Bytes::from("{}"), kept)).unwrap()).unwrap();
        let names: Vec<&str> = back.kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["what", "reason"]);
    }
}
