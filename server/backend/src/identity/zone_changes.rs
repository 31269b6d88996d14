//! Changes of the reporting time zone: every day is summed anew in the background, in bounded steps, and all days change at once.

use super::organizations::system_scope_if_there;
use super::sql;
use crate::{Actor, Backend, Error, OrgScope, Visible, audit, keys, ledger, steps};
use domain::identity::{Organization, Permission, ZoneChange};
use domain::period::Zone;
use domain::problem::Problem;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

/// The change of the zone that is under way, or the last one if it failed.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn zone_change(backend: &Backend, scope: &OrgScope) -> Result<Option<ZoneChange>, Error> {
    scope.require(Permission::Read)?;
    sql::zone_change(&mut *backend.pool.acquire().await?, scope).await
}

/// Begins a change in the caller's transaction, which holds the organization's row.
///
/// # Errors
/// [`Problem::Conflict`] while another one is under way; [`Error::Database`].
pub(super) async fn begin(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    organization: &Organization,
    zone: Zone,
) -> Result<(), Error> {
    if !sql::begin_zone_change(connection, scope, zone, backend.clock.now()).await? {
        let detail = "The time zone is being changed already. Wait until that is done.";
        return Err(Problem::conflict(detail).into());
    }
    let detail = format!("Began to change the time zone from {} to {}.", organization.time_zone, zone.name());
    audit::record(backend, scope, connection, "organization.zone_change_begun", &detail).await?;
    sql::notify_of_zone_change(connection).await
}

/// The first steps of a change, so that small organizations have it when the verb answers.
pub(super) async fn hurry(backend: &Backend, scope: &OrgScope) -> Result<(), Error> {
    steps::hurry(|| advance_zone_change(backend, scope)).await
}

/// Advances changes of zones until `stop`. Any number of servers may do it.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: start it again after a while; nothing is lost.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn change_zones(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    steps::run(&backend.pool, sql::ZONE_CHANNEL, stop, || step_of_any(backend)).await
}

async fn step_of_any(backend: &Backend) -> Result<bool, Error> {
    let Some(org_id) = sql::waiting_zone_change(&backend.pool).await? else { return Ok(false) };
    if let Some(scope) = system_scope_if_there(backend, org_id).await? {
        advance_zone_change(backend, &scope).await?;
    }
    Ok(true)
}

/// Takes the next step of an organization's change, unless another server is at it; whether there may be more to do.
///
/// A step that cannot be taken ends the change as failed: then all days are still those of the old zone.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: the step is as if it had never been.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn advance_zone_change(backend: &Backend, scope: &OrgScope) -> Result<bool, Error> {
    match step(backend, scope).await {
        Ok(more) => Ok(more),
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            tracing::error!(org_id = %scope.org_id(), %error, "a change of the time zone failed");
            let mut transaction = backend.pool.begin().await?;
            sql::lock_organization(&mut transaction, scope).await?;
            if sql::fail_zone_change(&mut transaction, scope, &error.to_string()).await? {
                ledger::unstage_days(&mut transaction, scope).await?;
            }
            transaction.commit().await?;
            Ok(false)
        }
    }
}

async fn step(backend: &Backend, scope: &OrgScope) -> Result<bool, Error> {
    let mut transaction = backend.pool.begin().await?;
    // The organization's row first, as with everybody who changes something of it.
    if !sql::try_lock_organization(&mut transaction, scope).await? {
        return Ok(false);
    }
    let Some(zone) = sql::running_zone_change(&mut transaction, scope).await? else { return Ok(false) };
    // With the zone that counts now: another server may have ended a change since the scope was made.
    let counting = sql::zone_of(&mut *transaction, scope.org_id()).await?.ok_or(Problem::NotFound)?;
    let scope = &OrgScope::new(scope.org_id(), counting, Actor::System, Visible::All);
    let staged = ledger::stage_days(&mut transaction, scope, zone).await?;
    if staged.is_complete() {
        finish(backend, scope, &mut transaction, zone).await?;
    } else {
        sql::advance_zone_change(&mut transaction, scope, staged).await?;
    }
    transaction.commit().await?;
    if staged.is_complete() {
        backend.keys.changed();
    }
    Ok(!staged.is_complete())
}

/// Lets the days of the new zone count.
async fn finish(backend: &Backend, scope: &OrgScope, connection: &mut PgConnection, zone: Zone) -> Result<(), Error> {
    ledger::rebuild_days(connection, scope, zone).await?;
    sql::set_zone(connection, scope, zone).await?;
    sql::end_zone_change(connection, scope).await?;
    let detail = format!("Changed the time zone from {} to {}.", scope.zone().name(), zone.name());
    audit::record(backend, scope, connection, "organization.changed", &detail).await?;
    keys::announce_change(connection).await
}
