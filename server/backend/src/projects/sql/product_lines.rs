//! Queries of `product_lines` and `project_product_lines`.

use super::{archived_at, slug};
use crate::{Error, OrgScope};
use domain::ids::{ProductLineId, ProjectId};
use domain::project::{ProductLine, ProductLineSpan};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

pub(in crate::projects) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    line: &ProductLine,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into product_lines (org_id, product_line_id, slug, name, created_at) values ($1, $2, $3, $4, $5)",
    )
    .bind(scope.org_id().0)
    .bind(line.product_line_id.0)
    .bind(line.slug.as_str())
    .bind(&line.name)
    .bind(line.created_at)
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::projects) async fn update(
    connection: &mut PgConnection,
    scope: &OrgScope,
    line: &ProductLine,
) -> Result<(), Error> {
    sqlx::query("update product_lines set name = $3, archived_at = $4 where org_id = $1 and product_line_id = $2")
        .bind(scope.org_id().0)
        .bind(line.product_line_id.0)
        .bind(&line.name)
        .bind(line.archived_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Holds off other changes of the product line until the transaction ends.
pub(in crate::projects) async fn lock(
    connection: &mut PgConnection,
    scope: &OrgScope,
    line: ProductLineId,
) -> Result<Option<ProductLine>, Error> {
    let row = sqlx::query("select * from product_lines where org_id = $1 and product_line_id = $2 for update")
        .bind(scope.org_id().0)
        .bind(line.0)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Product lines in order of name; for a caller who sees some projects, those that these ever belonged to.
pub(in crate::projects) async fn all(db: impl PgExecutor<'_>, scope: &OrgScope) -> Result<Vec<ProductLine>, Error> {
    let rows = sqlx::query(
        "select * from product_lines as line
         where org_id = $1 and ($2::uuid[] is null or exists (
             select 1 from project_product_lines as span
             where span.org_id = line.org_id and span.product_line_id = line.product_line_id and span.project_id = any ($2)))
         order by lower(name), product_line_id",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .fetch_all(db)
    .await?;
    rows.iter().map(read).collect()
}

/// Which visible project, or which one, belonged to which product line when, by project and in order of time.
pub(in crate::projects) async fn spans(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    project: Option<ProjectId>,
) -> Result<Vec<ProductLineSpan>, Error> {
    // Infinite dates have no counterpart in chrono; an open end is none.
    let rows = sqlx::query(
        "select project_id, product_line_id, nullif(valid_from, '-infinity') as valid_from, nullif(valid_to, 'infinity') as valid_to
         from project_product_lines as span
         where org_id = $1 and ($2::uuid[] is null or project_id = any ($2)) and ($3::uuid is null or project_id = $3)
         order by project_id, span.valid_from",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(project.map(|id| id.0))
    .fetch_all(db)
    .await?;
    let span = |row: &PgRow| {
        Ok(ProductLineSpan {
            project_id: ProjectId(row.try_get("project_id")?),
            product_line_id: ProductLineId(row.try_get("product_line_id")?),
            valid_from: row.try_get("valid_from")?,
            valid_to: row.try_get("valid_to")?,
        })
    };
    rows.iter().map(span).collect()
}

fn read(row: &PgRow) -> Result<ProductLine, Error> {
    Ok(ProductLine {
        product_line_id: ProductLineId(row.try_get("product_line_id")?),
        slug: slug("product_lines", row)?,
        name: row.try_get("name")?,
        created_at: row.try_get("created_at")?,
        archived_at: archived_at(row)?,
    })
}
