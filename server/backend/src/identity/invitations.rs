//! Invitations by mail: sent, seen by whoever holds the link, accepted, revoked.

use super::accounts::Proven;
use super::sql::{NewInvitation, Open};
use super::tokens::{LinkToken, hash_of};
use super::{mails, members, password, sql};
use crate::{Actor, Backend, Error, OrgScope, Visible, audit};
use chrono::{DateTime, Duration, Utc};
use domain::identity::{Email, Invitation, Permission, Role, SeenTeams, User};
use domain::ids::{InvitationId, UserId};
use domain::problem::Problem;
use secrecy::SecretString;
use sqlx::PgConnection;

/// How long an invitation can be accepted, in days.
pub const INVITATION_DAYS: i64 = 7;
/// Most open invitations of an organization.
const MAX_OPEN: i64 = 200;

/// What whoever holds the link may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Name of the organization.
    pub organization: String,
    /// Its slug.
    pub slug: String,
    /// Who is invited.
    pub email: Email,
    /// The role they will have.
    pub role: Role,
    /// Whether the address has an account already that can sign in.
    pub has_account: bool,
}

/// Invites an address. A second invitation of the same address takes the place of the first, whose link ends.
///
/// # Errors
/// [`Problem::Forbidden`] without the right to give the role, [`Problem::Invalid`] naming `email`, [`Problem::Conflict`] when too many are open, [`Problem::RateLimited`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn invite(backend: &Backend, scope: &OrgScope, email: &str, role: Role) -> Result<Invitation, Error> {
    invite_for_teams(backend, scope, email, role, None).await
}

/// The same for somebody who will see only what some teams own.
///
/// # Errors
/// As [`invite`], and naming `teams` where they cannot be chosen.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn invite_for_teams(
    backend: &Backend,
    scope: &OrgScope,
    email: &str,
    role: Role,
    teams: SeenTeams,
) -> Result<Invitation, Error> {
    scope.require(Permission::ManageMembers)?;
    members::may_change(scope, role)?;
    let seen = members::describe(backend, scope, role, &teams).await?;
    let email = Email::parse(email).map_err(|problem| Problem::invalid(vec![problem]))?;
    backend.guards.limits.invitation(&scope.org_id().to_string())?;
    let now = backend.clock.now();
    let mut transaction = backend.pool.begin().await?;
    sql::lock_organization(&mut transaction, scope).await?;
    if sql::is_member(&mut transaction, scope, &email).await? {
        return Err(Problem::field("email", "member", "This person is a member already.").into());
    }
    sql::revoke_invitations_of(&mut transaction, scope, &email, now).await?;
    if sql::count_open_invitations(&mut transaction, scope, now).await? >= MAX_OPEN {
        return Err(Problem::conflict("200 invitations are open. Revoke some first.").into());
    }
    let invitation = Invitation {
        invitation_id: InvitationId(backend.clock.new_id()),
        email,
        role,
        teams,
        created_at: now,
        expires_at: now + Duration::days(INVITATION_DAYS),
    };
    send(backend, scope, &mut transaction, &invitation).await?;
    let detail = format!("Invited {} as {role}, to see {seen}.", invitation.email);
    audit::record(backend, scope, &mut transaction, "member.invited", &detail).await?;
    transaction.commit().await?;
    Ok(invitation)
}

async fn send(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    invitation: &Invitation,
) -> Result<(), Error> {
    let token = LinkToken::new(backend.clock.as_ref());
    sql::insert_invitation(connection, scope, NewInvitation { invitation, token: &token }).await?;
    let organization = sql::organization(&mut *connection, scope).await?.ok_or(Problem::NotFound)?;
    let by = match scope.user_id() {
        Some(user_id) => sql::email_of(connection, user_id).await?,
        None => "Tallystick".to_owned(),
    };
    let invited = mails::Invited {
        org_id: scope.org_id(),
        organization: &organization.name,
        slug: &organization.slug,
        by: &by,
        role: invitation.role,
        token: &token.text,
        days: INVITATION_DAYS,
    };
    mails::invitation(backend, connection, &invitation.email, invited).await
}

/// The invitations that can still be accepted, the newest first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list_invitations(backend: &Backend, scope: &OrgScope) -> Result<Vec<Invitation>, Error> {
    scope.require(Permission::ManageMembers)?;
    sql::invitations(&backend.pool, scope, backend.clock.now(), MAX_OPEN).await
}

/// Ends an invitation; its link no longer works.
///
/// # Errors
/// [`Problem::Forbidden`] without the right to give its role, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn revoke_invitation(backend: &Backend, scope: &OrgScope, invitation_id: InvitationId) -> Result<(), Error> {
    scope.require(Permission::ManageMembers)?;
    let mut transaction = backend.pool.begin().await?;
    sql::lock_organization(&mut transaction, scope).await?;
    let revoked = sql::revoke_invitation(&mut transaction, scope, invitation_id, backend.clock.now()).await?;
    let (email, role) = revoked.ok_or(Problem::NotFound)?;
    members::may_change(scope, role)?;
    let detail = format!("Revoked the invitation of {email} as {role}.");
    audit::record(backend, scope, &mut transaction, "invitation.revoked", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// What the link offers.
///
/// # Errors
/// [`Problem::NotFound`] when it is not open (any more); [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn offer(backend: &Backend, slug: &str, token: &str) -> Result<Offer, Error> {
    let mut connection = backend.pool.acquire().await?;
    let open = open(&mut connection, slug, token, backend.clock.now()).await?;
    let has_account = sql::user(&mut *connection, &open.email).await?.is_some_and(|known| known.user.email_verified);
    Ok(Offer { organization: open.organization, slug: open.slug, email: open.email, role: open.role, has_account })
}

/// A signed-in person accepts. Returns the organization's slug.
///
/// # Errors
/// [`Problem::NotFound`] when it is not open (any more), [`Problem::Forbidden`] when it is for another address; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn accept(backend: &Backend, user: &User, slug: &str, token: &str) -> Result<String, Error> {
    let mut transaction = backend.pool.begin().await?;
    sql::lock_organization_of_link(&mut transaction, slug).await?;
    let open = open(&mut transaction, slug, token, backend.clock.now()).await?;
    if open.email != user.email {
        let detail = format!("This invitation is for {}. Sign in with that address.", open.email);
        return Err(Problem::Forbidden { detail }.into());
    }
    join(backend, &mut transaction, &open, user.user_id).await?;
    transaction.commit().await?;
    Ok(open.slug)
}

/// Somebody without an account accepts: the link proves the address, so a password is all that is missing. Returns the new user, to be signed in, and the organization's slug.
///
/// # Errors
/// [`Problem::Invalid`] naming `password`, [`Problem::NotFound`] when it is not open (any more), [`Problem::Conflict`] when the address has an account, [`Problem::RateLimited`], [`Problem::Unavailable`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn accept_as_new(
    backend: &Backend,
    slug: &str,
    token: &str,
    password: &SecretString,
    address: &str,
) -> Result<(Proven, String), Error> {
    password::check("password", password).map_err(|problem| Problem::invalid(vec![problem]))?;
    backend.guards.limits.password("", address)?;
    offer(backend, slug, token).await?;
    let hash = password::hash(backend, password).await?;
    let now = backend.clock.now();
    let mut transaction = backend.pool.begin().await?;
    sql::lock_organization_of_link(&mut transaction, slug).await?;
    let open = open(&mut transaction, slug, token, now).await?;
    sql::insert_user(&mut transaction, UserId(backend.clock.new_id()), &open.email, None, &hash, now).await?;
    let known = sql::lock_user(&mut transaction, &open.email).await?;
    let user = known.ok_or_else(|| Error::server("accept an invitation", "the new user is not there"))?.user;
    if user.email_verified {
        return Err(Problem::conflict("This address has an account. Sign in to accept.").into());
    }
    // Whoever signed up before without verifying had not proved the address; the link's holder has.
    sql::mark_verified(&mut transaction, user.user_id, now).await?;
    sql::set_password(&mut transaction, user.user_id, &hash).await?;
    sql::delete_tokens(&mut transaction, user.user_id, super::tokens::Purpose::VerifyEmail).await?;
    join(backend, &mut transaction, &open, user.user_id).await?;
    transaction.commit().await?;
    Ok((Proven::new(User { email_verified: true, ..user }, hash), open.slug))
}

async fn open(connection: &mut PgConnection, slug: &str, token: &str, now: DateTime<Utc>) -> Result<Open, Error> {
    Ok(sql::open_invitation(connection, slug, &hash_of(token), now).await?.ok_or(Problem::NotFound)?)
}

/// Under the organization's lock.
async fn join(backend: &Backend, connection: &mut PgConnection, open: &Open, user_id: UserId) -> Result<(), Error> {
    let actor = Actor::User { user_id, role: open.role };
    let scope = OrgScope::new(open.org_id, open.zone, actor, Visible::All);
    let now = backend.clock.now();
    if sql::count_members(connection, &scope).await? >= members::MAX_MEMBERS {
        return Err(Problem::conflict("This organization has 2,000 members, the most there can be.").into());
    }
    sql::accept_invitation(connection, &scope, open.invitation_id, now).await?;
    sql::insert_member(connection, &scope, user_id, (open.role, &open.teams), now).await?;
    let detail = format!("{} joined as {}.", open.email, open.role);
    audit::record(backend, &scope, connection, "member.joined", &detail).await
}
