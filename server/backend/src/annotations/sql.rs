//! Queries of `annotations`.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::annotation::{Annotation, AnnotationKind, NewAnnotation};
use domain::budget::SpendScope;
use domain::ids::AnnotationId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use uuid::Uuid;

/// What the caller sees: what concerns everybody, or a project or team that they see.
macro_rules! annotations {
    ($end:literal) => {
        concat!(
            "select a.annotation_id, a.sent_id, a.kind, a.text, a.from_at, a.to_at, a.link,
                projects.slug as project, teams.slug as team,
                coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as recorded_by
             from annotations as a
             left join projects on projects.org_id = a.org_id and projects.project_id = a.project_id
             left join teams on teams.org_id = a.org_id and teams.team_id = a.team_id
             left join users on users.user_id = a.user_id
             left join api_keys on api_keys.org_id = a.org_id and api_keys.key_id = a.key_id
             where a.org_id = $1 and ($2::uuid[] is null or coalesce(a.project_id, a.team_id) = any($2)
                 or coalesce(a.project_id, a.team_id) is null) ",
            $end
        )
    };
}

fn annotation(scope: &OrgScope, row: &PgRow) -> Result<Annotation, Error> {
    let kind: String = row.try_get("kind")?;
    let local = |at: DateTime<Utc>| scope.zone().local(at);
    Ok(Annotation {
        annotation_id: Some(AnnotationId(row.try_get("annotation_id")?)),
        sent_id: row.try_get("sent_id")?,
        kind: AnnotationKind::read(&kind).ok_or_else(|| Error::inconsistent("annotations", "kind", &kind))?,
        text: row.try_get("text")?,
        from: local(row.try_get("from_at")?),
        to: row.try_get::<Option<DateTime<Utc>>, _>("to_at")?.map(local),
        project: row.try_get("project")?,
        team: row.try_get("team")?,
        link: row.try_get("link")?,
        recorded_by: row.try_get("recorded_by")?,
    })
}

/// The newest of a span that concern a part, in order of time.
pub(super) async fn list(
    pool: &PgPool,
    scope: &OrgScope,
    part: SpendScope,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Annotation>, Error> {
    let (project, team) = ids(part);
    let rows = sqlx::query(annotations!(
        "and a.deleted_at is null and a.from_at < $4 and (a.from_at >= $3 or a.to_at > $3)
           and ($5::uuid is null or a.project_id = $5 or a.project_id is null and (a.team_id is null or exists (
               select 1 from project_ownership as o
               where o.org_id = a.org_id and o.team_id = a.team_id and o.project_id = $5)))
           and ($6::uuid is null or a.team_id = $6 or a.team_id is null and (a.project_id is null or exists (
               select 1 from project_ownership as o
               where o.org_id = a.org_id and o.team_id = $6 and o.project_id = a.project_id)))
         order by a.from_at desc, a.annotation_id desc limit $7"
    ));
    let rows = rows.bind(scope.org_id().0).bind(scope.visible_owners()).bind(from).bind(to).bind(project).bind(team);
    let rows = rows.bind(super::MAX_LISTED).fetch_all(pool).await?;
    rows.iter().rev().map(|row| annotation(scope, row)).collect()
}

fn ids(part: SpendScope) -> (Option<Uuid>, Option<Uuid>) {
    match part {
        SpendScope::Organization => (None, None),
        SpendScope::Team(team) => (None, Some(team.0)),
        SpendScope::Project(project) => (Some(project.0), None),
    }
}

/// By what one annotation is found.
pub(super) enum By<'a> {
    Id(AnnotationId),
    SentId(&'a str),
}

/// One that the caller sees; deleted ones too where they are wanted.
pub(super) async fn find(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    by: By<'_>,
    deleted: bool,
) -> Result<Option<Annotation>, Error> {
    let (id, sent_id) = match by {
        By::Id(id) => (Some(id.0), None),
        By::SentId(sent_id) => (None, Some(sent_id)),
    };
    let row = sqlx::query(annotations!(
        "and ($3::uuid is null or a.annotation_id = $3) and ($4::text is null or a.sent_id = $4)
           and ($5 or a.deleted_at is null)"
    ));
    let row = row.bind(scope.org_id().0).bind(scope.visible_owners()).bind(id).bind(sent_id).bind(deleted);
    row.fetch_optional(db).await?.map(|row| annotation(scope, &row)).transpose()
}

pub(super) async fn count(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from annotations where org_id = $1");
    Ok(count.bind(scope.org_id().0).fetch_one(connection).await?)
}

/// Takes away what was deleted before a moment.
pub(super) async fn forget(
    connection: &mut PgConnection,
    scope: &OrgScope,
    before: DateTime<Utc>,
) -> Result<(), Error> {
    let forget = sqlx::query("delete from annotations where org_id = $1 and deleted_at < $2");
    forget.bind(scope.org_id().0).bind(before).execute(connection).await?;
    Ok(())
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    annotation_id: AnnotationId,
    new: &NewAnnotation,
    part: SpendScope,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (project, team) = ids(part);
    sqlx::query(
        "insert into annotations (org_id, annotation_id, sent_id, kind, text, from_at, to_at, project_id, team_id, link,
             user_id, key_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(scope.org_id().0)
    .bind(annotation_id.0)
    .bind(&new.sent_id)
    .bind(new.kind.as_str())
    .bind(&new.text)
    .bind(new.from)
    .bind(new.to)
    .bind(project)
    .bind(team)
    .bind(&new.link)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn update(
    connection: &mut PgConnection,
    scope: &OrgScope,
    annotation_id: AnnotationId,
    new: &NewAnnotation,
    part: SpendScope,
) -> Result<(), Error> {
    let (project, team) = ids(part);
    sqlx::query(
        "update annotations set kind = $3, text = $4, from_at = $5, to_at = $6, project_id = $7, team_id = $8, link = $9
         where org_id = $1 and annotation_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(annotation_id.0)
    .bind(new.kind.as_str())
    .bind(&new.text)
    .bind(new.from)
    .bind(new.to)
    .bind(project)
    .bind(team)
    .bind(&new.link)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether that changed anything.
pub(super) async fn set_deleted(
    connection: &mut PgConnection,
    scope: &OrgScope,
    annotation_id: AnnotationId,
    at: Option<DateTime<Utc>>,
) -> Result<bool, Error> {
    let set = sqlx::query(
        "update annotations set deleted_at = $3 where org_id = $1 and annotation_id = $2
           and (deleted_at is null) is distinct from ($3::timestamptz is null)",
    );
    let done = set.bind(scope.org_id().0).bind(annotation_id.0).bind(at).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}
