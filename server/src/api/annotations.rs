//! `/v1/annotations`: what happened when, for the charts.

use super::json::{Body, invalid, pointed};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use backend::annotations::{self, Recorded};
use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::annotation::{Annotation, AnnotationForm, AnnotationKind};
use domain::budget::SpendScope;
use domain::ids::AnnotationId;
use domain::period::Period;
use domain::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resource's routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, record)).routes(routes!(change, delete))
}

/// The annotations of a period.
#[derive(Debug, Serialize, ToSchema)]
struct AnnotationsDocument {
    /// In order of time; the newest 500 that were recorded.
    annotations: Vec<AnnotationDocument>,
}

/// Something that happened, as charts show it.
#[derive(Debug, Serialize, ToSchema)]
struct AnnotationDocument {
    /// Null for a change of a price, which follows from the price book.
    annotation_id: Option<AnnotationId>,
    /// The id under which it was sent.
    id: Option<String>,
    kind: AnnotationKind,
    text: String,
    /// When, in the organization's zone.
    at: DateTime<FixedOffset>,
    /// When it was over; null for something of a moment.
    until: Option<DateTime<FixedOffset>>,
    /// Slug of the project that it concerns alone.
    project: Option<String>,
    /// Slug of the team that it concerns alone.
    team: Option<String>,
    link: Option<String>,
    /// Who recorded it: a member, an API key, `price book` or `custom price`.
    recorded_by: String,
}

impl From<Annotation> for AnnotationDocument {
    fn from(of: Annotation) -> Self {
        Self {
            annotation_id: of.annotation_id,
            id: of.sent_id,
            kind: of.kind,
            text: of.text,
            at: of.from,
            until: of.to,
            project: of.project,
            team: of.team,
            link: of.link,
            recorded_by: of.recorded_by,
        }
    }
}

/// Lists what happened in a period: what was recorded, and prices that changed of models that were used then. A key that is bound to one project sees what concerns it, or everybody.
#[utoipa::path(
    get,
    path = "/v1/annotations",
    tag = "annotations",
    security(("api_key" = ["read"])),
    params(
        ("from" = NaiveDate, Query, description = "First day of the organization's calendar.", example = "2026-11-01"),
        ("to" = NaiveDate, Query, description = "The day after the last.", example = "2026-12-01")
    ),
    responses(
        (status = 200, description = "The annotations.", body = AnnotationsDocument)
    )
)]
async fn list(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<AnnotationsDocument>, ApiError> {
    let day = |name| pairs.iter().find(|(of, _)| of == name)?.1.parse::<NaiveDate>().ok();
    let period = day("from").zip(day("to")).and_then(|(from, to)| Period::new(from, to));
    let detail = "Give `from` and `to` as days such as 2026-11-01, the second after the first.";
    let period = period.ok_or_else(|| Problem::field("from", "invalid", detail))?;
    let all = annotations::happened(&state.backend, &caller.scope, SpendScope::Organization, period).await?;
    Ok(Json(AnnotationsDocument { annotations: all.into_iter().map(Into::into).collect() }))
}

/// Records an annotation, which stands on every chart over its time. With an `id` it is recorded once, however often it is sent; an id that said something else is a conflict.
#[utoipa::path(
    post,
    path = "/v1/annotations",
    tag = "annotations",
    security(("api_key" = ["ingest"])),
    request_body = AnnotationForm,
    responses(
        (status = 201, description = "It is recorded.", body = AnnotationDocument),
        (status = 200, description = "It had been recorded before.", body = AnnotationDocument),
        (status = 409, description = "The id was recorded with other content, or there are as many annotations as there may be.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn record(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<AnnotationForm>,
) -> Result<(StatusCode, Json<AnnotationDocument>), ApiError> {
    let new = form.parse(caller.scope.zone()).map_err(invalid)?;
    let recorded = annotations::record(&state.backend, &caller.scope, &new).await;
    Ok(match recorded.map_err(|error| pointed("", error))? {
        Recorded::New(made) => (StatusCode::CREATED, Json(made.into())),
        Recorded::Duplicate(known) => (StatusCode::OK, Json(known.into())),
    })
}

/// What is to change; what is left out stays, and an empty text takes an optional field away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnnotationChange {
    kind: Option<String>,
    text: Option<String>,
    at: Option<String>,
    until: Option<String>,
    project: Option<String>,
    team: Option<String>,
    link: Option<String>,
}

/// Changes an annotation.
#[utoipa::path(
    patch,
    path = "/v1/annotations/{annotation_id}",
    tag = "annotations",
    security(("api_key" = ["admin"])),
    params(("annotation_id" = Uuid, Path, description = "Id of the annotation.")),
    request_body = AnnotationChange,
    responses(
        (status = 200, description = "The annotation as it is now.", body = AnnotationDocument)
    )
)]
async fn change(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(annotation_id): Path<String>,
    Body(sent): Body<AnnotationChange>,
) -> Result<Json<AnnotationDocument>, ApiError> {
    let over = |form: AnnotationForm| AnnotationForm {
        id: form.id,
        kind: sent.kind.unwrap_or(form.kind),
        text: sent.text.unwrap_or(form.text),
        at: sent.at.unwrap_or(form.at),
        until: sent.until.unwrap_or(form.until),
        project: sent.project.unwrap_or(form.project),
        team: sent.team.unwrap_or(form.team),
        link: sent.link.unwrap_or(form.link),
    };
    let changed = annotations::change(&state.backend, &caller.scope, id(&annotation_id)?, over).await;
    Ok(Json(changed.map_err(|error| pointed("", error))?.into()))
}

/// Deletes an annotation. For 30 days it can be restored on its page.
#[utoipa::path(
    delete,
    path = "/v1/annotations/{annotation_id}",
    tag = "annotations",
    security(("api_key" = ["admin"])),
    params(("annotation_id" = Uuid, Path, description = "Id of the annotation.")),
    responses(
        (status = 204, description = "It is deleted.")
    )
)]
async fn delete(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(annotation_id): Path<String>,
) -> Result<StatusCode, ApiError> {
    annotations::delete(&state.backend, &caller.scope, id(&annotation_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be an id names nothing.
fn id(text: &str) -> Result<AnnotationId, Problem> {
    text.parse().map_err(|_| Problem::NotFound)
}
