//! Queries of `api_keys` and `api_key_hashes`.

use super::KeyCaller;
use super::format::KeyHash;
use crate::{Actor, Error, OrgScope, Visible};
use chrono::{DateTime, Utc};
use domain::identity::KeyScope;
use domain::ids::{KeyId, OrgId, ProjectId, UserId};
use domain::period::Zone;
use domain::project::{ApiKey, KeyProject};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use uuid::Uuid;

/// Servers listen here; a notice says "some key or its organization changed".
pub(super) const CHANNEL: &str = "tallystick_keys";

pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    key: &ApiKey,
    hash: KeyHash,
) -> Result<(), Error> {
    let bound = match key.project {
        KeyProject::Bound(project) => Some(project.0),
        KeyProject::AllWithDefault(_) => None,
    };
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    sqlx::query(
        "insert into api_keys
             (org_id, key_id, name, prefix, last_four, scopes, project_id, default_project_id, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(scope.org_id().0)
    .bind(key.key_id.0)
    .bind(&key.name)
    .bind(&key.prefix)
    .bind(&key.last_four)
    .bind(scopes)
    .bind(bound)
    .bind(key.project.default_project().0)
    .bind(scope.user_id().map(|id| id.0))
    .bind(key.created_at)
    .bind(key.expires_at)
    .execute(&mut *connection)
    .await?;
    sqlx::query("insert into api_key_hashes (key_hash, org_id, key_id) values ($1, $2, $3)")
        .bind(hash.as_bytes())
        .bind(scope.org_id().0)
        .bind(key.key_id.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Keys that still work.
pub(super) async fn count_live(
    connection: &mut PgConnection,
    scope: &OrgScope,
    now: DateTime<Utc>,
) -> Result<i64, Error> {
    let count = sqlx::query_scalar(
        "select count(*) from api_keys
         where org_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
    )
    .bind(scope.org_id().0)
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// The newest first, at most `limit`; keys that work before those that do not.
pub(super) async fn list(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<ApiKey>, Error> {
    let rows = sqlx::query(
        "select * from api_keys
         where org_id = $1 and ($2::uuid[] is null or project_id = any ($2))
         order by revoked_at is not null, key_id desc
         limit $3",
    )
    .bind(scope.org_id().0)
    .bind(scope.visible_projects())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(key).collect()
}

/// One key, where it is visible.
macro_rules! one {
    ($how:literal) => {
        concat!(
            "select * from api_keys
             where org_id = $1 and key_id = $2 and ($3::uuid[] is null or project_id = any ($3))",
            $how
        )
    };
}

/// The key, where it is visible.
pub(super) async fn find(pool: &PgPool, scope: &OrgScope, key_id: KeyId) -> Result<Option<ApiKey>, Error> {
    one(pool, scope, key_id, one!("")).await
}

/// The same, locked for a change.
pub(super) async fn lock(
    connection: &mut PgConnection,
    scope: &OrgScope,
    key_id: KeyId,
) -> Result<Option<ApiKey>, Error> {
    one(connection, scope, key_id, one!(" for update")).await
}

async fn one(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    key_id: KeyId,
    sql: &'static str,
) -> Result<Option<ApiKey>, Error> {
    let row = sqlx::query(sql).bind(scope.org_id().0).bind(key_id.0).bind(scope.visible_projects());
    row.fetch_optional(db).await?.as_ref().map(key).transpose()
}

pub(super) async fn revoke(
    connection: &mut PgConnection,
    scope: &OrgScope,
    key_id: KeyId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update api_keys set revoked_at = $3 where org_id = $1 and key_id = $2")
        .bind(scope.org_id().0)
        .bind(key_id.0)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Those that a person made, that still work, and that read more than some projects; how lists name them.
pub(super) async fn revoke_reading_more(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    projects: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "update api_keys set revoked_at = $3
         where org_id = $1 and created_by = $2 and revoked_at is null and (expires_at is null or expires_at > $3)
           and scopes <> '{ingest}' and (project_id is null or project_id <> all ($4))
         returning name || ' (…' || last_four || ')'",
    )
    .bind(scope.org_id().0)
    .bind(user_id.0)
    .bind(now)
    .bind(projects)
    .fetch_all(connection)
    .await?)
}

/// Those that a person made and that still work; how lists name them.
pub(super) async fn revoke_made_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "update api_keys set revoked_at = $3
         where org_id = $1 and created_by = $2 and revoked_at is null and (expires_at is null or expires_at > $3)
         returning name || ' (…' || last_four || ')'",
    )
    .bind(scope.org_id().0)
    .bind(user_id.0)
    .bind(now)
    .fetch_all(connection)
    .await?)
}

/// Delivered to every server when the transaction commits.
pub(super) async fn notify(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(connection).await?;
    Ok(())
}

/// At most once a minute, whatever the number of servers.
pub(super) async fn touch(pool: &PgPool, scope: &OrgScope, key_id: KeyId, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update api_keys set last_used_at = $3
         where org_id = $1 and key_id = $2 and (last_used_at is null or last_used_at <= $3 - interval '1 minute')",
    )
    .bind(scope.org_id().0)
    .bind(key_id.0)
    .bind(now)
    .execute(pool)
    .await?;
    Ok(())
}

/// The caller behind a secret, if the key was not revoked. The one query of an organization that knows no scope yet: it makes one.
pub(super) async fn caller(pool: &PgPool, hash: KeyHash) -> Result<Option<KeyCaller>, Error> {
    let row = sqlx::query(
        "select api_keys.*, organizations.time_zone, organizations.fiscal_year_start_month, organizations.deletes_at
         from api_key_hashes
         join api_keys on api_keys.org_id = api_key_hashes.org_id and api_keys.key_id = api_key_hashes.key_id
         join organizations on organizations.org_id = api_keys.org_id
         where api_key_hashes.key_hash = $1 and api_keys.revoked_at is null",
    )
    .bind(hash.as_bytes())
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(key_caller).transpose()
}

/// The visible key with this id as a caller, if it works.
pub(super) async fn live(
    pool: &PgPool,
    scope: &OrgScope,
    key_id: KeyId,
    now: DateTime<Utc>,
) -> Result<Option<KeyCaller>, Error> {
    let row = sqlx::query(
        "select api_keys.*, organizations.time_zone, organizations.fiscal_year_start_month, organizations.deletes_at
         from api_keys
         join organizations on organizations.org_id = api_keys.org_id
         where api_keys.org_id = $1 and api_keys.key_id = $2 and api_keys.revoked_at is null
             and (api_keys.expires_at is null or api_keys.expires_at > $3)
             and ($4::uuid[] is null or api_keys.project_id = any ($4))",
    )
    .bind(scope.org_id().0)
    .bind(key_id.0)
    .bind(now)
    .bind(scope.visible_projects())
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(key_caller).transpose()
}

fn key_caller(row: &PgRow) -> Result<KeyCaller, Error> {
    let key = key(row)?;
    let org_id = OrgId(row.try_get("org_id")?);
    let zone: String = row.try_get("time_zone")?;
    let zone = Zone::parse(&zone).map_err(|_| Error::inconsistent("organizations", "time_zone", zone))?;
    let visible = match key.project {
        KeyProject::Bound(project) => Visible::project(project),
        KeyProject::AllWithDefault(_) => Visible::All,
    };
    let actor = Actor::Key {
        key_id: key.key_id,
        scopes: key.scopes.iter().copied().collect(),
        default_project: key.project.default_project(),
    };
    let scope = OrgScope::new(org_id, zone, actor, visible)
        .fiscal_year_from(row.try_get("fiscal_year_start_month")?)?
        .deleted_at(row.try_get("deletes_at")?);
    Ok(KeyCaller { scope, key })
}

fn key(row: &PgRow) -> Result<ApiKey, Error> {
    let scopes: Vec<String> = row.try_get("scopes")?;
    let scopes = scopes
        .iter()
        .map(|word| word.parse().map_err(|_| Error::inconsistent("api_keys", "scopes", word)))
        .collect::<Result<Vec<KeyScope>, Error>>()?;
    let default_project = ProjectId(row.try_get("default_project_id")?);
    let bound: Option<Uuid> = row.try_get("project_id")?;
    Ok(ApiKey {
        key_id: KeyId(row.try_get("key_id")?),
        name: row.try_get("name")?,
        prefix: row.try_get("prefix")?,
        last_four: row.try_get("last_four")?,
        scopes,
        project: match bound {
            Some(project) => KeyProject::Bound(ProjectId(project)),
            None => KeyProject::AllWithDefault(default_project),
        },
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        last_used_at: row.try_get("last_used_at")?,
    })
}
