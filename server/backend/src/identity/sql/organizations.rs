//! Queries of `organizations`.

use super::members::{role, seen_teams};
use crate::{Actor, Error, OrgScope, Visible, projects};
use chrono::{DateTime, NaiveDate, Utc};
use domain::identity::{Organization, Role};
use domain::ids::{OrgId, TeamId, UserId};
use domain::period::Zone;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::BTreeSet;
use uuid::Uuid;

/// False when the slug is taken.
pub(in crate::identity) async fn insert_organization(
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

/// Those aside that are going to be deleted.
pub(in crate::identity) async fn count_owned(connection: &mut PgConnection, user_id: UserId) -> Result<i64, Error> {
    let count = sqlx::query_scalar(
        "select count(*) from members join organizations using (org_id)
         where user_id = $1 and role = 'owner' and deletes_at is null",
    );
    Ok(count.bind(user_id.0).fetch_one(connection).await?)
}

/// Makes the member's scope as of an instant: the one way in for people.
pub(in crate::identity) async fn member_scope(
    pool: &PgPool,
    user_id: UserId,
    slug: Option<&str>,
    org_id: Option<OrgId>,
    now: DateTime<Utc>,
) -> Result<Option<OrgScope>, Error> {
    let row = sqlx::query(
        "select organizations.org_id, organizations.time_zone, organizations.fiscal_year_start_month, members.role, members.team_ids
         from organizations
         join members on members.org_id = organizations.org_id
         where members.user_id = $1 and (organizations.slug = $2 or organizations.org_id = $3)",
    )
    .bind(user_id.0)
    .bind(slug)
    .bind(org_id.map(|id| id.0))
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let actor = Actor::User { user_id, role: role("members", &row)? };
    let (org_id, zone) = (OrgId(row.try_get("org_id")?), zone(&row)?);
    let visible = match seen_teams(&row)? {
        None => Visible::All,
        Some(teams) => visible_of(pool, org_id, teams, zone.day_of(now)).await?,
    };
    let scope = OrgScope::new(org_id, zone, actor, visible);
    Ok(Some(scope.fiscal_year_from(row.try_get("fiscal_year_start_month")?)?))
}

/// What some teams see on a day.
pub(in crate::identity) async fn visible_of(
    pool: &PgPool,
    org_id: OrgId,
    teams: BTreeSet<TeamId>,
    today: NaiveDate,
) -> Result<Visible, Error> {
    let ids: Vec<Uuid> = teams.iter().map(|team| team.0).collect();
    Ok(Visible::teams(teams, &projects::owned_by(pool, org_id, &ids).await?, today))
}

pub(in crate::identity) async fn zone_of(executor: impl PgExecutor<'_>, org_id: OrgId) -> Result<Option<Zone>, Error> {
    let row = sqlx::query("select time_zone from organizations where org_id = $1")
        .bind(org_id.0)
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(zone).transpose()
}

/// All organizations or the one with this slug (the operator's own view, no caller's).
pub(in crate::identity) async fn zones_by_slug(
    pool: &PgPool,
    slug: Option<&str>,
) -> Result<Vec<(String, OrgId, Zone)>, Error> {
    let rows = sqlx::query(
        "select slug, org_id, time_zone from organizations where $1::text is null or slug = $1 order by slug",
    )
    .bind(slug)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("slug")?, OrgId(row.try_get("org_id")?), zone(row)?))).collect()
}

pub(in crate::identity) async fn organization(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
) -> Result<Option<Organization>, Error> {
    let row = sqlx::query("select * from organizations where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(to_organization).transpose()
}

pub(in crate::identity) async fn organizations_of(
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

/// The oldest organization of this name that the user owns, and that is not going to be deleted.
pub(in crate::identity) async fn owned_by_name(
    connection: &mut PgConnection,
    user_id: UserId,
    name: &str,
) -> Result<Option<(OrgId, Zone)>, Error> {
    let row = sqlx::query(
        "select organizations.org_id, organizations.time_zone
         from organizations
         join members on members.org_id = organizations.org_id
         where members.user_id = $1 and members.role = 'owner' and organizations.name = $2
             and organizations.deletes_at is null
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
        deletes_at: row.try_get("deletes_at")?,
    })
}

pub(super) fn zone(row: &PgRow) -> Result<Zone, Error> {
    let name: String = row.try_get("time_zone")?;
    Zone::parse(&name).map_err(|_| Error::inconsistent("organizations", "time_zone", name))
}

/// Holds off every other change of the organization, its members and invitations until the transaction ends, and nobody who only refers to it. Taken before any of their rows.
pub(crate) async fn lock_organization(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    sqlx::query("select 1 from organizations where org_id = $1 for no key update")
        .bind(scope.org_id().0)
        .execute(connection)
        .await?;
    Ok(())
}

/// The same, unless somebody else holds it: whether it is held now.
pub(in crate::identity) async fn try_lock_organization(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<bool, Error> {
    let row = sqlx::query("select 1 from organizations where org_id = $1 for no key update skip locked")
        .bind(scope.org_id().0)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// The same for one whose time to be deleted has come.
pub(in crate::identity) async fn try_lock_due(
    connection: &mut PgConnection,
    scope: &OrgScope,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let row =
        sqlx::query("select 1 from organizations where org_id = $1 and deletes_at <= $2 for no key update skip locked");
    Ok(row.bind(scope.org_id().0).bind(now).fetch_optional(connection).await?.is_some())
}

pub(in crate::identity) async fn set_zone(
    connection: &mut PgConnection,
    scope: &OrgScope,
    zone: Zone,
) -> Result<(), Error> {
    sqlx::query("update organizations set time_zone = $2 where org_id = $1")
        .bind(scope.org_id().0)
        .bind(zone.name())
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn set_deletion(
    connection: &mut PgConnection,
    scope: &OrgScope,
    at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    sqlx::query("update organizations set deletes_at = $2 where org_id = $1")
        .bind(scope.org_id().0)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Organizations whose time to be deleted has come, the first first (across organizations: the worker's own view, no caller's).
pub(in crate::identity) async fn due_for_deletion(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<OrgId>, Error> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("select org_id from organizations where deletes_at <= $1 order by deletes_at, org_id")
            .bind(now)
            .fetch_all(pool)
            .await?;
    Ok(ids.into_iter().map(OrgId).collect())
}

/// Deletes what lets people and keys in; whether there was any.
pub(in crate::identity) async fn shut_out(connection: &mut PgConnection, scope: &OrgScope) -> Result<bool, Error> {
    let mut any = false;
    for sql in [
        "delete from members where org_id = $1",
        "delete from invitations where org_id = $1",
        "delete from api_key_hashes where org_id = $1",
    ] {
        any |= sqlx::query(sql).bind(scope.org_id().0).execute(&mut *connection).await?.rows_affected() > 0;
    }
    Ok(any)
}

pub(in crate::identity) async fn update_organization(
    connection: &mut PgConnection,
    scope: &OrgScope,
    organization: &Organization,
) -> Result<(), Error> {
    sqlx::query("update organizations set name = $2, fiscal_year_start_month = $3 where org_id = $1")
        .bind(scope.org_id().0)
        .bind(&organization.name)
        .bind(i16::from(organization.fiscal_year_start_month))
        .execute(connection)
        .await?;
    Ok(())
}

/// With everything that refers to it: keys, budgets, alerts, mails, audit log. Events refer to nothing: `ledger::delete_some`.
pub(in crate::identity) async fn delete_organization(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<bool, Error> {
    // Its tables refer to each other: checked at the commit, when all of them are empty.
    sqlx::query("set constraints all deferred").execute(&mut *connection).await?;
    let done =
        sqlx::query("delete from organizations where org_id = $1").bind(scope.org_id().0).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}
