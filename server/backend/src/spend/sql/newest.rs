//! When the newest events happened.

use super::{Query, push_part, push_visible};
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::SpendScope;
use domain::ids::ProjectId;
use sqlx::PgPool;
use uuid::Uuid;

/// When the newest event of a part happened.
pub(in crate::spend) async fn newest_event_at(
    pool: &PgPool,
    scope: &OrgScope,
    part: SpendScope,
    today: NaiveDate,
) -> Result<Option<DateTime<Utc>>, Error> {
    let mut sql = Query::new("select max(r.happened_at) from (select *, ");
    sql.push_bind(today).push(" as day from newest_events where org_id = ").push_bind(scope.org_id().0);
    sql.push(") as r where true");
    push_visible(&mut sql, scope, "r.");
    push_part(&mut sql, scope, part, "r.day");
    Ok(sql.build_query_scalar().fetch_one(pool).await?)
}

/// When the newest event of each visible project happened.
pub(in crate::spend) async fn newest_by_project(
    pool: &PgPool,
    scope: &OrgScope,
) -> Result<Vec<(ProjectId, DateTime<Utc>)>, Error> {
    let mut sql = Query::new("select r.project_id, max(r.happened_at) from newest_events as r where r.org_id = ");
    sql.push_bind(scope.org_id().0);
    push_visible(&mut sql, scope, "r.");
    sql.push(" group by r.project_id order by r.project_id");
    let rows: Vec<(Uuid, DateTime<Utc>)> = sql.build_query_as().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(project, at)| (ProjectId(project), at)).collect())
}
