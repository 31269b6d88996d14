//! What doors for files have in common: how their forms are refused.
//!
//! Answers are what a server function would give: JSON, with a [`Problem`] where it failed; `forms` sends a browser without JavaScript on, or back.

use axum::Json;
use axum::extract::multipart::MultipartError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::problem::Problem;

/// What a server function answers when it fails.
pub(crate) fn refused(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(problem)).into_response();
    if let Some(seconds) = problem.retry_after_secs() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The connection ended, or what came is no form.
pub(crate) fn broken(error: &MultipartError) -> Problem {
    tracing::debug!(%error, "a form with a file broke off");
    Problem::Invalid { detail: "The file broke off on its way. Send it again.".to_owned(), fields: vec![] }
}

/// The file is larger than so many bytes, which are whole MiB.
pub(crate) fn too_large(most: u64) -> Problem {
    Problem::TooLarge { detail: format!("A file has at most {} MiB here.", most / (1024 * 1024)) }
}
