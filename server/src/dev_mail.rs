//! `/dev/mail/{id}`: a mail of local mode as a mail program shows it.

use crate::caller::signed_in;
use crate::error::ApiError;
use crate::{AppState, Plain};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::http::{HeaderName, header};
use axum::response::Html;
use axum::routing::get;
use domain::problem::Problem;
use tower_sessions::Session;

/// Mails style themselves with attributes and load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'self'; frame-ancestors 'none'";

/// The route; outside local mode it finds nothing, and where other machines reach it it asks for a sign-in.
pub(crate) fn routes() -> Vec<Plain> {
    vec![(Method::GET, "/dev/mail/{mail_id}", get(mail))]
}

async fn mail(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Path(mail_id): Path<String>,
) -> Result<([(HeaderName, &'static str); 1], Html<String>), ApiError> {
    if state.backend.exposed {
        signed_in(&session).await?;
    }
    let mail_id = mail_id.parse().map_err(|_| Problem::NotFound)?;
    let mail = backend::delivery::shown_one(&state.backend, mail_id).await?.ok_or(Problem::NotFound)?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(mail.html)))
}
