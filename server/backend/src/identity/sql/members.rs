//! Queries of `members`.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::identity::{Belongings, Email, Member, Role, SeenTeams};
use domain::ids::{TeamId, UserId};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) fn role(table: &'static str, row: &PgRow) -> Result<Role, Error> {
    let word: String = row.try_get("role")?;
    word.parse().map_err(|_| Error::inconsistent(table, "role", word))
}

pub(in crate::identity) async fn insert_member(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    (role, teams): (Role, &SeenTeams),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into members (org_id, user_id, role, joined_at, team_ids) values ($1, $2, $3, $4, $5)
         on conflict on constraint members_pkey do nothing",
    )
    .bind(scope.org_id().0)
    .bind(user_id.0)
    .bind(role.as_str())
    .bind(now)
    .bind(team_ids(teams))
    .execute(connection)
    .await?;
    Ok(())
}

/// For SQL: null sees all.
pub(super) fn team_ids(teams: &SeenTeams) -> Option<Vec<Uuid>> {
    Some(teams.as_ref()?.iter().map(|team| team.0).collect())
}

/// As it came from SQL.
pub(super) fn seen_teams(row: &PgRow) -> Result<SeenTeams, sqlx::Error> {
    let ids: Option<Vec<Uuid>> = row.try_get("team_ids")?;
    Ok(ids.map(|ids| ids.into_iter().map(TeamId).collect()))
}

/// Of all members, or of one.
pub(in crate::identity) async fn members(
    pool: &PgPool,
    scope: &OrgScope,
    only: Option<UserId>,
    limit: i64,
) -> Result<Vec<Member>, Error> {
    let rows = sqlx::query(
        "select members.*, users.email from members join users on users.user_id = members.user_id
         where members.org_id = $1 and ($3::uuid is null or members.user_id = $3)
         order by users.email
         limit $2",
    )
    .bind(scope.org_id().0)
    .bind(limit)
    .bind(only.map(|id| id.0))
    .fetch_all(pool)
    .await?;
    rows.iter().map(to_member).collect()
}

/// The addresses of the owners.
pub(in crate::identity) async fn owners(connection: &mut PgConnection, scope: &OrgScope) -> Result<Vec<Email>, Error> {
    let found: Vec<String> = sqlx::query_scalar(
        "select users.email from members join users using (user_id) where org_id = $1 and role = 'owner' order by 1",
    )
    .bind(scope.org_id().0)
    .fetch_all(connection)
    .await?;
    let email = |text: String| Email::parse(&text).map_err(|_| Error::inconsistent("users", "email", text));
    found.into_iter().map(email).collect()
}

/// What ends with each membership, where that is anything.
pub(in crate::identity) async fn belongings(
    pool: &PgPool,
    scope: &OrgScope,
    now: DateTime<Utc>,
) -> Result<BTreeMap<UserId, Belongings>, Error> {
    let rows = sqlx::query(
        "select user_id, sum(keys)::bigint as keys, sum(invitations)::bigint as invitations,
             sum(budgets)::bigint as budgets, sum(addresses)::bigint as addresses
         from (
             select created_by as user_id, 1 as keys, 0 as invitations, 0 as budgets, 0 as addresses from api_keys
             where org_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)
             union all
             select invited_by, 0, 1, 0, 0 from invitations
             where org_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2
             union all
             select u.user_id, 0, 0, 1, 0
             from budgets b cross join unnest(b.recipients) as r (email) join users u on u.email = r.email
             where b.org_id = $1 and b.archived_at is null
             union all
             select asked_by, 0, 0, 0, 1 from recipients where org_id = $1 and confirmed_at is not null
         ) as what
         join members using (user_id)
         where members.org_id = $1
         group by user_id",
    )
    .bind(scope.org_id().0)
    .bind(now)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let count = |column| {
                let count: i64 = row.try_get(column)?;
                Ok::<_, Error>(u32::try_from(count).unwrap_or(u32::MAX))
            };
            let belongings = Belongings {
                keys: count("keys")?,
                invitations: count("invitations")?,
                budgets: count("budgets")?,
                addresses: count("addresses")?,
            };
            Ok((UserId(row.try_get("user_id")?), belongings))
        })
        .collect()
}

pub(in crate::identity) async fn member(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
) -> Result<Option<Member>, Error> {
    let row = sqlx::query(
        "select members.*, users.email from members join users on users.user_id = members.user_id
         where members.org_id = $1 and members.user_id = $2",
    )
    .bind(scope.org_id().0)
    .bind(user_id.0)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(to_member).transpose()
}

pub(in crate::identity) async fn is_member(
    connection: &mut PgConnection,
    scope: &OrgScope,
    email: &Email,
) -> Result<bool, Error> {
    let found = sqlx::query_scalar(
        "select exists (select 1 from members join users on users.user_id = members.user_id
                        where members.org_id = $1 and users.email = $2)",
    )
    .bind(scope.org_id().0)
    .bind(email.as_str())
    .fetch_one(connection)
    .await?;
    Ok(found)
}

pub(in crate::identity) async fn count_members(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from members where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

pub(in crate::identity) async fn count_owners(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from members where org_id = $1 and role = 'owner'")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

pub(in crate::identity) async fn set_role(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    role: Role,
) -> Result<(), Error> {
    sqlx::query("update members set role = $3 where org_id = $1 and user_id = $2")
        .bind(scope.org_id().0)
        .bind(user_id.0)
        .bind(role.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn set_teams(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    teams: &SeenTeams,
) -> Result<(), Error> {
    sqlx::query("update members set team_ids = $3 where org_id = $1 and user_id = $2")
        .bind(scope.org_id().0)
        .bind(user_id.0)
        .bind(team_ids(teams))
        .execute(connection)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn delete_member(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
) -> Result<(), Error> {
    sqlx::query("delete from members where org_id = $1 and user_id = $2")
        .bind(scope.org_id().0)
        .bind(user_id.0)
        .execute(connection)
        .await?;
    Ok(())
}

fn to_member(row: &PgRow) -> Result<Member, Error> {
    let email: String = row.try_get("email")?;
    Ok(Member {
        user_id: UserId(row.try_get("user_id")?),
        email: Email::parse(&email).map_err(|_| Error::inconsistent("users", "email", "not an address"))?,
        role: role("members", row)?,
        teams: seen_teams(row)?,
        joined_at: row.try_get("joined_at")?,
    })
}
