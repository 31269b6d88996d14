//! The end of an organization: for some days it can be undone, then a background job deletes everything in pieces.

use super::organizations::system_scope_if_there;
use super::{mails, sql};
use crate::{Backend, Error, OrgScope, audit, keys, ledger};
use chrono::{DateTime, Duration, Utc};
use domain::format;
use domain::identity::Permission;
use domain::ids::OrgId;
use domain::problem::Problem;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

/// Days for which a deletion can be undone.
pub const UNDO_DAYS: i64 = 7;
/// Rows deleted in one transaction.
const AT_ONCE: i64 = 20_000;
/// Between two looks for organizations whose time has come.
const EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// Marks the organization: after [`UNDO_DAYS`] it is deleted with everything in it. The name must be typed to confirm; the owners get a mail. When it will be deleted.
///
/// Until then its keys record no events and its mails wait.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `typed_name`, [`Problem::Conflict`] where it is marked already, [`Problem::RateLimited`] where too many mails went out about it, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn delete_organization(
    backend: &Backend,
    scope: &OrgScope,
    typed_name: &str,
) -> Result<DateTime<Utc>, Error> {
    scope.require(Permission::DeleteOrganization)?;
    let mut transaction = backend.pool.begin().await?;
    sql::lock_organization(&mut transaction, scope).await?;
    let organization = sql::organization(&mut *transaction, scope).await?.ok_or(Problem::NotFound)?;
    if organization.name != typed_name.trim() {
        return Err(Problem::field("typed_name", "mismatch", "Type the name exactly as it is written above.").into());
    }
    if organization.deletes_at.is_some() {
        return Err(Problem::conflict("The organization is going to be deleted already.").into());
    }
    let at = backend.clock.now() + Duration::days(UNDO_DAYS);
    sql::set_deletion(&mut transaction, scope, Some(at)).await?;
    let when = format::time(scope.zone().local(at));
    let detail = format!("Asked to delete the organization: everything in it goes on {when}.");
    audit::record(backend, scope, &mut transaction, "organization.deletion_begun", &detail).await?;
    keys::announce_change(&mut transaction).await?;
    tell_owners(backend, scope, &mut transaction, &organization.name, &organization.slug, &when).await?;
    transaction.commit().await?;
    backend.keys.changed();
    tracing::info!(org_id = %scope.org_id(), by = ?scope.user_id(), "organization marked for deletion");
    Ok(at)
}

async fn tell_owners(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    organization: &str,
    slug: &str,
    when: &str,
) -> Result<(), Error> {
    let by = match scope.user_id() {
        Some(user_id) => sql::email_of(connection, user_id).await?,
        None => "Tallystick".to_owned(),
    };
    for owner in sql::owners(connection, scope).await? {
        let deletion = mails::Deletion { org_id: scope.org_id(), organization, slug, by: &by, when, days: UNDO_DAYS };
        mails::deletion(backend, connection, &owner, deletion).await?;
    }
    Ok(())
}

/// Takes the mark away: everything goes on as before. Nothing happens where there is none.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Conflict`] once the days are over, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn restore_organization(backend: &Backend, scope: &OrgScope) -> Result<(), Error> {
    scope.require(Permission::DeleteOrganization)?;
    let mut transaction = backend.pool.begin().await?;
    sql::lock_organization(&mut transaction, scope).await?;
    let organization = sql::organization(&mut *transaction, scope).await?.ok_or(Problem::NotFound)?;
    let Some(at) = organization.deletes_at else { return Ok(()) };
    if at <= backend.clock.now() {
        // At once: what is dropped gives its lock back a moment after this answer, and whoever deletes passes over what is locked.
        transaction.rollback().await?;
        return Err(Problem::conflict("It is too late: the organization is being deleted.").into());
    }
    sql::set_deletion(&mut transaction, scope, None).await?;
    audit::record(backend, scope, &mut transaction, "organization.deletion_undone", "Undid the deletion.").await?;
    keys::announce_change(&mut transaction).await?;
    transaction.commit().await?;
    backend.keys.changed();
    Ok(())
}

/// Deletes organizations whose time has come, until `stop`. Any number of servers may do it: a piece claims its organization.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: start it again after a while; nothing is done twice.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn keep_deleting(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    while !stop.is_cancelled() {
        delete_due(backend, stop).await?;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    Ok(())
}

/// Deletes organizations whose time has come, piece by piece; how many are gone. One that cannot be deleted holds up no other.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn delete_due(backend: &Backend, stop: &CancellationToken) -> Result<usize, Error> {
    let mut gone = 0;
    for org_id in sql::due_for_deletion(&backend.pool, backend.clock.now()).await? {
        match delete_whole(backend, org_id, stop).await {
            Ok(deleted) => gone += usize::from(deleted),
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => tracing::error!(%org_id, %error, "cannot delete an organization; trying again later"),
        }
    }
    Ok(gone)
}

/// Whether the organization is gone: not when another server is at it, or at `stop`.
async fn delete_whole(backend: &Backend, org_id: OrgId, stop: &CancellationToken) -> Result<bool, Error> {
    let Some(scope) = system_scope_if_there(backend, org_id).await? else { return Ok(false) };
    while !stop.is_cancelled() {
        match delete_piece(backend, &scope, AT_ONCE).await? {
            Piece::Deleted => {}
            Piece::Whole => {
                tracing::info!(%org_id, "organization deleted");
                return Ok(true);
            }
            Piece::NotOurs => return Ok(false),
        }
    }
    Ok(false)
}

/// What became of the next piece of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// It is deleted; there may be more.
    Deleted,
    /// It was the last: the organization is gone.
    Whole,
    /// Another server is at it, or its time has not come.
    NotOurs,
}

/// Deletes the next piece of an organization whose time has come, at most `limit` rows: first what lets people and keys in, then what is recorded, at last the organization with what people wrote.
///
/// # Errors
/// [`Error::Database`]: the piece is as if it had never been.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn delete_piece(backend: &Backend, scope: &OrgScope, limit: i64) -> Result<Piece, Error> {
    let mut transaction = backend.pool.begin().await?;
    if !sql::try_lock_due(&mut transaction, scope, backend.clock.now()).await? {
        return Ok(Piece::NotOurs);
    }
    let shut = sql::shut_out(&mut transaction, scope).await?;
    if shut {
        keys::announce_change(&mut transaction).await?;
    }
    let mut piece = Piece::Deleted;
    if !shut && ledger::delete_some(&mut transaction, scope, limit).await? == 0 {
        // Nobody records any more: what is not there now does not come.
        ledger::lock_events(&mut transaction, scope).await?;
        if ledger::delete_some(&mut transaction, scope, limit).await? == 0 {
            sql::delete_organization(&mut transaction, scope).await?;
            piece = Piece::Whole;
        }
    }
    transaction.commit().await?;
    if shut {
        backend.keys.changed();
    }
    Ok(piece)
}
