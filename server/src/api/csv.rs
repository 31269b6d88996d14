//! Which resources answer as CSV, and how.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::problem::Problem;

/// Whether the request asks for CSV, by `format=csv` (which is taken out of the parameters) or `Accept: text/csv`.
///
/// # Errors
/// [`Problem::Invalid`] that names `format`.
pub(crate) fn is_asked(headers: &HeaderMap, pairs: &mut Vec<(String, String)>) -> Result<bool, Problem> {
    let format = pairs.iter().position(|(name, _)| name == "format").map(|position| pairs.remove(position).1);
    match format.as_deref() {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Problem::field("format", "unknown", "Use json or csv.")),
        None => Ok(accepts_only_csv(headers)),
    }
}

fn accepts_only_csv(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/csv") && !accept.contains("application/json")
}

/// A file to download; `name` is plain ASCII without quotes.
pub(crate) fn respond(name: &str, text: String) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
