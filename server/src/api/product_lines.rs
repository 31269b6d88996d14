//! `/v1/product-lines`: an optional level above projects, dated like their ownership.

use super::json::{Body, invalid, pointed};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use backend::projects::{self, NewProductLine};
use backend::{Backend, Error, OrgScope};
use chrono::NaiveDate;
use domain::problem::{FieldProblem, Problem};
use domain::project::{ProductLine, ProductLineSpan, Project};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change)).routes(routes!(assign))
}

/// The organization's product lines.
#[derive(Debug, Serialize, ToSchema)]
struct ProductLinesDocument {
    /// In order of name, archived ones included.
    product_lines: Vec<ProductLineDocument>,
}

/// A product line.
#[derive(Debug, Serialize, ToSchema)]
struct ProductLineDocument {
    /// Its short name: a value of the dimension `product_line`.
    #[schema(example = "assistants")]
    slug: String,
    name: String,
    archived: bool,
    /// Which projects belonged to it when, in order of time for each.
    projects: Vec<ProductLineProjectDocument>,
}

/// A project while it belonged to a product line.
#[derive(Debug, Serialize, ToSchema)]
struct ProductLineProjectDocument {
    /// Slug of the project.
    #[schema(example = "support-bot")]
    project: String,
    /// First day; null means since the beginning of time.
    valid_from: Option<NaiveDate>,
    /// The day after the last; null without an end date.
    valid_to: Option<NaiveDate>,
}

impl ProductLineDocument {
    fn of(line: ProductLine, spans: &[ProductLineSpan], projects: &[Project]) -> Self {
        let of = |span: &ProductLineSpan| {
            let project = projects.iter().find(|project| project.project_id == span.project_id)?.slug.to_string();
            Some(ProductLineProjectDocument { project, valid_from: span.valid_from, valid_to: span.valid_to })
        };
        let own = spans.iter().filter(|span| span.product_line_id == line.product_line_id);
        Self {
            projects: own.filter_map(of).collect(),
            archived: line.archived_at.is_some(),
            slug: line.slug.to_string(),
            name: line.name,
        }
    }

    async fn all(backend: &Backend, scope: &OrgScope) -> Result<Vec<Self>, Error> {
        let lines = projects::list_product_lines(backend, scope).await?;
        let (spans, projects) =
            (projects::product_line_spans(backend, scope).await?, projects::list_projects(backend, scope).await?);
        Ok(lines.into_iter().map(|line| Self::of(line, &spans, &projects)).collect())
    }
}

/// Lists product lines with the projects that belonged to them. A key that is bound to one project sees those of this project.
#[utoipa::path(
    get,
    path = "/v1/product-lines",
    tag = "projects",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "The product lines.", body = ProductLinesDocument)
    )
)]
async fn list(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<ProductLinesDocument>, ApiError> {
    let product_lines = ProductLineDocument::all(&state.backend, &caller.scope).await?;
    Ok(Json(ProductLinesDocument { product_lines }))
}

/// A new product line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProductLineInput {
    /// Its name.
    #[schema(example = "Assistants", max_length = 80)]
    name: String,
    /// Its short name, for ever; left out, it is made from the name.
    #[serde(default)]
    #[schema(example = "assistants", max_length = 64)]
    slug: String,
}

/// Creates a product line.
#[utoipa::path(
    post,
    path = "/v1/product-lines",
    tag = "projects",
    security(("api_key" = ["admin"])),
    request_body = ProductLineInput,
    responses(
        (status = 201, description = "It is created.", body = ProductLineDocument),
        (status = 409, description = "The organization has as many product lines as it may have.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn create(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(ProductLineInput { name, slug }): Body<ProductLineInput>,
) -> Result<(StatusCode, Json<ProductLineDocument>), ApiError> {
    let new = NewProductLine { name, slug };
    let line = projects::create_product_line(&state.backend, &caller.scope, new).await;
    let line = line.map_err(|error| pointed("", error))?;
    Ok((StatusCode::CREATED, Json(ProductLineDocument::of(line, &[], &[]))))
}

/// What shall change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProductLineChangeDocument {
    /// Its new name.
    #[schema(example = "Assistants", max_length = 80)]
    name: Option<String>,
    /// Whether it is put away. Possible once no project in use belongs to it; its history stays.
    archived: Option<bool>,
}

/// Renames, archives or restores a product line.
#[utoipa::path(
    patch,
    path = "/v1/product-lines/{slug}",
    tag = "projects",
    security(("api_key" = ["admin"])),
    params(("slug" = String, Path, description = "Short name of the product line.")),
    request_body = ProductLineChangeDocument,
    responses(
        (status = 204, description = "It is changed."),
        (status = 409, description = "Projects in use still belong to it.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn change(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(slug): Path<String>,
    Body(change): Body<ProductLineChangeDocument>,
) -> Result<StatusCode, ApiError> {
    let (backend, scope) = (&state.backend, &caller.scope);
    scope.require(domain::identity::Permission::ManageProjects)?;
    let id = projects::product_line_by_slug(backend, scope, &slug).await?.product_line_id;
    if let Some(name) = change.name {
        projects::rename_product_line(backend, scope, id, &name).await.map_err(|error| pointed("", error))?;
    }
    if let Some(archive) = change.archived {
        projects::archive_product_line(backend, scope, id, archive).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Where a project belongs from a day on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProductLineOfProjectInput {
    /// Short name of the product line; null for none.
    #[schema(example = "assistants")]
    product_line: Option<String>,
    /// First day, in the organization's zone; null for all time. What was planned from then on is replaced.
    #[schema(example = "2026-11-15")]
    from: Option<NaiveDate>,
}

/// Puts a project into a product line, or into none, from a day on. Days before stay as they are, so a move within a month splits it.
#[utoipa::path(
    put,
    path = "/v1/projects/{project}/product-line",
    tag = "projects",
    security(("api_key" = ["admin"])),
    params(("project" = String, Path, description = "Slug of the project.")),
    request_body = ProductLineOfProjectInput,
    responses(
        (status = 204, description = "It holds, for days that are over too.")
    )
)]
async fn assign(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(project): Path<String>,
    Body(input): Body<ProductLineOfProjectInput>,
) -> Result<StatusCode, ApiError> {
    let (backend, scope) = (&state.backend, &caller.scope);
    scope.require(domain::identity::Permission::ManageProjects)?;
    let project = projects::by_slug(backend, scope, &project).await?.project_id;
    let line = match &input.product_line {
        None => None,
        Some(slug) => {
            let unknown = |error: Error| match error.into_problem() {
                Problem::NotFound => invalid(vec![FieldProblem::new(
                    "product_line",
                    "unknown",
                    format!("There is no product line {slug}."),
                )]),
                other => other,
            };
            let found = projects::product_line_by_slug(backend, scope, slug).await;
            Some(found.map_err(unknown)?.product_line_id)
        }
    };
    let assigned = projects::assign_product_line(backend, scope, project, line, input.from).await;
    assigned.map_err(|error| pointed("", error))?;
    Ok(StatusCode::NO_CONTENT)
}
