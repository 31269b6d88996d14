//! Telling open pages that sums moved.
//!
//! Whoever listens hears that something moved on any server, looks at the version of its own organization's sums, and is told only where that is another one.

use super::sql;
use crate::notify_listener::NotifyListener;
use crate::{Backend, Error, OrgScope, budgets};
use chrono::Days;
use domain::identity::Permission;
use domain::ids::{OrgId, UserId};
use domain::period::{MAX_DAYS, Period};
use domain::problem::Problem;
use moka::future::Cache;
use rust_decimal::Decimal;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Pages that one person keeps open and looks at, on this server.
const PER_USER: usize = 10;
/// Pages of one organization, on this server.
const PER_ORG: usize = 200;
/// People and organizations whose permits are remembered.
const REMEMBERED: u64 = 10_000;
/// Who may listen is asked for again, and sums are looked at, after so long without a word.
const LOOK: Duration = Duration::from_secs(20);
/// What moves within so long is told as one.
const GATHER: Duration = Duration::from_secs(1);
/// So long a version serves all listeners of an organization: less than what is gathered.
const FRESH: Duration = Duration::from_millis(500);

/// What listeners of this server share.
#[derive(Debug)]
pub(crate) struct Live {
    moved: watch::Sender<()>,
    versions: Cache<OrgId, Decimal>,
    users: Cache<UserId, Arc<Semaphore>>,
    orgs: Cache<OrgId, Arc<Semaphore>>,
}

impl Default for Live {
    fn default() -> Self {
        let versions = Cache::builder().max_capacity(REMEMBERED).time_to_live(FRESH).build();
        Self { moved: watch::Sender::new(()), versions, users: Cache::new(REMEMBERED), orgs: Cache::new(REMEMBERED) }
    }
}

/// Passes on what PostgreSQL says about moved sums, until `stop`.
///
/// # Errors
/// None: it goes on trying while PostgreSQL is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn watch(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    let listener = NotifyListener::listen(&backend.pool, budgets::CHANNEL);
    while stop.run_until_cancelled(listener.next()).await.is_some() {
        backend.live.moved.send_replace(());
    }
    Ok(())
}

/// The version of the organization's sums and alerts: another one after every transaction that moves them.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn version(backend: &Backend, scope: &OrgScope) -> Result<Decimal, Error> {
    scope.require(Permission::Read)?;
    // Events may be a little ahead of the clock.
    let today = scope.zone().day_of(backend.clock.now()) + Days::new(2);
    let all = Period::last_days(today, MAX_DAYS.unsigned_abs());
    let days = [all];
    let (states, alerts) = futures::try_join!(
        sql::states(&backend.pool, scope, &days, [false; 2]),
        budgets::alerts_version(backend, scope)
    )?;
    Ok(states.iter().map(|state| state.versions).sum::<Decimal>() + Decimal::from(alerts))
}

/// Somebody whose page is renewed when sums move.
pub struct Listener {
    backend: Backend,
    scope: OrgScope,
    moved: watch::Receiver<()>,
    pub(super) gather: Duration,
    _permits: [OwnedSemaphorePermit; 2],
}

/// Begins to listen for somebody; it ends when the listener is dropped.
///
/// # Errors
/// `RateLimited` where the person, or the organization, has too many pages open; `Forbidden` without the right to read.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn listen(backend: &Backend, scope: &OrgScope, user: UserId) -> Result<Listener, Error> {
    scope.require(Permission::Read)?;
    let live = &backend.live;
    let permits = [permit(&live.users, user, PER_USER).await?, permit(&live.orgs, scope.org_id(), PER_ORG).await?];
    let moved = live.moved.subscribe();
    Ok(Listener { backend: backend.clone(), scope: scope.clone(), moved, gather: GATHER, _permits: permits })
}

async fn permit<K: Hash + Eq + Send + Sync + 'static>(
    all: &Cache<K, Arc<Semaphore>>,
    of: K,
    most: usize,
) -> Result<OwnedSemaphorePermit, Error> {
    let permits = all.get_with(of, async { Arc::new(Semaphore::new(most)) }).await;
    let retry_after_secs = u32::try_from(LOOK.as_secs()).unwrap_or(u32::MAX);
    permits.try_acquire_owned().map_err(|_| Problem::RateLimited { retry_after_secs }.into())
}

impl Listener {
    /// Waits for another version than the one that was `seen`, for 20 seconds at most; none where nothing moved.
    ///
    /// # Errors
    /// [`Error::Database`].
    #[tracing::instrument(level = "debug", skip_all, fields(org_id = %self.scope.org_id()))]
    pub async fn next(&mut self, seen: Option<Decimal>) -> Result<Option<Decimal>, Error> {
        let other = |version: Decimal| Some(version).filter(|version| Some(*version) != seen);
        if let Some(version) = other(self.version().await?) {
            return Ok(Some(version));
        }
        if let Ok(moved) = tokio::time::timeout(LOOK, self.moved.changed()).await {
            moved.map_err(|error| Error::server("waiting for moved sums", error))?;
            tokio::time::sleep(self.gather).await;
        }
        Ok(other(self.version().await?))
    }

    /// One question for all listeners of an organization.
    async fn version(&self) -> Result<Decimal, Error> {
        let read = version(&self.backend, &self.scope);
        let known = self.backend.live.versions.try_get_with(self.scope.org_id(), read).await;
        known.map_err(|error| Error::server("reading the version of sums", error))
    }
}
