//! Product lines: an optional level above projects. A project belongs to one at most on a day.
//! They are changed by those who see the whole organization.

use super::sql::{self, Level, product_lines as lines};
use super::{Words, check_move_day, list_projects, project_in, slug_taken, today};
use crate::error::OnConstraint;
use crate::{Backend, Error, OrgScope, audit};
use chrono::NaiveDate;
use domain::identity::Permission;
use domain::ids::{ProductLineId, ProjectId};
use domain::problem::Problem;
use domain::project::{ProductLine, ProductLineSpan, Project, parse_name};

/// Most product lines of an organization, archived ones included.
pub const MAX_PRODUCT_LINES: usize = 200;

/// What a new product line shall be, as typed.
#[derive(Clone, Debug, Default)]
pub struct NewProductLine {
    /// Its name.
    pub name: String,
    /// Its short name; empty: made from the name.
    pub slug: String,
}

/// Creates a product line.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `name` or `slug`, [`Problem::Conflict`] when there are too many; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn create_product_line(
    backend: &Backend,
    scope: &OrgScope,
    new: NewProductLine,
) -> Result<ProductLine, Error> {
    scope.require_whole(Permission::ManageProjects)?;
    let Words { name, slug, .. } = Words::parse(&new.name, &new.slug, "")?;
    let mut transaction = backend.pool.begin().await?;
    if lines::all(&mut *transaction, scope).await?.len() >= MAX_PRODUCT_LINES {
        return Err(Problem::conflict("An organization has at most 200 product lines.").into());
    }
    let product_line_id = ProductLineId(backend.clock.new_id());
    let line = ProductLine { product_line_id, slug, name, created_at: backend.clock.now(), archived_at: None };
    lines::insert(&mut transaction, scope, &line).await.on_constraint("product_lines_slug_key", slug_taken)?;
    let detail = format!("Created the product line {}.", line.name);
    audit::record(backend, scope, &mut transaction, "product_line.created", &detail).await?;
    transaction.commit().await?;
    Ok(line)
}

/// Gives a product line another name; its slug never changes.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] naming `name`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn rename_product_line(
    backend: &Backend,
    scope: &OrgScope,
    line: ProductLineId,
    name: &str,
) -> Result<ProductLine, Error> {
    scope.require_whole(Permission::ManageProjects)?;
    let name = parse_name("name", name).map_err(|wrong| Problem::invalid(vec![wrong]))?;
    change(backend, scope, line, "product_line.changed", |line| {
        let detail = format!("Renamed the product line {} to {name}.", line.name);
        (ProductLine { name, ..line }, detail)
    })
    .await
}

/// Puts a product line away or takes it back; its history stays.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] while projects in use belong to it; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn archive_product_line(
    backend: &Backend,
    scope: &OrgScope,
    line: ProductLineId,
    archive: bool,
) -> Result<ProductLine, Error> {
    scope.require_whole(Permission::ManageProjects)?;
    let now = backend.clock.now();
    let (action, verb) =
        if archive { ("product_line.archived", "Archived") } else { ("product_line.restored", "Restored") };
    change(backend, scope, line, action, |line| {
        let detail = format!("{verb} the product line {}.", line.name);
        (ProductLine { archived_at: archive.then(|| line.archived_at.unwrap_or(now)), ..line }, detail)
    })
    .await
}

async fn change(
    backend: &Backend,
    scope: &OrgScope,
    line: ProductLineId,
    action: &str,
    change: impl FnOnce(ProductLine) -> (ProductLine, String),
) -> Result<ProductLine, Error> {
    let mut transaction = backend.pool.begin().await?;
    let line = lines::lock(&mut transaction, scope, line).await?.ok_or(Problem::NotFound)?;
    let (changed, detail) = change(line.clone());
    let put_away = changed.archived_at.is_some() && line.archived_at.is_none();
    let (id, today) = (line.product_line_id.0, today(backend, scope));
    if put_away && sql::holds_live_projects(&mut transaction, scope, Level::ProductLine, id, today).await? {
        return Err(Problem::conflict("Projects still belong to this product line. Move or archive them first.").into());
    }
    if changed != line {
        lines::update(&mut transaction, scope, &changed).await?;
        audit::record(backend, scope, &mut transaction, action, &detail).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

/// Puts a project into a product line, or into none, from a day on (none: since the beginning of time), in place of whatever was planned from then on.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] naming `product_line`, `from`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn assign_product_line(
    backend: &Backend,
    scope: &OrgScope,
    project_id: ProjectId,
    line: Option<ProductLineId>,
    from: Option<NaiveDate>,
) -> Result<(), Error> {
    scope.require_whole(Permission::ManageProjects)?;
    check_move_day(today(backend, scope), from)?;
    let mut transaction = backend.pool.begin().await?;
    sql::lock_project(&mut transaction, scope, project_id).await?;
    let project = project_in(backend, scope, &mut transaction, project_id).await?;
    let to = match line {
        None => None,
        Some(line) => {
            let line = lines::lock(&mut transaction, scope, line).await?.filter(|line| line.archived_at.is_none());
            let unknown = || Problem::field("product_line", "unknown", "Choose a product line that is in use.");
            Some(line.ok_or_else(unknown)?)
        }
    };
    let id = to.as_ref().map(|line| line.product_line_id.0);
    sql::belongs_to(&mut transaction, scope, Level::ProductLine, project_id, id, from).await?;
    let since = from.map_or_else(|| "for all time".to_owned(), |day| format!("from {day} on"));
    let to = to.map_or_else(|| "no product line".to_owned(), |line| format!("the product line {}", line.name));
    let detail = format!("Put the project {} into {to} {since}.", project.slug);
    audit::record(backend, scope, &mut transaction, "project.product_line", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// The product lines, archived ones included, in order of name.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list_product_lines(backend: &Backend, scope: &OrgScope) -> Result<Vec<ProductLine>, Error> {
    scope.require(Permission::Read)?;
    lines::all(&backend.pool, scope).await
}

/// Which visible project belonged to which product line when, by project and in order of time.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn product_line_spans(backend: &Backend, scope: &OrgScope) -> Result<Vec<ProductLineSpan>, Error> {
    scope.require(Permission::Read)?;
    lines::spans(&backend.pool, scope, None).await
}

/// The same of one project.
pub(super) async fn spans_of(
    backend: &Backend,
    scope: &OrgScope,
    project: ProjectId,
) -> Result<Vec<ProductLineSpan>, Error> {
    lines::spans(&backend.pool, scope, Some(project)).await
}

/// The product line with this slug.
///
/// # Errors
/// [`Problem::NotFound`], also where the caller sees none of its projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn product_line_by_slug(backend: &Backend, scope: &OrgScope, slug: &str) -> Result<ProductLine, Error> {
    let found = lines::all(&backend.pool, scope).await?.into_iter().find(|line| line.slug.as_str() == slug);
    Ok(found.ok_or(Problem::NotFound)?)
}

/// One product line with the projects that belong to it today.
///
/// # Errors
/// As [`product_line_by_slug`]; [`Problem::Forbidden`] without the permission to read.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn product_line_detail(
    backend: &Backend,
    scope: &OrgScope,
    slug: &str,
) -> Result<(ProductLine, Vec<Project>), Error> {
    scope.require(Permission::Read)?;
    let line = product_line_by_slug(backend, scope, slug).await?;
    let (spans, today) = (product_line_spans(backend, scope).await?, today(backend, scope));
    let mut projects = list_projects(backend, scope).await?;
    let is_in = |span: &ProductLineSpan| span.product_line_id == line.product_line_id && span.holds(today);
    projects.retain(|project| spans.iter().any(|span| span.project_id == project.project_id && is_in(span)));
    Ok((line, projects))
}
