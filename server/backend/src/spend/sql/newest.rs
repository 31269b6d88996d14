//! When the newest events happened.

use super::{Query, push_part};
use crate::ledger::push_seen_days;
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
    push_seen_days(&mut sql, scope, "r.project_id", "r.day");
    push_part(&mut sql, scope, part, "r.day");
    Ok(sql.build_query_scalar().fetch_one(pool).await?)
}

/// When the newest event of each visible project happened.
pub(in crate::spend) async fn newest_by_project(
    pool: &PgPool,
    scope: &OrgScope,
) -> Result<Vec<(ProjectId, DateTime<Utc>)>, Error> {
    let rows = sqlx::query_as(
        "select project_id, max(happened_at) from newest_events
         where org_id = $1 and ($2::uuid[] is null or project_id = any($2)) group by project_id order by project_id",
    );
    let rows: Vec<(Uuid, DateTime<Utc>)> =
        rows.bind(scope.org_id().0).bind(scope.visible_projects()).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(project, at)| (ProjectId(project), at)).collect())
}
