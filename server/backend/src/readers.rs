//! How many sums of one organization are read at once: whoever asks for many at a time waits for itself and for nobody else.

use crate::{Error, OrgScope};
use domain::ids::OrgId;
use domain::problem::Problem;
use moka::future::Cache;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Organizations whose permits are remembered; who asked longest ago is forgotten and begins anew.
const REMEMBERED: u64 = 10_000;
/// Who waits longer for a permit is told to come back.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which to come back.
const RETRY_AFTER_SECS: u32 = 5;

/// Permits of the readers of one pool.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    permits: Cache<OrgId, Arc<Semaphore>>,
    at_once: usize,
    patience: Duration,
}

impl Readers {
    /// An organization reads with half of a pool's connections at most.
    pub(crate) fn of(pool: &PgPool) -> Self {
        let connections = pool.options().get_max_connections();
        let at_once = usize::try_from(connections.div_ceil(2)).unwrap_or(usize::MAX).max(1);
        Self { permits: Cache::new(REMEMBERED), at_once, patience: PATIENCE }
    }

    /// Waits for a permit, which lasts until it is dropped. Nobody who has one asks for another.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when it takes too long.
    pub(crate) async fn permit(&self, scope: &OrgScope) -> Result<OwnedSemaphorePermit, Error> {
        let permits = self.permits.get_with(scope.org_id(), async { Arc::new(Semaphore::new(self.at_once)) }).await;
        let permit = tokio::time::timeout(self.patience, permits.acquire_owned()).await;
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| Problem::Unavailable { retry_after_secs: RETRY_AFTER_SECS }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{Actor, Visible};
    use domain::period::Zone;
    use sqlx::postgres::PgPoolOptions;
    use uuid::Uuid;

    fn scope(number: u128) -> OrgScope {
        OrgScope::new(OrgId(Uuid::from_u128(number)), Zone::UTC, Actor::System, Visible::All)
    }

    #[tokio::test]
    async fn an_organization_that_reads_a_lot_waits_for_itself_alone() {
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy("postgres://localhost/none").unwrap();
        let readers = Readers::of(&pool);
        let (loud, quiet) = (scope(1), scope(2));
        let held = [readers.permit(&loud).await.unwrap(), readers.permit(&loud).await.unwrap()];
        let mut third = std::pin::pin!(readers.permit(&loud));
        assert!(futures::poll!(third.as_mut()).is_pending());
        drop(readers.permit(&quiet).await.unwrap());
        let impatient = Readers { patience: Duration::ZERO, ..readers.clone() };
        let refused = impatient.permit(&loud).await.unwrap_err().into_problem();
        assert!(matches!(refused, Problem::Unavailable { .. }), "{refused:?}");
        drop(held);
        drop(third.await.unwrap());
    }
}
