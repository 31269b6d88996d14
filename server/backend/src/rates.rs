//! Rate limits in this server's memory: so many at once, then one more per interval.

use crate::{Clock, Error};
use domain::problem::Problem;
use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Keys remembered before those that have recovered are forgotten.
const MAX_REMEMBERED: usize = 20_000;
/// How many checks lie between two looks at how many keys are remembered: looking locks every part of the table.
const CHECKS_BETWEEN_LOOKS: u32 = 1_024;

/// Governor's time is ours.
#[derive(Clone)]
pub(crate) struct OurTime(Arc<dyn Clock>);

impl GovernorClock for OurTime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let nanos = self.0.now().timestamp_nanos_opt().and_then(|nanos| u64::try_from(nanos).ok());
        nanos.unwrap_or(u64::MAX).into()
    }
}

/// A limit that every key has for itself.
pub(crate) struct Limit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, OurTime, StateInformationMiddleware>,
    time: OurTime,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// `burst` at once, and one more every `interval`.
    pub(crate) fn new(clock: &Arc<dyn Clock>, burst: u32, interval: Duration) -> Self {
        let time = OurTime(Arc::clone(clock));
        // None only for an interval of zero.
        let quota = Quota::with_period(interval)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::dashmap_with_clock(quota, time.clone()).with_middleware();
        Self { limiter, time, checks: AtomicU32::new(0) }
    }

    /// Counts one; how many more may follow at once.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] when it is one too many; it is not counted then.
    pub(crate) fn check(&self, key: &K) -> Result<u32, Error> {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(CHECKS_BETWEEN_LOOKS)
            && self.limiter.len() > MAX_REMEMBERED
        {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(key) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(wait) => {
                let secs = wait.wait_time_from(self.time.now()).as_secs().saturating_add(1);
                Err(Problem::RateLimited { retry_after_secs: u32::try_from(secs).unwrap_or(u32::MAX) }.into())
            }
        }
    }
}
