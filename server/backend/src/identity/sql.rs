//! Queries of `users`, `sign_ins`, `user_tokens`, `organizations`, `members` and `invitations`.

use super::tokens::{LinkToken, Purpose};
use crate::{Actor, Error, OrgScope, Visible};
use chrono::{DateTime, Utc};
use domain::identity::{Email, Invitation, Member, Organization, Role, SignIn, User};
use domain::ids::{InvitationId, OrgId, SignInId, UserId};
use domain::period::Zone;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use uuid::Uuid;

// --- users

/// A user with what checks their password.
pub(super) struct Known {
    pub(super) user: User,
    pub(super) password_hash: String,
}

/// A link that was good.
pub(super) struct Taken {
    pub(super) user_id: UserId,
    /// The password that comes into force with it.
    pub(super) password_hash: Option<String>,
}

/// Unless the address is taken.
pub(super) async fn insert_user(
    connection: &mut PgConnection,
    user_id: UserId,
    email: &Email,
    email_verified_at: Option<DateTime<Utc>>,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into users (user_id, email, email_verified_at, password_hash, created_at) values ($1, $2, $3, $4, $5)
         on conflict on constraint users_email_key do nothing",
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

pub(super) async fn user(executor: impl PgExecutor<'_>, email: &Email) -> Result<Option<Known>, Error> {
    let row = sqlx::query("select * from users where email = $1").bind(email.as_str()).fetch_optional(executor).await?;
    row.as_ref().map(known).transpose()
}

/// Holds off other changes of the user until the transaction ends.
pub(super) async fn lock_user(connection: &mut PgConnection, email: &Email) -> Result<Option<Known>, Error> {
    let row = sqlx::query("select * from users where email = $1 for update")
        .bind(email.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(known).transpose()
}

/// The address, as text for a sentence.
pub(super) async fn email_of(connection: &mut PgConnection, user_id: UserId) -> Result<String, Error> {
    Ok(sqlx::query_scalar("select email from users where user_id = $1").bind(user_id.0).fetch_one(connection).await?)
}

/// Answers with the user's address.
pub(super) async fn set_password(connection: &mut PgConnection, user_id: UserId, hash: &str) -> Result<Email, Error> {
    let email: String = sqlx::query_scalar("update users set password_hash = $2 where user_id = $1 returning email")
        .bind(user_id.0)
        .bind(hash)
        .fetch_one(connection)
        .await?;
    Email::parse(&email).map_err(|_| Error::inconsistent("users", "email", "not an address"))
}

/// False when the address was verified before.
pub(super) async fn mark_verified(
    connection: &mut PgConnection,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query("update users set email_verified_at = $2 where user_id = $1 and email_verified_at is null")
        .bind(user_id.0)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn known(row: &PgRow) -> Result<Known, Error> {
    Ok(Known { user: to_user(row)?, password_hash: row.try_get("password_hash")? })
}

// --- links sent by mail

pub(super) async fn insert_token(
    connection: &mut PgConnection,
    token: &LinkToken,
    user_id: UserId,
    purpose: Purpose,
    password_hash: Option<String>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into user_tokens (token_hash, user_id, purpose, created_at, expires_at, password_hash)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token.hash)
    .bind(user_id.0)
    .bind(purpose.as_str())
    .bind(now)
    .bind(expires_at)
    .bind(password_hash)
    .execute(connection)
    .await?;
    Ok(())
}

/// Uses the link up, if it is good.
pub(super) async fn take_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<Taken>, Error> {
    let row = sqlx::query(
        "update user_tokens set used_at = $3
         where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
         returning user_id, password_hash",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(Taken { user_id: UserId(row.try_get("user_id")?), password_hash: row.try_get("password_hash")? }))
        .transpose()
}

pub(super) async fn delete_tokens(
    connection: &mut PgConnection,
    user_id: UserId,
    purpose: Purpose,
) -> Result<(), Error> {
    sqlx::query("delete from user_tokens where user_id = $1 and purpose = $2")
        .bind(user_id.0)
        .bind(purpose.as_str())
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
    slug: Option<&str>,
    org_id: Option<OrgId>,
) -> Result<Option<OrgScope>, Error> {
    let row = sqlx::query(
        "select organizations.org_id, organizations.time_zone, members.role
         from organizations
         join members on members.org_id = organizations.org_id
         where members.user_id = $1 and (organizations.slug = $2 or organizations.org_id = $3)",
    )
    .bind(user_id.0)
    .bind(slug)
    .bind(org_id.map(|id| id.0))
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

/// All organizations or the one with this slug (the operator's own view, no caller's).
pub(super) async fn zones_by_slug(pool: &PgPool, slug: Option<&str>) -> Result<Vec<(String, OrgId, Zone)>, Error> {
    let rows = sqlx::query(
        "select slug, org_id, time_zone from organizations where $1::text is null or slug = $1 order by slug",
    )
    .bind(slug)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("slug")?, OrgId(row.try_get("org_id")?), zone(row)?))).collect()
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

/// Holds off every other change of the organization and its members until the transaction ends.
pub(super) async fn lock_organization(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    sqlx::query("select 1 from organizations where org_id = $1 for update")
        .bind(scope.org_id().0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn update_organization(
    connection: &mut PgConnection,
    scope: &OrgScope,
    organization: &Organization,
) -> Result<(), Error> {
    sqlx::query("update organizations set name = $2, time_zone = $3, fiscal_year_start_month = $4 where org_id = $1")
        .bind(scope.org_id().0)
        .bind(&organization.name)
        .bind(&organization.time_zone)
        .bind(i16::from(organization.fiscal_year_start_month))
        .execute(connection)
        .await?;
    Ok(())
}

/// With everything that refers to it: keys, members, budgets, alerts, mails, audit log. Events refer to nothing: `ledger::delete_all`.
pub(super) async fn delete_organization(connection: &mut PgConnection, scope: &OrgScope) -> Result<bool, Error> {
    // Its tables refer to each other: checked at the commit, when all of them are empty.
    sqlx::query("set constraints all deferred").execute(&mut *connection).await?;
    let done =
        sqlx::query("delete from organizations where org_id = $1").bind(scope.org_id().0).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

// --- members

pub(super) async fn insert_member(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into members (org_id, user_id, role, joined_at) values ($1, $2, $3, $4)
         on conflict on constraint members_pkey do nothing",
    )
    .bind(scope.org_id().0)
    .bind(user_id.0)
    .bind(role.as_str())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn members(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<Member>, Error> {
    let rows = sqlx::query(
        "select members.*, users.email from members join users on users.user_id = members.user_id
         where members.org_id = $1
         order by users.email
         limit $2",
    )
    .bind(scope.org_id().0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(to_member).collect()
}

pub(super) async fn member(
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

pub(super) async fn is_member(connection: &mut PgConnection, scope: &OrgScope, email: &Email) -> Result<bool, Error> {
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

pub(super) async fn count_members(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from members where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

pub(super) async fn count_owners(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from members where org_id = $1 and role = 'owner'")
        .bind(scope.org_id().0)
        .fetch_one(connection)
        .await?;
    Ok(count)
}

pub(super) async fn set_role(
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

pub(super) async fn delete_member(
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
        joined_at: row.try_get("joined_at")?,
    })
}

// --- invitations

/// An open invitation found by its link.
pub(super) struct Open {
    pub(super) org_id: OrgId,
    pub(super) zone: Zone,
    pub(super) organization: String,
    pub(super) slug: String,
    pub(super) invitation_id: InvitationId,
    pub(super) email: Email,
    pub(super) role: Role,
}

/// A row to be written.
pub(super) struct NewInvitation<'a> {
    pub(super) invitation: &'a Invitation,
    pub(super) token: &'a LinkToken,
}

pub(super) async fn insert_invitation(
    connection: &mut PgConnection,
    scope: &OrgScope,
    new: NewInvitation<'_>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into invitations (org_id, invitation_id, email, role, token_hash, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(scope.org_id().0)
    .bind(new.invitation.invitation_id.0)
    .bind(new.invitation.email.as_str())
    .bind(new.invitation.role.as_str())
    .bind(new.token.hash)
    .bind(scope.user_id().map(|id| id.0))
    .bind(new.invitation.created_at)
    .bind(new.invitation.expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn invitations(
    pool: &PgPool,
    scope: &OrgScope,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Invitation>, Error> {
    let rows = sqlx::query(
        "select invitation_id, email, role, created_at, expires_at from invitations
         where org_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2
         order by invitation_id desc
         limit $3",
    )
    .bind(scope.org_id().0)
    .bind(now)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Invitation {
                invitation_id: InvitationId(row.try_get("invitation_id")?),
                email: invited(row)?,
                role: role("invitations", row)?,
                created_at: row.try_get("created_at")?,
                expires_at: row.try_get("expires_at")?,
            })
        })
        .collect()
}

pub(super) async fn count_open_invitations(
    connection: &mut PgConnection,
    scope: &OrgScope,
    now: DateTime<Utc>,
) -> Result<i64, Error> {
    let count = sqlx::query_scalar(
        "select count(*) from invitations
         where org_id = $1 and accepted_at is null and revoked_at is null and expires_at > $2",
    )
    .bind(scope.org_id().0)
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// Those that expired too: only one row per address may stay open.
pub(super) async fn revoke_invitations_of(
    connection: &mut PgConnection,
    scope: &OrgScope,
    email: &Email,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update invitations set revoked_at = $3
         where org_id = $1 and email = $2 and accepted_at is null and revoked_at is null",
    )
    .bind(scope.org_id().0)
    .bind(email.as_str())
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn revoke_invitation(
    connection: &mut PgConnection,
    scope: &OrgScope,
    invitation_id: InvitationId,
    now: DateTime<Utc>,
) -> Result<Option<(Email, Role)>, Error> {
    let row = sqlx::query(
        "update invitations set revoked_at = $3
         where org_id = $1 and invitation_id = $2 and accepted_at is null and revoked_at is null
         returning email, role",
    )
    .bind(scope.org_id().0)
    .bind(invitation_id.0)
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((invited(&row)?, role("invitations", &row)?))).transpose()
}

/// By the secret of its link. It knows no scope yet: it leads to one.
pub(super) async fn lock_open_invitation(
    connection: &mut PgConnection,
    slug: &str,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Open>, Error> {
    let org_id = sqlx::query_scalar("select org_id from organizations where slug = $1");
    let Some(org_id) = org_id.bind(slug).fetch_optional(&mut *connection).await? else { return Ok(None) };
    let org_id: Uuid = org_id;
    let row = sqlx::query(
        "select organizations.org_id, organizations.time_zone, organizations.name, organizations.slug,
                invitations.invitation_id, invitations.email, invitations.role
         from invitations
         join organizations on organizations.org_id = invitations.org_id
         where invitations.org_id = $1 and invitations.token_hash = $2
           and invitations.accepted_at is null and invitations.revoked_at is null and invitations.expires_at > $3
         for update of invitations",
    )
    .bind(org_id)
    .bind(token_hash)
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Open {
            org_id: OrgId(row.try_get("org_id")?),
            zone: zone(&row)?,
            organization: row.try_get("name")?,
            slug: row.try_get("slug")?,
            invitation_id: InvitationId(row.try_get("invitation_id")?),
            email: invited(&row)?,
            role: role("invitations", &row)?,
        })
    })
    .transpose()
}

pub(super) async fn accept_invitation(
    connection: &mut PgConnection,
    scope: &OrgScope,
    invitation_id: InvitationId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update invitations set accepted_at = $3 where org_id = $1 and invitation_id = $2")
        .bind(scope.org_id().0)
        .bind(invitation_id.0)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

fn invited(row: &PgRow) -> Result<Email, Error> {
    let email: String = row.try_get("email")?;
    Email::parse(&email).map_err(|_| Error::inconsistent("invitations", "email", "not an address"))
}

// --- sign-ins

/// A row of `sign_ins` with its user.
pub(super) struct StoredSignIn {
    pub(super) sign_in_id: SignInId,
    pub(super) user: User,
    pub(super) data: Value,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_seen_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

/// A row to be written.
pub(super) struct NewSignIn<'a> {
    pub(super) sign_in_id: SignInId,
    pub(super) user_id: UserId,
    pub(super) data: Value,
    pub(super) user_agent: &'a str,
    pub(super) address: &'a str,
    pub(super) now: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
}

pub(super) async fn insert_sign_in(pool: &PgPool, token_hash: &[u8], new: NewSignIn<'_>) -> Result<(), Error> {
    sqlx::query(
        "insert into sign_ins
             (token_hash, sign_in_id, user_id, data, user_agent, address, created_at, last_seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
    )
    .bind(token_hash)
    .bind(new.sign_in_id.0)
    .bind(new.user_id.0)
    .bind(new.data)
    .bind(new.user_agent)
    .bind(new.address)
    .bind(new.now)
    .bind(new.expires_at)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn update_sign_in(pool: &PgPool, token_hash: &[u8], data: Value) -> Result<(), Error> {
    sqlx::query("update sign_ins set data = $2 where token_hash = $1")
        .bind(token_hash)
        .bind(data)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn touch_sign_in(
    pool: &PgPool,
    token_hash: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update sign_ins set last_seen_at = $2, expires_at = $3 where token_hash = $1")
        .bind(token_hash)
        .bind(now)
        .bind(expires_at)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn sign_in(pool: &PgPool, token_hash: &[u8]) -> Result<Option<StoredSignIn>, Error> {
    let row = sqlx::query(
        "select sign_ins.sign_in_id, sign_ins.data, sign_ins.created_at, sign_ins.last_seen_at, sign_ins.expires_at,
                users.user_id, users.email, users.email_verified_at
         from sign_ins
         join users on users.user_id = sign_ins.user_id
         where sign_ins.token_hash = $1",
    )
    .bind(token_hash)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(StoredSignIn {
            sign_in_id: SignInId(row.try_get("sign_in_id")?),
            user: to_user(&row)?,
            data: row.try_get("data")?,
            created_at: row.try_get("created_at")?,
            last_seen_at: row.try_get("last_seen_at")?,
            expires_at: row.try_get("expires_at")?,
        })
    })
    .transpose()
}

pub(super) async fn sign_ins(
    pool: &PgPool,
    user_id: UserId,
    current: Option<SignInId>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<SignIn>, Error> {
    let rows = sqlx::query(
        "select sign_in_id, user_agent, address, created_at, last_seen_at
         from sign_ins
         where user_id = $1 and expires_at > $2
         order by last_seen_at desc, sign_in_id
         limit $3",
    )
    .bind(user_id.0)
    .bind(now)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let sign_in_id = SignInId(row.try_get("sign_in_id")?);
            Ok(SignIn {
                sign_in_id,
                user_agent: row.try_get("user_agent")?,
                address: row.try_get("address")?,
                created_at: row.try_get("created_at")?,
                last_seen_at: row.try_get("last_seen_at")?,
                current: current == Some(sign_in_id),
            })
        })
        .collect()
}

pub(super) async fn delete_sign_in_by_hash(pool: &PgPool, token_hash: &[u8]) -> Result<(), Error> {
    sqlx::query("delete from sign_ins where token_hash = $1").bind(token_hash).execute(pool).await?;
    Ok(())
}

pub(super) async fn delete_sign_in(pool: &PgPool, user_id: UserId, sign_in_id: SignInId) -> Result<bool, Error> {
    let done = sqlx::query("delete from sign_ins where user_id = $1 and sign_in_id = $2")
        .bind(user_id.0)
        .bind(sign_in_id.0)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// All but `keep`; all of them without one.
pub(super) async fn delete_other_sign_ins(
    connection: &mut PgConnection,
    user_id: UserId,
    keep: Option<SignInId>,
) -> Result<u64, Error> {
    let done = sqlx::query("delete from sign_ins where user_id = $1 and sign_in_id is distinct from $2")
        .bind(user_id.0)
        .bind(keep.map(|id| id.0))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

pub(super) async fn delete_expired(pool: &PgPool, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query("delete from sign_ins where expires_at <= $1").bind(now).execute(pool).await?;
    sqlx::query("delete from user_tokens where expires_at <= $1").bind(now).execute(pool).await?;
    Ok(())
}

fn to_user(row: &PgRow) -> Result<User, Error> {
    let email: String = row.try_get("email")?;
    let verified: Option<DateTime<Utc>> = row.try_get("email_verified_at")?;
    Ok(User {
        user_id: UserId(row.try_get("user_id")?),
        email: Email::parse(&email).map_err(|_| Error::inconsistent("users", "email", "not an address"))?,
        email_verified: verified.is_some(),
    })
}
