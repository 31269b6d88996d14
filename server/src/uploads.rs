//! Files of events that members send from the pages: whole, as a browser's form does, or in pieces, as our own script does.

use crate::api::body;
use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::multipart::{broken, refused, too_large};
use crate::{AppState, Plain};
use axum::Json;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use backend::events::uploads::{self, NewUpload};
use backend::{Backend, OrgScope};
use domain::identity::Permission;
use domain::ids::UploadId;
use domain::problem::Problem;
use domain::upload::{HEAD_BYTES, MAX_FILE_BYTES, PIECE_BYTES, Upload};
use serde::Deserialize;

/// Longest text field beside a file, in bytes.
const MAX_TEXT: usize = 200;

/// All doors for files.
pub(crate) fn routes() -> Vec<Plain> {
    // A file is counted while it comes.
    let open = DefaultBodyLimit::disable;
    vec![
        (Method::POST, "/o/{org}/events/uploads", post(start).layer(open())),
        (Method::POST, "/o/{org}/events/uploads/{upload}/check", post(check).layer(open())),
        (Method::POST, "/o/{org}/events/uploads/{upload}/send", post(send).layer(open())),
    ]
}

/// Whether a form posted to this path carries a file.
pub(crate) fn is_door(path: &str) -> bool {
    path.starts_with("/o/") && path.contains("/events/uploads")
}

fn answered(upload: Result<Upload, Problem>) -> Response {
    upload.map_or_else(|problem| refused(&problem), |upload| Json(upload).into_response())
}

/// A form of which the parts come in a known order, the file last.
struct Form(Multipart);

impl Form {
    async fn read(request: Request, state: &AppState) -> Result<Self, Problem> {
        Ok(Self(Multipart::from_request(request, state).await.map_err(|_| no_file())?))
    }

    /// The next part, if it has this name.
    async fn part(&mut self, name: &str) -> Result<Option<Field<'_>>, Problem> {
        let part = self.0.next_field().await.map_err(|error| broken(&error))?;
        Ok(part.filter(|part| part.name() == Some(name)))
    }

    async fn file(&mut self) -> Result<Field<'_>, Problem> {
        self.part("file").await?.ok_or_else(no_file)
    }

    /// A short text; empty where there is none.
    async fn text(&mut self, name: &str) -> Result<String, Problem> {
        let mut text = Vec::new();
        let Some(mut part) = self.part(name).await? else { return Ok(String::new()) };
        while let Some(chunk) = part.chunk().await.map_err(|error| broken(&error))? {
            if text.len() + chunk.len() > MAX_TEXT {
                return Err(Problem::field(name, "too_long", "This is too long."));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn no_file() -> Problem {
    Problem::field("file", "required", "Choose a file.")
}

/// The beginning of a file and its size; the rest is read and forgotten.
async fn head_of(mut file: Field<'_>) -> Result<(Vec<u8>, u64), Problem> {
    let (mut head, mut size) = (Vec::new(), 0_u64);
    let most = usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX);
    while let Some(chunk) = file.chunk().await.map_err(|error| broken(&error))? {
        size += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if size > MAX_FILE_BYTES {
            return Err(too_large(MAX_FILE_BYTES));
        }
        let room = most.saturating_sub(head.len()).min(chunk.len());
        head.extend_from_slice(&chunk[..room]);
    }
    Ok((head, size))
}

/// The size of a file of which only the beginning is sent, in bytes.
#[derive(Debug, Deserialize)]
struct Size {
    size: Option<u64>,
}

/// `POST /o/{org}/events/uploads` with the fields `key` and `file`; with `size` where only the file's beginning is sent.
async fn start(
    caller: Result<MemberCaller, ApiError>,
    State(state): State<AppState>,
    Path(org): Path<String>,
    Query(size): Query<Size>,
    request: Request,
) -> Response {
    match started(caller, &state, size, request).await {
        Ok(upload) => {
            let page = format!("/o/{org}/events/uploads/{}", upload.upload_id);
            ([(header::LOCATION, page)], Json(upload)).into_response()
        }
        Err(problem) => refused(&problem),
    }
}

async fn started(
    caller: Result<MemberCaller, ApiError>,
    state: &AppState,
    Size { size }: Size,
    request: Request,
) -> Result<Upload, Problem> {
    let scope = caller.map_err(|error| error.0)?.scope;
    scope.require(Permission::SendEvents)?;
    let mut form = Form::read(request, state).await?;
    let key_id = form.text("key").await?.parse();
    let key_id = key_id.map_err(|_| Problem::field("key", "required", "Choose an API key."))?;
    let file = form.file().await?;
    let file_name = file.file_name().unwrap_or_default().to_owned();
    let (head, counted) = head_of(file).await?;
    let new = NewUpload { file_name: &file_name, key_id, size_bytes: size.unwrap_or(counted), head: &head };
    uploads::start(&state.backend, &scope, new).await.map_err(backend::Error::into_problem)
}

/// `POST /o/{org}/events/uploads/{upload}/check` with the field `file`, of which the beginning is enough.
async fn check(
    caller: Result<MemberCaller, ApiError>,
    State(state): State<AppState>,
    Path((_org, upload)): Path<(String, String)>,
    request: Request,
) -> Response {
    let checked = async {
        let (scope, upload_id) = allowed(caller, &upload)?;
        // Before a long file is read.
        uploads::find(&state.backend, &scope, upload_id).await.map_err(backend::Error::into_problem)?;
        let mut form = Form::read(request, &state).await?;
        let (head, _) = head_of(form.file().await?).await?;
        uploads::check(&state.backend, &scope, upload_id, &head).await.map_err(backend::Error::into_problem)
    };
    answered(checked.await)
}

fn allowed(caller: Result<MemberCaller, ApiError>, upload: &str) -> Result<(OrgScope, UploadId), Problem> {
    let scope = caller.map_err(|error| error.0)?.scope;
    scope.require(Permission::SendEvents)?;
    Ok((scope, upload.parse().map_err(|_| Problem::NotFound)?))
}

/// Where a piece begins in its file, in bytes.
#[derive(Debug, Deserialize)]
struct PieceStart {
    #[serde(default)]
    from: u64,
}

/// `POST /o/{org}/events/uploads/{upload}/send`: the whole file as the field `file`, or a piece as the body, with `from`.
async fn send(
    caller: Result<MemberCaller, ApiError>,
    State(state): State<AppState>,
    Path((_org, upload)): Path<(String, String)>,
    Query(place): Query<PieceStart>,
    request: Request,
) -> Response {
    let sent = async {
        let (scope, upload_id) = allowed(caller, &upload)?;
        let upload = uploads::find(&state.backend, &scope, upload_id).await.map_err(backend::Error::into_problem)?;
        if !is_form(request.headers()) {
            let most = usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX);
            let piece = body::read(request.into_body(), most).await?;
            let taken = uploads::take(&state.backend, &scope, upload_id, place.from, &piece).await;
            return taken.map_err(backend::Error::into_problem);
        }
        let mut form = Form::read(request, &state).await?;
        let file = form.file().await?;
        Sending { backend: &state.backend, scope: &scope, upload, place: 0, waiting: Vec::new() }.whole(file).await
    };
    answered(sent.await)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("multipart/form-data")
}

/// A whole file on its way.
struct Sending<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    upload: Upload,
    /// Where in the file the waiting bytes begin.
    place: u64,
    waiting: Vec<u8>,
}

impl Sending<'_> {
    async fn whole(mut self, mut file: Field<'_>) -> Result<Upload, Problem> {
        let piece = usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX);
        while let Some(chunk) = file.chunk().await.map_err(|error| broken(&error))? {
            self.waiting.extend_from_slice(&chunk);
            while self.waiting.len() >= piece && self.upload.is_open() {
                self.step(piece).await?;
            }
            if !self.upload.is_open() {
                self.waiting.clear();
            }
        }
        while self.upload.is_open() {
            let before = (self.place, self.waiting.len());
            self.step(piece).await?;
            if before == (self.place, self.waiting.len()) && self.upload.is_open() {
                return Err(Problem::field("file", "other_file", "The file is shorter than it was announced."));
            }
        }
        Ok(self.upload)
    }

    /// Takes one piece of what waits, or passes over what was taken before.
    async fn step(&mut self, most: usize) -> Result<(), Problem> {
        let done = self.upload.done_bytes;
        if self.place == 0 && done > 0 {
            let (scope, upload_id) = (self.scope, self.upload.upload_id);
            uploads::recognise(self.backend, scope, upload_id, &self.waiting)
                .await
                .map_err(backend::Error::into_problem)?;
        }
        if self.place < done {
            let over = usize::try_from(done - self.place).unwrap_or(usize::MAX).min(self.waiting.len());
            self.pass(over);
            return Ok(());
        }
        let piece = &self.waiting[..self.waiting.len().min(most)];
        let taken = uploads::take(self.backend, self.scope, self.upload.upload_id, self.place, piece).await;
        self.upload = taken.map_err(backend::Error::into_problem)?;
        let over = usize::try_from(self.upload.done_bytes.saturating_sub(self.place)).unwrap_or(usize::MAX);
        self.pass(over.min(self.waiting.len()));
        Ok(())
    }

    fn pass(&mut self, bytes: usize) {
        self.waiting.drain(..bytes);
        self.place += u64::try_from(bytes).unwrap_or(0);
    }
}
