//! Queries of `invitations`.

use super::members::{role, seen_teams, team_ids};
use super::organizations::zone;
use crate::identity::tokens::LinkToken;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::identity::{Email, Invitation, Role, SeenTeams};
use domain::ids::{InvitationId, OrgId, UserId};
use domain::period::Zone;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// An open invitation found by its link.
pub(in crate::identity) struct Open {
    pub(in crate::identity) org_id: OrgId,
    pub(in crate::identity) zone: Zone,
    pub(in crate::identity) organization: String,
    pub(in crate::identity) slug: String,
    pub(in crate::identity) invitation_id: InvitationId,
    pub(in crate::identity) email: Email,
    pub(in crate::identity) role: Role,
    pub(in crate::identity) teams: SeenTeams,
}

/// A row to be written.
pub(in crate::identity) struct NewInvitation<'a> {
    pub(in crate::identity) invitation: &'a Invitation,
    pub(in crate::identity) token: &'a LinkToken,
}

pub(in crate::identity) async fn insert_invitation(
    connection: &mut PgConnection,
    scope: &OrgScope,
    new: NewInvitation<'_>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into invitations (org_id, invitation_id, email, role, token_hash, invited_by, created_at, expires_at, team_ids)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(scope.org_id().0)
    .bind(new.invitation.invitation_id.0)
    .bind(new.invitation.email.as_str())
    .bind(new.invitation.role.as_str())
    .bind(new.token.hash)
    .bind(scope.user_id().map(|id| id.0))
    .bind(new.invitation.created_at)
    .bind(new.invitation.expires_at)
    .bind(team_ids(&new.invitation.teams))
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::identity) async fn invitations(
    pool: &PgPool,
    scope: &OrgScope,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Invitation>, Error> {
    let rows = sqlx::query(
        "select invitation_id, email, role, team_ids, created_at, expires_at from invitations
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
                teams: seen_teams(row)?,
                created_at: row.try_get("created_at")?,
                expires_at: row.try_get("expires_at")?,
            })
        })
        .collect()
}

pub(in crate::identity) async fn count_open_invitations(
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
pub(in crate::identity) async fn revoke_invitations_of(
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

/// Those that a person sent; whom they invite.
pub(in crate::identity) async fn revoke_invitations_by(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "update invitations set revoked_at = $3
         where org_id = $1 and invited_by = $2 and accepted_at is null and revoked_at is null and expires_at > $3
         returning email",
    )
    .bind(scope.org_id().0)
    .bind(user_id.0)
    .bind(now)
    .fetch_all(connection)
    .await?)
}

pub(in crate::identity) async fn revoke_invitation(
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

/// As `lock_organization`, before there is a scope: by the slug in a link.
pub(in crate::identity) async fn lock_organization_of_link(
    connection: &mut PgConnection,
    slug: &str,
) -> Result<(), Error> {
    sqlx::query("select 1 from organizations where slug = $1 for no key update").bind(slug).execute(connection).await?;
    Ok(())
}

/// By the secret of its link. It knows no scope yet: it leads to one.
pub(in crate::identity) async fn open_invitation(
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
                invitations.invitation_id, invitations.email, invitations.role, invitations.team_ids
         from invitations
         join organizations on organizations.org_id = invitations.org_id
         where invitations.org_id = $1 and invitations.token_hash = $2
           and invitations.accepted_at is null and invitations.revoked_at is null and invitations.expires_at > $3",
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
            teams: seen_teams(&row)?,
        })
    })
    .transpose()
}

pub(in crate::identity) async fn accept_invitation(
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
