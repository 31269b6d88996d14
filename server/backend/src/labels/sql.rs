//! Queries of `value_aliases` and `required_labels`.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::ProjectId;
use domain::label::{NewAlias, RequiredLabel, ValueAlias};
use domain::spend::Dimension;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

fn dimension(table: &'static str, row: &PgRow) -> Result<Dimension, Error> {
    let name: String = row.try_get("dimension")?;
    name.parse().map_err(|_| Error::inconsistent(table, "dimension", name))
}

/// All aliases by label, and those of one value together.
pub(super) async fn aliases(pool: &PgPool, scope: &OrgScope) -> Result<Vec<ValueAlias>, Error> {
    let rows = sqlx::query(
        "select a.dimension, a.value, a.canonical, a.created_at,
            coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as created_by
         from value_aliases as a
         left join users on users.user_id = a.user_id
         left join api_keys on api_keys.org_id = a.org_id and api_keys.key_id = a.key_id
         where a.org_id = $1 order by a.dimension, lower(a.canonical), a.canonical, lower(a.value), a.value",
    )
    .bind(scope.org_id().0)
    .fetch_all(pool)
    .await?;
    let alias = |row: &PgRow| {
        Ok(ValueAlias {
            dimension: dimension("value_aliases", row)?,
            value: row.try_get("value")?,
            canonical: row.try_get("canonical")?,
            created_at: scope.zone().local(row.try_get("created_at")?),
            created_by: row.try_get("created_by")?,
        })
    };
    rows.iter().map(alias).collect()
}

/// As which value another counts; none where it counts as itself.
pub(super) async fn canonical(
    connection: &mut PgConnection,
    scope: &OrgScope,
    label: &Dimension,
    value: &str,
) -> Result<Option<String>, Error> {
    let of =
        sqlx::query_scalar("select canonical from value_aliases where org_id = $1 and dimension = $2 and value = $3");
    Ok(of.bind(scope.org_id().0).bind(label.name()).bind(value).fetch_optional(connection).await?)
}

pub(super) async fn count_aliases(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from value_aliases where org_id = $1");
    Ok(count.bind(scope.org_id().0).fetch_one(connection).await?)
}

/// The value counts as the canonical one from now on, and so does what counted as it.
pub(super) async fn enter(
    connection: &mut PgConnection,
    scope: &OrgScope,
    alias: &NewAlias,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update value_aliases set canonical = $4 where org_id = $1 and dimension = $2 and canonical = $3")
        .bind(scope.org_id().0)
        .bind(alias.dimension.name())
        .bind(&alias.value)
        .bind(&alias.canonical)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "insert into value_aliases (org_id, dimension, value, canonical, created_at, user_id, key_id)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint value_aliases_pkey do update set canonical = excluded.canonical,
            created_at = excluded.created_at, user_id = excluded.user_id, key_id = excluded.key_id",
    )
    .bind(scope.org_id().0)
    .bind(alias.dimension.name())
    .bind(&alias.value)
    .bind(&alias.canonical)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// The value counts as itself again; as which it counted.
pub(super) async fn remove(
    connection: &mut PgConnection,
    scope: &OrgScope,
    label: &Dimension,
    value: &str,
) -> Result<Option<String>, Error> {
    let removed = sqlx::query_scalar(
        "delete from value_aliases where org_id = $1 and dimension = $2 and value = $3 returning canonical",
    );
    Ok(removed.bind(scope.org_id().0).bind(label.name()).bind(value).fetch_optional(connection).await?)
}

/// Labels that events should carry, those of all projects first.
pub(super) async fn required(pool: &PgPool, scope: &OrgScope) -> Result<Vec<RequiredLabel>, Error> {
    let rows = sqlx::query(
        "select required.dimension, projects.slug from required_labels as required
         left join projects on projects.org_id = required.org_id and projects.project_id = required.project_id
         where required.org_id = $1 and ($2::uuid[] is null or required.project_id is null or required.project_id = any($2))
         order by projects.slug nulls first, required.dimension",
    );
    let rows = rows.bind(scope.org_id().0).bind(scope.visible_projects()).fetch_all(pool).await?;
    let label = |row: &PgRow| {
        Ok(RequiredLabel { dimension: dimension("required_labels", row)?, project: row.try_get("slug")? })
    };
    rows.iter().map(label).collect()
}

pub(super) async fn count_required(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from required_labels where org_id = $1");
    Ok(count.bind(scope.org_id().0).fetch_one(connection).await?)
}

/// Whether it is new.
pub(super) async fn require(
    connection: &mut PgConnection,
    scope: &OrgScope,
    label: &Dimension,
    project: Option<ProjectId>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into required_labels (org_id, dimension, project_id, created_at) values ($1, $2, $3, $4)
         on conflict on constraint required_labels_key do nothing",
    )
    .bind(scope.org_id().0)
    .bind(label.name())
    .bind(project.map(|id| id.0))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether it was there.
pub(super) async fn release(
    connection: &mut PgConnection,
    scope: &OrgScope,
    label: &Dimension,
    project: Option<ProjectId>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "delete from required_labels where org_id = $1 and dimension = $2 and project_id is not distinct from $3",
    );
    let done = done.bind(scope.org_id().0).bind(label.name()).bind(project.map(|id| id.0));
    Ok(done.execute(connection).await?.rows_affected() == 1)
}
