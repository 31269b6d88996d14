//! Queries of `teams`, `projects` and `project_ownership`, and what belonged to what when.

pub(super) mod product_lines;

use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{OrgId, ProjectId, TeamId};
use domain::project::{Owner, Ownership, Project, Slug, Team};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool, Row};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

pub(super) async fn insert_team(
    connection: &mut PgConnection,
    scope: &OrgScope,
    team: &Team,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into teams (org_id, team_id, slug, name, cost_centre, created_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(scope.org_id().0)
    .bind(team.team_id.0)
    .bind(team.slug.as_str())
    .bind(&team.name)
    .bind(&team.cost_centre)
    .bind(team.created_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// With its first owner, since the beginning of time.
pub(super) async fn insert_project(
    connection: &mut PgConnection,
    scope: &OrgScope,
    project: &Project,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into projects (org_id, project_id, slug, name, cost_centre, created_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(scope.org_id().0)
    .bind(project.project_id.0)
    .bind(project.slug.as_str())
    .bind(&project.name)
    .bind(&project.cost_centre)
    .bind(project.created_at)
    .execute(&mut *connection)
    .await?;
    insert_span(connection, scope, Level::Team, (project.project_id, project.team_id.0), None).await
}

pub(super) async fn ids_by_slug(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    slugs: &[&str],
) -> Result<Vec<(String, ProjectId)>, Error> {
    let rows = sqlx::query("select slug, project_id from projects where org_id = $1 and slug = any($2)")
        .bind(scope.org_id().0)
        .bind(slugs)
        .fetch_all(executor)
        .await?;
    rows.into_iter().map(|row| Ok((row.try_get("slug")?, ProjectId(row.try_get("project_id")?)))).collect()
}

/// Visible teams in order of name; for a key of one project its owner (on `today`).
pub(super) async fn teams(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    today: NaiveDate,
    limit: i64,
) -> Result<Vec<Team>, Error> {
    let rows = sqlx::query(
        "select * from teams
         where org_id = $1
           and ($2::uuid[] is null or team_id = any($5) or cardinality($5) = 0 and exists (
               select 1 from project_ownership
               where project_ownership.org_id = teams.org_id and project_ownership.team_id = teams.team_id
                 and project_ownership.project_id = any ($2)
                 and project_ownership.valid_from <= $3 and project_ownership.valid_to > $3))
         order by lower(name), team_id
         limit $4",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(today)
    .bind(limit)
    .bind(scope.visible_teams())
    .fetch_all(executor)
    .await?;
    rows.iter().map(team).collect()
}

pub(super) async fn count_teams(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from teams where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

pub(super) async fn count_projects(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from projects where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

/// Visible projects in order of name, with their owner on `today`.
pub(super) async fn projects(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    today: NaiveDate,
    limit: i64,
) -> Result<Vec<Project>, Error> {
    let rows = sqlx::query(
        "select projects.*, project_ownership.team_id
         from projects
         join project_ownership on project_ownership.org_id = projects.org_id
           and project_ownership.project_id = projects.project_id
           and project_ownership.valid_from <= $3 and project_ownership.valid_to > $3
         where projects.org_id = $1 and ($2::uuid[] is null or projects.project_id = any ($2))
         order by lower(projects.name), projects.project_id
         limit $4",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(today)
    .bind(limit)
    .fetch_all(executor)
    .await?;
    rows.iter().map(project).collect()
}

/// A visible project by one of its names.
pub(super) async fn project_by(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    today: NaiveDate,
    project_id: Option<ProjectId>,
    slug: Option<&str>,
) -> Result<Option<Project>, Error> {
    let row = sqlx::query(
        "select projects.*, project_ownership.team_id
         from projects
         join project_ownership on project_ownership.org_id = projects.org_id
           and project_ownership.project_id = projects.project_id
           and project_ownership.valid_from <= $3 and project_ownership.valid_to > $3
         where projects.org_id = $1 and ($2::uuid[] is null or projects.project_id = any ($2))
           and (projects.project_id = $4 or projects.slug = $5)",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(today)
    .bind(project_id.map(|id| id.0))
    .bind(slug)
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(project).transpose()
}

/// A team by one of its names, regardless of what the caller sees.
pub(super) async fn team_by(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    team_id: Option<TeamId>,
    slug: Option<&str>,
) -> Result<Option<Team>, Error> {
    let row = sqlx::query("select * from teams where org_id = $1 and (team_id = $2 or slug = $3)")
        .bind(scope.org_id().0)
        .bind(team_id.map(|id| id.0))
        .bind(slug)
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(team).transpose()
}

/// Holds off other changes of the team or project until the transaction ends.
pub(super) async fn lock_team(connection: &mut PgConnection, scope: &OrgScope, team_id: TeamId) -> Result<(), Error> {
    sqlx::query("select 1 from teams where org_id = $1 and team_id = $2 for update")
        .bind(scope.org_id().0)
        .bind(team_id.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// See [`lock_team`].
pub(super) async fn lock_project(
    connection: &mut PgConnection,
    scope: &OrgScope,
    project_id: ProjectId,
) -> Result<(), Error> {
    sqlx::query("select 1 from projects where org_id = $1 and project_id = $2 for update")
        .bind(scope.org_id().0)
        .bind(project_id.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn update_team(connection: &mut PgConnection, scope: &OrgScope, team: &Team) -> Result<(), Error> {
    sqlx::query("update teams set name = $3, cost_centre = $4, archived_at = $5 where org_id = $1 and team_id = $2")
        .bind(scope.org_id().0)
        .bind(team.team_id.0)
        .bind(&team.name)
        .bind(&team.cost_centre)
        .bind(team.archived_at)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn update_project(
    connection: &mut PgConnection,
    scope: &OrgScope,
    project: &Project,
) -> Result<(), Error> {
    sqlx::query(
        "update projects set name = $3, cost_centre = $4, archived_at = $5 where org_id = $1 and project_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(project.project_id.0)
    .bind(&project.name)
    .bind(&project.cost_centre)
    .bind(project.archived_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// What projects belong to from day to day.
#[derive(Clone, Copy)]
pub(super) enum Level {
    /// Every day has one.
    Team,
    /// A day has one at most.
    ProductLine,
}

impl Level {
    /// The table of its spans, and the column that says to which.
    const fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Team => ("project_ownership", "team_id"),
            Self::ProductLine => ("project_product_lines", "product_line_id"),
        }
    }
}

/// Whether a project that is in use belongs to it, today or later.
pub(super) async fn holds_live_projects(
    connection: &mut PgConnection,
    scope: &OrgScope,
    level: Level,
    of: Uuid,
    today: NaiveDate,
) -> Result<bool, Error> {
    let (table, column) = level.table();
    let sql = format!(
        "select exists (select 1 from {table} join projects using (org_id, project_id)
             where org_id = $1 and {column} = $2 and valid_to > $3 and archived_at is null)"
    );
    let held = sqlx::query_scalar(AssertSqlSafe(sql)).bind(scope.org_id().0).bind(of).bind(today);
    Ok(held.fetch_one(connection).await?)
}

/// Owners of the visible projects (or of one), in order of time; for who sees some teams, the days of these.
pub(super) async fn ownership(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    project_id: Option<ProjectId>,
) -> Result<Vec<Ownership>, Error> {
    // Infinite dates have no counterpart in chrono; an open end is none.
    let rows = sqlx::query(
        "select project_id, team_id, nullif(valid_from, '-infinity') as valid_from, nullif(valid_to, 'infinity') as valid_to
         from project_ownership
         where org_id = $1 and ($2::uuid[] is null or project_id = any ($2)) and ($3::uuid is null or project_id = $3)
           and ($4::uuid[] is null or cardinality($4) = 0 or team_id = any ($4))
         order by project_ownership.project_id, project_ownership.valid_from",
    )
    .bind(scope.org_id().0)
    .bind(scope.projects_ever())
    .bind(project_id.map(|id| id.0))
    .bind(scope.visible_teams())
    .fetch_all(executor)
    .await?;
    rows.iter().map(span).collect()
}

/// What some teams owned and own, in the organization of this id: it makes a scope.
pub(crate) async fn owned_by(pool: &PgPool, org_id: OrgId, teams: &[Uuid]) -> Result<Vec<Ownership>, Error> {
    let rows = sqlx::query(
        "select project_id, team_id, nullif(valid_from, '-infinity') as valid_from, nullif(valid_to, 'infinity') as valid_to
         from project_ownership where org_id = $1 and team_id = any($2)",
    );
    rows.bind(org_id.0).bind(teams).fetch_all(pool).await?.iter().map(span).collect()
}

/// Projects on days: their names, the team that owned them then, and the cost centre.
pub(crate) async fn owners_on(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    wanted: &BTreeSet<(ProjectId, NaiveDate)>,
) -> Result<HashMap<(ProjectId, NaiveDate), Owner>, Error> {
    let rows = sqlx::query(
        "select asked.project_id, asked.day, projects.slug, projects.name, teams.slug as team,
            coalesce(projects.cost_centre, teams.cost_centre) as cost_centre
         from unnest($2::uuid[], $3::date[]) as asked (project_id, day)
         join projects on projects.org_id = $1 and projects.project_id = asked.project_id
         left join project_ownership as owner on owner.org_id = $1 and owner.project_id = asked.project_id
            and owner.valid_from <= asked.day and owner.valid_to > asked.day
         left join teams on teams.org_id = $1 and teams.team_id = owner.team_id",
    )
    .bind(scope.org_id().0)
    .bind(wanted.iter().map(|(project, _)| project.0).collect::<Vec<_>>())
    .bind(wanted.iter().map(|(_, day)| *day).collect::<Vec<_>>())
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| {
            let owner = Owner {
                project: row.try_get("slug")?,
                project_name: row.try_get("name")?,
                team: row.try_get("team")?,
                cost_centre: row.try_get("cost_centre")?,
            };
            Ok(((ProjectId(row.try_get("project_id")?), row.try_get("day")?), owner))
        })
        .collect()
}

/// A project belongs to this, or to nothing, from the day on (none: since the beginning of time), in place of whatever was planned from then on.
pub(super) async fn belongs_to(
    connection: &mut PgConnection,
    scope: &OrgScope,
    level: Level,
    project_id: ProjectId,
    to: Option<Uuid>,
    from: Option<NaiveDate>,
) -> Result<(), Error> {
    let (table, column) = level.table();
    let cut = [
        format!(
            "delete from {table} where org_id = $1 and project_id = $2 and valid_from >= coalesce($3, '-infinity'::date)"
        ),
        format!("update {table} set valid_to = $3 where org_id = $1 and project_id = $2 and valid_to > $3"),
    ];
    for sql in cut {
        let cut = sqlx::query(AssertSqlSafe(sql)).bind(scope.org_id().0).bind(project_id.0).bind(from);
        cut.execute(&mut *connection).await?;
    }
    let Some(to) = to else { return Ok(()) };
    // The span that ends there goes on where it is the same one's.
    let extend = format!(
        "update {table} set valid_to = 'infinity' where org_id = $1 and project_id = $2 and {column} = $3 and valid_to = $4"
    );
    let extend = sqlx::query(AssertSqlSafe(extend)).bind(scope.org_id().0).bind(project_id.0).bind(to).bind(from);
    if extend.execute(&mut *connection).await?.rows_affected() == 0 {
        insert_span(connection, scope, level, (project_id, to), from).await?;
    }
    Ok(())
}

/// From the day on (none: since the beginning of time), without an end date.
async fn insert_span(
    connection: &mut PgConnection,
    scope: &OrgScope,
    level: Level,
    (project_id, to): (ProjectId, Uuid),
    from: Option<NaiveDate>,
) -> Result<(), sqlx::Error> {
    let (table, column) = level.table();
    let sql = format!(
        "insert into {table} (org_id, project_id, {column}, valid_from) values ($1, $2, $3, coalesce($4, '-infinity'::date))"
    );
    let insert = sqlx::query(AssertSqlSafe(sql)).bind(scope.org_id().0).bind(project_id.0).bind(to).bind(from);
    insert.execute(connection).await?;
    Ok(())
}

fn span(row: &PgRow) -> Result<Ownership, Error> {
    Ok(Ownership {
        project_id: ProjectId(row.try_get("project_id")?),
        team_id: TeamId(row.try_get("team_id")?),
        valid_from: row.try_get("valid_from")?,
        valid_to: row.try_get("valid_to")?,
    })
}

fn slug(table: &'static str, row: &PgRow) -> Result<Slug, Error> {
    let text: String = row.try_get("slug")?;
    Slug::parse(&text).map_err(|_| Error::inconsistent(table, "slug", text))
}

fn archived_at(row: &PgRow) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(row.try_get("archived_at")?)
}

fn team(row: &PgRow) -> Result<Team, Error> {
    Ok(Team {
        team_id: TeamId(row.try_get("team_id")?),
        slug: slug("teams", row)?,
        name: row.try_get("name")?,
        cost_centre: row.try_get("cost_centre")?,
        created_at: row.try_get("created_at")?,
        archived_at: archived_at(row)?,
    })
}

fn project(row: &PgRow) -> Result<Project, Error> {
    Ok(Project {
        project_id: ProjectId(row.try_get("project_id")?),
        slug: slug("projects", row)?,
        name: row.try_get("name")?,
        cost_centre: row.try_get("cost_centre")?,
        team_id: TeamId(row.try_get("team_id")?),
        created_at: row.try_get("created_at")?,
        archived_at: archived_at(row)?,
    })
}
