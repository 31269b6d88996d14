//! Members: who belongs to an organization in which role. One owner always stays.

use super::sql;
use crate::{Actor, Backend, Error, OrgScope, audit};
use domain::identity::{Member, Permission, Role};
use domain::ids::UserId;
use domain::problem::Problem;
use sqlx::PgConnection;

/// Most members of an organization.
pub const MAX_MEMBERS: i64 = 2_000;

/// The members in order of their address.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who are no members; [`Error::Database`].
pub async fn list_members(backend: &Backend, scope: &OrgScope) -> Result<Vec<Member>, Error> {
    role_of_caller(scope)?;
    sql::members(&backend.pool, scope, MAX_MEMBERS).await
}

/// Gives a member another role.
///
/// # Errors
/// [`Problem::Forbidden`] unless the caller may give both the old and the new role, [`Problem::NotFound`], [`Problem::Conflict`] when no owner would stay; [`Error::Database`].
pub async fn change_role(backend: &Backend, scope: &OrgScope, user_id: UserId, role: Role) -> Result<(), Error> {
    scope.require(Permission::ManageMembers)?;
    let mut transaction = backend.pool.begin().await?;
    let member = lock_member(&mut transaction, scope, user_id).await?;
    may_change(scope, member.role)?;
    may_change(scope, role)?;
    if member.role != role {
        sql::set_role(&mut transaction, scope, user_id, role).await?;
        an_owner_stays(&mut transaction, scope).await?;
        let detail = format!("Changed the role of {} from {} to {role}.", member.email, member.role);
        audit::record(backend, scope, &mut transaction, "member.changed", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Removes a member; what they made stays.
///
/// # Errors
/// As [`change_role`].
pub async fn remove_member(backend: &Backend, scope: &OrgScope, user_id: UserId) -> Result<(), Error> {
    scope.require(Permission::ManageMembers)?;
    let mut transaction = backend.pool.begin().await?;
    let member = lock_member(&mut transaction, scope, user_id).await?;
    may_change(scope, member.role)?;
    sql::delete_member(&mut transaction, scope, user_id).await?;
    an_owner_stays(&mut transaction, scope).await?;
    let detail = format!("Removed {} ({}).", member.email, member.role);
    audit::record(backend, scope, &mut transaction, "member.removed", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// The calling member leaves.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who are no members, [`Problem::Conflict`] for the last owner; [`Error::Database`].
pub async fn leave(backend: &Backend, scope: &OrgScope) -> Result<(), Error> {
    role_of_caller(scope)?;
    let user_id = scope.user_id().ok_or(Problem::NotFound)?;
    let mut transaction = backend.pool.begin().await?;
    let member = lock_member(&mut transaction, scope, user_id).await?;
    sql::delete_member(&mut transaction, scope, user_id).await?;
    an_owner_stays(&mut transaction, scope).await?;
    audit::record(backend, scope, &mut transaction, "member.left", &format!("{} left.", member.email)).await?;
    transaction.commit().await?;
    Ok(())
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
