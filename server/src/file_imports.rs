//! Files whose rows are forms, such as charges: sent from a page as a browser's form does it, and looked at on a page of their own.

use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::multipart::{broken, refused, too_large};
use crate::{AppState, Plain};
use axum::Json;
use axum::extract::multipart::Multipart;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use backend::OrgScope;
use domain::identity::Permission;
use domain::ids::ImportId;
use domain::import::MAX_IMPORT_BYTES;
use domain::problem::Problem;

/// The doors for such files.
pub(crate) fn routes() -> Vec<Plain> {
    // The file is counted while it comes.
    let counted = |door: MethodRouter<AppState>| door.layer(DefaultBodyLimit::disable());
    vec![
        (Method::POST, "/o/{org}/charges/imports", counted(post(charges))),
        (Method::POST, "/o/{org}/business-metrics/imports", counted(post(business_metrics))),
    ]
}

/// Whether a form posted to this path carries a file.
pub(crate) fn is_door(path: &str) -> bool {
    path.starts_with("/o/") && (path.ends_with("/charges/imports") || path.ends_with("/business-metrics/imports"))
}

/// `POST /o/{org}/charges/imports` with the field `file`; leads to the file's page.
async fn charges(
    caller: Result<MemberCaller, ApiError>,
    State(state): State<AppState>,
    Path(org): Path<String>,
    request: Request,
) -> Response {
    let sent = async {
        let (scope, name, bytes) = sent(caller, &state, request).await?;
        let drafted = backend::charges::draft_import(&state.backend, &scope, &name, &bytes).await;
        drafted.map_err(backend::Error::into_problem)
    };
    answered(sent.await, &format!("/o/{org}/charges/imports"))
}

/// `POST /o/{org}/business-metrics/imports` with the field `file`; leads to the file's page.
async fn business_metrics(
    caller: Result<MemberCaller, ApiError>,
    State(state): State<AppState>,
    Path(org): Path<String>,
    request: Request,
) -> Response {
    let sent = async {
        let (scope, name, bytes) = sent(caller, &state, request).await?;
        let drafted = backend::business_metrics::draft_import(&state.backend, &scope, &name, &bytes).await;
        drafted.map_err(backend::Error::into_problem)
    };
    answered(sent.await, &format!("/o/{org}/business-metrics/imports"))
}

/// Who sends what; refused before a file is read of somebody who may not send one.
async fn sent(
    caller: Result<MemberCaller, ApiError>,
    state: &AppState,
    request: Request,
) -> Result<(OrgScope, String, Vec<u8>), Problem> {
    let scope = caller.map_err(|error| error.0)?.scope;
    scope.require(Permission::ManagePrices)?;
    let (name, bytes) = file(state, request).await?;
    Ok((scope, name, bytes))
}

fn answered(sent: Result<ImportId, Problem>, path: &str) -> Response {
    match sent {
        Ok(import_id) => ([(header::LOCATION, format!("{path}/{import_id}"))], Json(import_id)).into_response(),
        Err(problem) => refused(&problem),
    }
}

/// The name and the bytes of the field `file`.
async fn file(state: &AppState, request: Request) -> Result<(String, Vec<u8>), Problem> {
    let missing = || Problem::field("file", "required", "Choose a CSV file.");
    let mut form = Multipart::from_request(request, state).await.map_err(|_| missing())?;
    while let Some(mut field) = form.next_field().await.map_err(|error| broken(&error))? {
        if field.name() != Some("file") {
            continue;
        }
        let (name, mut bytes) = (field.file_name().unwrap_or_default().to_owned(), Vec::new());
        while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
            if bytes.len() + chunk.len() > MAX_IMPORT_BYTES {
                return Err(too_large(MAX_IMPORT_BYTES as u64));
            }
            bytes.extend_from_slice(&chunk);
        }
        return if name.is_empty() { Err(missing()) } else { Ok((name, bytes)) };
    }
    Err(missing())
}
