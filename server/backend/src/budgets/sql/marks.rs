//! Queries of `dirty_marks`: which organizations are to be looked at, across all of them. The worker's own view, no caller's.

use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{OrgId, ProjectId};
use domain::period::Period;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// Organizations with marks, at most `limit`.
pub(in crate::budgets) async fn marked(pool: &PgPool, limit: i64) -> Result<Vec<OrgId>, Error> {
    // Step by step along the key: marks of one organization may be many, and a distributed table knows no recursion across organizations.
    let mut found: Vec<OrgId> = Vec::new();
    for _ in 0..limit {
        let next: Option<Uuid> = sqlx::query_scalar(
            "select org_id from dirty_marks where $1::uuid is null or org_id > $1 order by org_id limit 1",
        )
        .bind(found.last().map(|org_id| org_id.0))
        .fetch_optional(pool)
        .await?;
        let Some(next) = next else { break };
        found.push(OrgId(next));
    }
    Ok(found)
}

/// An array, and not `in`: what is taken is found first and then looked up by key, whatever PostgreSQL believes of a table that was empty when it last counted. As a join it compared all with all, for minutes, and kept every table's dead rows alive meanwhile.
pub(in crate::budgets) const TAKE_MARKS: &str = "delete from dirty_marks
     where org_id = $1 and mark_id = any(array(
         select mark_id from dirty_marks where org_id = $1 order by mark_id limit $2 for update skip locked))
     returning project_id, day, created_at";

/// A mark: what moved, and when that was acknowledged.
pub(in crate::budgets) struct Mark {
    pub(in crate::budgets) project: ProjectId,
    pub(in crate::budgets) day: NaiveDate,
    pub(in crate::budgets) at: DateTime<Utc>,
}

/// Takes marks of one organization that no other server holds; they are gone with the commit.
pub(in crate::budgets) async fn take_marks(
    connection: &mut PgConnection,
    org_id: OrgId,
    limit: i64,
) -> Result<Vec<Mark>, Error> {
    let rows = sqlx::query(TAKE_MARKS).bind(org_id.0).bind(limit).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let project = ProjectId(row.try_get("project_id")?);
            Ok(Mark { project, day: row.try_get("day")?, at: row.try_get("created_at")? })
        })
        .collect()
}

/// Whether a mark from before an instant, of a month (of one project or any), still waits or is in another server's hands.
pub(in crate::budgets) async fn is_marked_before(
    connection: &mut PgConnection,
    scope: &OrgScope,
    month: Period,
    project: Option<ProjectId>,
    before: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (
             select 1 from dirty_marks
             where org_id = $1 and day >= $2 and day < $3 and ($4::uuid is null or project_id = $4) and created_at < $5)",
    )
    .bind(scope.org_id().0)
    .bind(month.from)
    .bind(month.to)
    .bind(project.map(|id| id.0))
    .bind(before)
    .fetch_one(connection)
    .await?)
}

/// The organizations after `after` that have an active budget.
pub(in crate::budgets) async fn with_budgets(
    pool: &PgPool,
    after: Option<OrgId>,
    limit: i64,
) -> Result<Vec<OrgId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "select distinct org_id from budgets
         where archived_at is null and ($1::uuid is null or org_id > $1)
         order by org_id
         limit $2",
    )
    .bind(after.map(|id| id.0))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrgId).collect())
}
