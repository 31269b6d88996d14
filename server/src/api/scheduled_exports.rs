//! `/v1/export-destinations` and `/v1/export-schedules`: files of finished days in the organization's own storage.

use super::json::{Body, pointed};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use backend::exports::schedules;
use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::export::{Destination, DestinationForm, ExportFile, ExportRun, ScheduleForm, ScheduleState};
use domain::ids::ExportRunId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(destinations))
        .routes(routes!(save_destination, delete_destination))
        .routes(routes!(test_destination))
        .routes(routes!(list))
        .routes(routes!(save_schedule, delete_schedule))
        .routes(routes!(run))
        .routes(routes!(runs))
}

/// All destinations.
#[derive(Debug, Serialize, ToSchema)]
struct DestinationsDocument {
    /// By name.
    destinations: Vec<DestinationDocument>,
}

/// A destination; its credentials are never shown.
#[derive(Debug, Serialize, ToSchema)]
struct DestinationDocument {
    name: String,
    /// `s3`, `gcs` or `azure`.
    kind: &'static str,
    /// Address of an S3-compatible server; null for Amazon's.
    endpoint: Option<String>,
    /// Region of S3.
    region: Option<String>,
    /// Bucket, or container of Azure.
    bucket: String,
    /// Folder in it; may be empty.
    prefix: String,
    /// Access key id of S3, or storage account of Azure.
    account: Option<String>,
    /// When the credentials were entered.
    saved_at: DateTime<FixedOffset>,
    /// When it was tested last; null where it was not.
    tested_at: Option<DateTime<FixedOffset>>,
    /// What went wrong then, as the storage said it; null where nothing did.
    test_error: Option<String>,
}

impl From<Destination> for DestinationDocument {
    fn from(Destination { name, place, saved_at, tested }: Destination) -> Self {
        let (tested_at, test_error) = tested.map_or((None, None), |(at, error)| (Some(at), error));
        Self {
            name: name.to_string(),
            kind: place.kind.as_str(),
            endpoint: place.endpoint,
            region: place.region,
            bucket: place.bucket,
            prefix: place.prefix,
            account: place.account,
            saved_at,
            tested_at,
            test_error,
        }
    }
}

/// Lists the destinations of scheduled exports.
#[utoipa::path(
    get,
    path = "/v1/export-destinations",
    tag = "exports",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The destinations.", body = DestinationsDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn destinations(
    caller: ApiCaller,
    State(state): State<AppState>,
) -> Result<Json<DestinationsDocument>, ApiError> {
    let destinations = schedules::destinations(&state.backend, &caller.scope).await?;
    Ok(Json(DestinationsDocument { destinations: destinations.into_iter().map(Into::into).collect() }))
}

/// A destination with its credentials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DestinationInput {
    destination: DestinationForm,
    /// Secret access key of S3, JSON key file of a Google service account, or account key or shared access signature of Azure. It is encrypted, and never shown again.
    secret: String,
}

/// Saves a destination with its credentials; one of the same name is replaced.
#[utoipa::path(
    put,
    path = "/v1/export-destinations/{name}",
    tag = "exports",
    security(("api_key" = ["admin"])),
    params(("name" = String, Path, description = "Name of the destination.", example = "lake")),
    request_body = DestinationInput,
    responses(
        (status = 201, description = "It is new."),
        (status = 204, description = "It is replaced."),
        (status = 409, description = "There are as many as there may be, or the server has no key to encrypt with.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn save_destination(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
    Body(DestinationInput { destination, secret }): Body<DestinationInput>,
) -> Result<StatusCode, ApiError> {
    let saved = schedules::save_destination(&state.backend, &caller.scope, &name, &destination, &secret.into()).await;
    saved.map(saved_as).map_err(|error| pointed("", error.within("destination", &["name", "secret"])))
}

const fn saved_as(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::NO_CONTENT }
}

/// Deletes a destination with its credentials. Files stay where they are.
#[utoipa::path(
    delete,
    path = "/v1/export-destinations/{name}",
    tag = "exports",
    security(("api_key" = ["admin"])),
    params(("name" = String, Path, description = "Name of the destination.")),
    responses(
        (status = 204, description = "It is deleted."),
        (status = 409, description = "A schedule sends files there.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn delete_destination(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    schedules::delete_destination(&state.backend, &caller.scope, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a test went.
#[derive(Debug, Serialize, ToSchema)]
struct DestinationTestDocument {
    /// What went wrong, as the storage said it; null where the file was written and deleted.
    error: Option<String>,
}

/// Writes a small file into the storage and deletes it again.
#[utoipa::path(
    post,
    path = "/v1/export-destinations/{name}/test",
    tag = "exports",
    security(("api_key" = ["admin"])),
    params(("name" = String, Path, description = "Name of the destination.")),
    responses(
        (status = 200, description = "The storage answered, or could not be reached.", body = DestinationTestDocument),
        (status = 409, description = "The credentials cannot be decrypted: enter them again.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn test_destination(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<DestinationTestDocument>, ApiError> {
    Ok(Json(DestinationTestDocument {
        error: schedules::test_destination(&state.backend, &caller.scope, &name).await?,
    }))
}

/// All schedules.
#[derive(Debug, Serialize, ToSchema)]
struct SchedulesDocument {
    /// By name.
    schedules: Vec<ScheduleDocument>,
}

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
struct ScheduleDocument {
    name: String,
    schedule: ScheduleForm,
    /// When it is looked at next.
    next_at: DateTime<FixedOffset>,
    /// Since when it rests because a file could not be sent; null while it works.
    paused_at: Option<DateTime<FixedOffset>>,
}

impl From<ScheduleState> for ScheduleDocument {
    fn from(state: ScheduleState) -> Self {
        Self {
            name: state.schedule.name.to_string(),
            schedule: state.schedule.form(),
            next_at: state.next_at,
            paused_at: state.paused_at,
        }
    }
}

/// Lists the schedules of exports.
#[utoipa::path(
    get,
    path = "/v1/export-schedules",
    tag = "exports",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The schedules.", body = SchedulesDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<SchedulesDocument>, ApiError> {
    let schedules = schedules::schedules(&state.backend, &caller.scope).await?;
    Ok(Json(SchedulesDocument { schedules: schedules.into_iter().map(Into::into).collect() }))
}

/// Saves a schedule; one of the same name is replaced, keeps its history and goes on where it rested.
///
/// Every day at its hour, days that ended get a file, and days that moved since their file was made get it again, under the same name.
#[utoipa::path(
    put,
    path = "/v1/export-schedules/{name}",
    tag = "exports",
    security(("api_key" = ["admin"])),
    params(("name" = String, Path, description = "Name of the schedule, which is also the folder of its files.", example = "focus-daily")),
    request_body = ScheduleForm,
    responses(
        (status = 201, description = "It is new."),
        (status = 204, description = "It is replaced."),
        (status = 409, description = "There are as many as there may be.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn save_schedule(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
    Body(form): Body<ScheduleForm>,
) -> Result<StatusCode, ApiError> {
    let saved = schedules::save_schedule(&state.backend, &caller.scope, &name, &form).await;
    saved.map(saved_as).map_err(|error| pointed("", error))
}

/// Deletes a schedule with its history. Files stay where they are.
#[utoipa::path(
    delete,
    path = "/v1/export-schedules/{name}",
    tag = "exports",
    security(("api_key" = ["admin"])),
    params(("name" = String, Path, description = "Name of the schedule.")),
    responses(
        (status = 204, description = "It is deleted.")
    )
)]
async fn delete_schedule(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    schedules::delete_schedule(&state.backend, &caller.scope, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the file of the days that ended last, at once. A schedule that rests goes on.
#[utoipa::path(
    post,
    path = "/v1/export-schedules/{name}/run",
    tag = "exports",
    security(("api_key" = ["admin"])),
    params(("name" = String, Path, description = "Name of the schedule.")),
    responses(
        (status = 202, description = "The file is planned; its run tells how it goes.")
    )
)]
async fn run(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    schedules::run_now(&state.backend, &caller.scope, &name).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The newest 100 runs.
#[derive(Debug, Serialize, ToSchema)]
struct ExportRunsDocument {
    /// The newest first.
    runs: Vec<ExportRunDocument>,
}

/// One file of a schedule and how it went.
#[derive(Debug, Serialize, ToSchema)]
struct ExportRunDocument {
    id: ExportRunId,
    /// First day in the organization's zone.
    from: NaiveDate,
    /// The day after the last.
    to: NaiveDate,
    /// `planned`, `running`, `done` or `failed`.
    state: &'static str,
    /// Attempts so far.
    attempts: u32,
    planned_at: DateTime<FixedOffset>,
    /// When the next attempt is due; null once it is over.
    next_attempt_at: Option<DateTime<FixedOffset>>,
    /// When it was done or given up; null before.
    finished_at: Option<DateTime<FixedOffset>>,
    /// Seconds that the last attempt took; null while it is not over.
    seconds: Option<u64>,
    /// What lies in the storage; null until it is done.
    file: Option<ExportFileDocument>,
    /// Why the last attempt failed, as the storage said it.
    error: Option<String>,
}

/// A file in the storage. A manifest with the same figures lies beside it: `<object>.manifest.json`.
#[derive(Debug, Serialize, ToSchema)]
struct ExportFileDocument {
    /// Its name in the bucket.
    object: String,
    /// 1 for the first file of these days; one more each time it was written again.
    revision: u32,
    bytes: u64,
    rows: u64,
    /// SHA-256 of its bytes, in hex.
    sha256: String,
}

impl From<ExportRun> for ExportRunDocument {
    fn from(run: ExportRun) -> Self {
        let file = |ExportFile { object, revision, bytes, rows, sha256 }| ExportFileDocument {
            object,
            revision,
            bytes,
            rows,
            sha256,
        };
        Self {
            id: run.run_id,
            from: run.span.from,
            to: run.span.to,
            state: run.state.as_str(),
            attempts: run.attempts,
            planned_at: run.planned_at,
            next_attempt_at: run.next_attempt_at,
            finished_at: run.finished_at,
            seconds: run.seconds,
            file: run.file.map(file),
            error: run.error,
        }
    }
}

/// Lists the newest 100 runs of a schedule.
#[utoipa::path(
    get,
    path = "/v1/export-schedules/{name}/runs",
    tag = "exports",
    security(("api_key" = ["read"])),
    params(("name" = String, Path, description = "Name of the schedule.")),
    responses(
        (status = 200, description = "The runs.", body = ExportRunsDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn runs(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<ExportRunsDocument>, ApiError> {
    let runs = schedules::runs(&state.backend, &caller.scope, Some(&name)).await?;
    Ok(Json(ExportRunsDocument { runs: runs.into_iter().map(Into::into).collect() }))
}
