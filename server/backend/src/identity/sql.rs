//! Queries of `users`, `sign_ins`, `user_tokens`, `organizations`, `members` and `invitations`.

use crate::{Actor, Error, OrgScope, Visible};
use chrono::{DateTime, Utc};
use domain::identity::{Email, Organization, Role};
use domain::ids::{OrgId, UserId};
use domain::period::Zone;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

// --- users

pub(super) async fn insert_user(
    connection: &mut PgConnection,
    user_id: UserId,
    email: &Email,
    email_verified_at: Option<DateTime<Utc>>,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into users (user_id, email, email_verified_at, password_hash, created_at) values ($1, $2, $3, $4, $5)",
    )
    .bind(user_id.0)
    .bind(email.as_str())
    .bind(email_verified_at)
    .bind(password_hash)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn user_id_of(executor: impl PgExecutor<'_>, email: &Email) -> Result<Option<UserId>, Error> {
    let id: Option<uuid::Uuid> = sqlx::query_scalar("select user_id from users where email = $1")
        .bind(email.as_str())
        .fetch_optional(executor)
        .await?;
    Ok(id.map(UserId))
}

// --- organizations

/// False when the slug is taken.
pub(super) async fn insert_organization(
    connection: &mut PgConnection,
    organization: &Organization,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into organizations (org_id, slug, name, time_zone, currency, fiscal_year_start_month, is_sample, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict on constraint organizations_slug_key do nothing",
    )
    .bind(organization.org_id.0)
    .bind(&organization.slug)
    .bind(&organization.name)
    .bind(&organization.time_zone)
    .bind(&organization.currency)
    .bind(i16::from(organization.fiscal_year_start_month))
    .bind(organization.is_sample)
    .bind(organization.created_at)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn count_owned(connection: &mut PgConnection, user_id: UserId) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from members where user_id = $1 and role = 'owner'")
        .bind(user_id.0)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

/// Makes the member's scope: the one way in for people.
pub(super) async fn member_scope(
    executor: impl PgExecutor<'_>,
    user_id: UserId,
    slug: &str,
) -> Result<Option<OrgScope>, Error> {
    let row = sqlx::query(
        "select organizations.org_id, organizations.time_zone, members.role
         from organizations
         join members on members.org_id = organizations.org_id
         where organizations.slug = $1 and members.user_id = $2",
    )
    .bind(slug)
    .bind(user_id.0)
    .fetch_optional(executor)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let actor = Actor::User { user_id, role: role("members", &row)? };
    Ok(Some(OrgScope::new(OrgId(row.try_get("org_id")?), zone(&row)?, actor, Visible::All)))
}

pub(super) async fn zone_of(executor: impl PgExecutor<'_>, org_id: OrgId) -> Result<Option<Zone>, Error> {
    let row = sqlx::query("select time_zone from organizations where org_id = $1")
        .bind(org_id.0)
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(zone).transpose()
}

pub(super) async fn organization(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
) -> Result<Option<Organization>, Error> {
    let row = sqlx::query("select * from organizations where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(to_organization).transpose()
}

pub(super) async fn organizations_of(
    executor: impl PgExecutor<'_>,
    user_id: UserId,
    limit: i64,
) -> Result<Vec<(Organization, Role)>, Error> {
    let rows = sqlx::query(
        "select organizations.*, members.role
         from members
         join organizations on organizations.org_id = members.org_id
         where members.user_id = $1
         order by lower(organizations.name), organizations.org_id
         limit $2",
    )
    .bind(user_id.0)
    .bind(limit)
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| Ok((to_organization(row)?, role("members", row)?))).collect()
}

/// The oldest organization of this name that the user owns.
pub(super) async fn owned_by_name(
    connection: &mut PgConnection,
    user_id: UserId,
    name: &str,
) -> Result<Option<(OrgId, Zone)>, Error> {
    let row = sqlx::query(
        "select organizations.org_id, organizations.time_zone
         from organizations
         join members on members.org_id = organizations.org_id
         where members.user_id = $1 and members.role = 'owner' and organizations.name = $2
         order by organizations.org_id
         limit 1",
    )
    .bind(user_id.0)
    .bind(name)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((OrgId(row.try_get("org_id")?), zone(&row)?))).transpose()
}

fn to_organization(row: &PgRow) -> Result<Organization, Error> {
    let month: i16 = row.try_get("fiscal_year_start_month")?;
    Ok(Organization {
        org_id: OrgId(row.try_get("org_id")?),
        slug: row.try_get("slug")?,
        name: row.try_get("name")?,
        time_zone: row.try_get("time_zone")?,
        currency: row.try_get("currency")?,
        fiscal_year_start_month: u8::try_from(month)
            .map_err(|_| Error::inconsistent("organizations", "fiscal_year_start_month", month))?,
        is_sample: row.try_get("is_sample")?,
        created_at: row.try_get("created_at")?,
    })
}

fn zone(row: &PgRow) -> Result<Zone, Error> {
    let name: String = row.try_get("time_zone")?;
    Zone::parse(&name).map_err(|_| Error::inconsistent("organizations", "time_zone", name))
}

fn role(table: &'static str, row: &PgRow) -> Result<Role, Error> {
    let word: String = row.try_get("role")?;
    word.parse().map_err(|_| Error::inconsistent(table, "role", word))
}

// --- members

pub(super) async fn insert_member(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query("insert into members (org_id, user_id, role, joined_at) values ($1, $2, $3, $4)")
        .bind(scope.org_id().0)
        .bind(user_id.0)
        .bind(role.as_str())
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
