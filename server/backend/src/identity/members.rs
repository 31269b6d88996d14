//! Members: who belongs to an organization in which role. One owner always stays.

use super::sql;
use crate::{Actor, Backend, Error, OrgScope, audit, budgets, keys, projects};
use domain::identity::{Belongings, Member, Permission, Role, SeenTeams};
use domain::ids::UserId;
use domain::problem::Problem;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Most members of an organization.
pub const MAX_MEMBERS: i64 = 2_000;

/// The members in order of their address; whoever sees some teams finds only themself.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who are no members; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list_members(backend: &Backend, scope: &OrgScope) -> Result<Vec<Member>, Error> {
    role_of_caller(scope)?;
    let only = scope.user_id().filter(|_| !scope.sees_all());
    sql::members(&backend.pool, scope, only, MAX_MEMBERS).await
}

/// What [`remove_member`] would end beside each membership; members with nothing of the kind are missing.
///
/// # Errors
/// As [`list_members`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn belongings(backend: &Backend, scope: &OrgScope) -> Result<BTreeMap<UserId, Belongings>, Error> {
    role_of_caller(scope)?;
    sql::belongings(&backend.pool, scope, backend.clock.now()).await
}

/// Gives a member another role.
///
/// # Errors
/// [`Problem::Forbidden`] unless the caller may give both the old and the new role, [`Problem::NotFound`], [`Problem::Conflict`] when no owner would stay; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn change_role(backend: &Backend, scope: &OrgScope, user_id: UserId, role: Role) -> Result<(), Error> {
    scope.require(Permission::ManageMembers)?;
    let mut transaction = backend.pool.begin().await?;
    let member = lock_member(&mut transaction, scope, user_id).await?;
    may_change(scope, member.role)?;
    may_change(scope, role)?;
    if member.teams.is_some() && !role.can_be_limited() {
        return Err(Problem::conflict(format!(
            "{} sees some teams alone: an {role} sees all. Change that first.",
            member.email
        ))
        .into());
    }
    if member.role != role {
        sql::set_role(&mut transaction, scope, user_id, role).await?;
        an_owner_stays(&mut transaction, scope).await?;
        let detail = format!("Changed the role of {} from {} to {role}.", member.email, member.role);
        audit::record(backend, scope, &mut transaction, "member.changed", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Lets a member see only what some teams own from now on, on every day what was theirs then, or everything. API keys that they made and that read more end.
///
/// # Errors
/// As [`change_role`], and [`Problem::Invalid`] naming `teams` where they cannot be chosen.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn set_teams(backend: &Backend, scope: &OrgScope, user_id: UserId, teams: SeenTeams) -> Result<(), Error> {
    scope.require(Permission::ManageMembers)?;
    let mut transaction = backend.pool.begin().await?;
    let member = lock_member(&mut transaction, scope, user_id).await?;
    may_change(scope, member.role)?;
    let seen = describe(backend, scope, member.role, &teams).await?;
    if member.teams == teams {
        return Ok(());
    }
    sql::set_teams(&mut transaction, scope, user_id, &teams).await?;
    let mut detail = format!("Lets {} see {seen}", member.email);
    if let Some(teams) = teams {
        let today = scope.zone().day_of(backend.clock.now());
        let visible = sql::visible_of(&backend.pool, scope.org_id(), teams, today).await?;
        let ended = keys::revoke_reading_more(backend, scope, &mut transaction, user_id, &visible.projects()).await?;
        if !ended.is_empty() {
            detail.push_str(&format!("; with it ended: API keys {}", ended.join(", ")));
        }
    }
    audit::record(backend, scope, &mut transaction, "member.changed", &format!("{detail}.")).await?;
    transaction.commit().await?;
    backend.keys.changed();
    Ok(())
}

/// What somebody of a role is to see, in words.
///
/// # Errors
/// [`Problem::Invalid`] naming `teams`.
pub(super) async fn describe(
    backend: &Backend,
    scope: &OrgScope,
    role: Role,
    teams: &SeenTeams,
) -> Result<String, Error> {
    let Some(teams) = teams else { return Ok("the whole organization".to_owned()) };
    let wrong = |detail: String| Err(Problem::field("teams", "not_allowed", detail).into());
    if !role.can_be_limited() {
        return wrong(format!("An {role} sees the whole organization. Choose another role or no teams."));
    }
    let known = projects::list_teams(backend, scope).await?;
    let names: Vec<_> = known.into_iter().filter(|team| teams.contains(&team.team_id)).map(|team| team.name).collect();
    match names.len() {
        0 if teams.is_empty() => Ok("nothing".to_owned()),
        found if found == teams.len() => Ok(format!("the teams {}", names.join(", "))),
        _ => wrong("Choose teams of this organization.".to_owned()),
    }
}

/// Removes a member. What they could still act or listen by ends with it: API keys that they made, invitations that they sent, mail of budgets to them and to addresses that they entered. Everything else that they made stays.
///
/// # Errors
/// As [`change_role`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn remove_member(backend: &Backend, scope: &OrgScope, user_id: UserId) -> Result<(), Error> {
    scope.require(Permission::ManageMembers)?;
    let mut transaction = backend.pool.begin().await?;
    let member = lock_member(&mut transaction, scope, user_id).await?;
    may_change(scope, member.role)?;
    let ended = end(backend, scope, &mut transaction, &member).await?;
    let detail = format!("Removed {} ({}){ended}.", member.email, member.role);
    audit::record(backend, scope, &mut transaction, "member.removed", &detail).await?;
    transaction.commit().await?;
    backend.keys.changed();
    Ok(())
}

/// The calling member leaves; what ends with it is as with [`remove_member`].
///
/// # Errors
/// [`Problem::Forbidden`] for callers who are no members, [`Problem::Conflict`] for the last owner; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn leave(backend: &Backend, scope: &OrgScope) -> Result<(), Error> {
    role_of_caller(scope)?;
    let user_id = scope.user_id().ok_or(Problem::NotFound)?;
    let mut transaction = backend.pool.begin().await?;
    let member = lock_member(&mut transaction, scope, user_id).await?;
    let ended = end(backend, scope, &mut transaction, &member).await?;
    audit::record(backend, scope, &mut transaction, "member.left", &format!("{} left{ended}.", member.email)).await?;
    transaction.commit().await?;
    backend.keys.changed();
    Ok(())
}

/// Ends a membership, with what the member could still act or listen by; words for the audit log.
async fn end(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    member: &Member,
) -> Result<String, Error> {
    sql::delete_member(connection, scope, member.user_id).await?;
    an_owner_stays(connection, scope).await?;
    let ended = [
        ("API keys", keys::revoke_made_by(backend, scope, connection, member.user_id).await?),
        ("invitations of", sql::revoke_invitations_by(connection, scope, member.user_id, backend.clock.now()).await?),
        ("mail of the budgets", budgets::forget_recipient(scope, connection, member.user_id, &member.email).await?),
    ];
    let words = ended.into_iter().filter(|(_, names)| !names.is_empty());
    let words: Vec<_> = words.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
    Ok(if words.is_empty() { String::new() } else { format!("; with it ended: {}", words.join("; ")) })
}

/// Holds off every other change of members, so that two owners cannot both leave at the same time.
async fn lock_member(connection: &mut PgConnection, scope: &OrgScope, user_id: UserId) -> Result<Member, Error> {
    sql::lock_organization(connection, scope).await?;
    Ok(sql::member(connection, scope, user_id).await?.ok_or(Problem::NotFound)?)
}

async fn an_owner_stays(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    if sql::count_owners(connection, scope).await? == 0 {
        return Err(Problem::conflict("An organization needs an owner. Make somebody else owner first.").into());
    }
    Ok(())
}

/// Lets through whoever may give, change or take this role.
pub(super) fn may_change(scope: &OrgScope, role: Role) -> Result<(), Problem> {
    match role {
        Role::Owner => scope.require(Permission::ManageOwners),
        _ => scope.require(Permission::ManageMembers),
    }
}

/// Members' addresses are for members: API keys do not see them.
fn role_of_caller(scope: &OrgScope) -> Result<(), Problem> {
    match scope.actor() {
        Actor::User { .. } | Actor::System => Ok(()),
        Actor::Key { .. } => Err(Problem::Forbidden { detail: "API keys do not see members.".to_owned() }),
    }
}
