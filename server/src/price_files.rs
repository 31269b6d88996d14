//! Files of prices that members send from the page of imports, as a browser's form does.

use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::multipart::{broken, refused, too_large};
use crate::{AppState, Plain};
use axum::Json;
use axum::extract::multipart::Multipart;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use backend::prices::import;
use domain::identity::Permission;
use domain::ids::ImportId;
use domain::price::import::{ImportInput, MAX_FILE_BYTES};
use domain::problem::Problem;

/// Longest text beside the file, in bytes.
const MAX_TEXT: usize = 1_000;

/// The door for files of prices.
pub(crate) fn routes() -> Vec<Plain> {
    // The file is counted while it comes.
    vec![(Method::POST, "/o/{org}/prices/imports", post(send).layer(DefaultBodyLimit::disable()))]
}

/// Whether a form posted to this path carries a file.
pub(crate) fn is_door(path: &str) -> bool {
    path.starts_with("/o/") && path.ends_with("/prices/imports")
}

/// `POST /o/{org}/prices/imports` with the fields `file`, `version` and `from`; leads to the import's page.
async fn send(
    caller: Result<MemberCaller, ApiError>,
    State(state): State<AppState>,
    Path(org): Path<String>,
    request: Request,
) -> Response {
    match sent(caller, &state, request).await {
        Ok(import_id) => {
            let page = format!("/o/{org}/prices/imports/{import_id}");
            ([(header::LOCATION, page)], Json(import_id)).into_response()
        }
        Err(problem) => refused(&problem),
    }
}

async fn sent(caller: Result<MemberCaller, ApiError>, state: &AppState, request: Request) -> Result<ImportId, Problem> {
    let scope = caller.map_err(|error| error.0)?.scope;
    // Before a file is read of somebody who may not send one.
    scope.require(Permission::ManagePrices)?;
    let multipart = Multipart::from_request(request, state).await.map_err(|_| no_file())?;
    let form = Form::read(multipart).await?;
    let input = ImportInput::read(&form.file_name, &form.file, &form.version, &form.from).map_err(Problem::invalid)?;
    let drafted = import::draft(&state.backend, &scope, input).await.map_err(backend::Error::into_problem)?;
    Ok(drafted.entry.import_id)
}

/// The fields of the form.
#[derive(Default)]
struct Form {
    file_name: String,
    file: Vec<u8>,
    version: String,
    from: String,
}

impl Form {
    async fn read(mut multipart: Multipart) -> Result<Self, Problem> {
        let mut form = Self::default();
        while let Some(mut field) = multipart.next_field().await.map_err(|error| broken(&error))? {
            let name = field.name().unwrap_or_default().to_owned();
            let most = if name == "file" { MAX_FILE_BYTES } else { MAX_TEXT };
            let file_name = field.file_name().map(str::to_owned);
            let mut bytes = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
                if bytes.len() + chunk.len() > most {
                    return Err(too_large(MAX_FILE_BYTES as u64));
                }
                bytes.extend_from_slice(&chunk);
            }
            let text = || String::from_utf8_lossy(&bytes).into_owned();
            match name.as_str() {
                "file" => (form.file_name, form.file) = (file_name.unwrap_or_default(), bytes),
                "version" => form.version = text(),
                "from" => form.from = text(),
                _ => {}
            }
        }
        Ok(form)
    }
}

fn no_file() -> Problem {
    Problem::field("file", "required", "Choose a file of prices.")
}
