//! Rate limits of the doors that strangers may knock on, per account and per address, in this server's memory.

use crate::{Clock, Error};
use domain::problem::Problem;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Accounts and addresses remembered before those that have recovered are forgotten.
const MAX_REMEMBERED: usize = 20_000;

/// Governor's time is ours.
#[derive(Clone)]
struct OurTime(Arc<dyn Clock>);

impl GovernorClock for OurTime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let nanos = self.0.now().timestamp_nanos_opt().and_then(|nanos| u64::try_from(nanos).ok());
        nanos.unwrap_or(u64::MAX).into()
    }
}

/// So many at once, then one more per interval.
struct Limit {
    limiter: RateLimiter<String, HashMapStateStore<String>, OurTime, NoOpMiddleware<Nanos>>,
    time: OurTime,
}

impl Limit {
    fn new(clock: &Arc<dyn Clock>, burst: u32, interval_secs: u64) -> Self {
        let time = OurTime(Arc::clone(clock));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        // None only for an interval of zero.
        let quota = Quota::with_period(Duration::from_secs(interval_secs.max(1)))
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        Self { limiter: RateLimiter::hashmap_with_clock(quota, time.clone()), time }
    }

    fn check(&self, key: &str) -> Result<(), Error> {
        // Without an address, as in tests that use no network, there is nothing to count.
        if key.is_empty() {
            return Ok(());
        }
        if self.limiter.len() > MAX_REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&key.to_owned()).map_err(|wait| {
            let secs = wait.wait_time_from(self.time.now()).as_secs().saturating_add(1);
            Problem::RateLimited { retry_after_secs: u32::try_from(secs).unwrap_or(u32::MAX) }.into()
        })
    }
}

/// All limits of this server.
pub(super) struct Limits {
    password_of_account: Limit,
    password_of_address: Limit,
    mail_of_account: Limit,
    mail_of_address: Limit,
    invitations: Limit,
    organizations: Limit,
}

impl Limits {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            password_of_account: Limit::new(clock, 10, 30),
            password_of_address: Limit::new(clock, 60, 2),
            mail_of_account: Limit::new(clock, 3, 600),
            mail_of_address: Limit::new(clock, 30, 20),
            invitations: Limit::new(clock, 50, 60),
            organizations: Limit::new(clock, 10, 300),
        }
    }

    /// Before a password is tried: 10 at once and then one in 30 s per account, 60 and one in 2 s per address.
    pub(super) fn password(&self, account: &str, address: &str) -> Result<(), Error> {
        self.password_of_address.check(address)?;
        self.password_of_account.check(account)
    }

    /// Before a stranger makes us send mail: 3 at once and then one in 10 min per account, 30 and one in 20 s per address.
    pub(super) fn mail(&self, account: &str, address: &str) -> Result<(), Error> {
        self.mail_of_address.check(address)?;
        self.mail_of_account.check(account)
    }

    /// Before an organization invites somebody: 50 at once and then one a minute.
    pub(super) fn invitation(&self, organization: &str) -> Result<(), Error> {
        self.invitations.check(organization)
    }

    /// Before a person creates an organization: 10 at once and then one in 5 min.
    pub(super) fn organization(&self, account: &str) -> Result<(), Error> {
        self.organizations.check(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestClock;
    use chrono::Duration as Span;

    fn seconds(result: Result<(), Error>) -> Option<u32> {
        match result {
            Ok(()) => None,
            Err(Error::Problem(Problem::RateLimited { retry_after_secs })) => Some(retry_after_secs),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn an_account_recovers_with_time_and_does_not_harm_others() {
        let clock = Arc::new(TestClock::at("2026-11-20T12:00:00Z".parse().unwrap()));
        let limits = Limits::new(&(clock.clone() as Arc<dyn Clock>));
        for _ in 0..10 {
            assert_eq!(seconds(limits.password("ada", "")), None);
        }
        assert!(seconds(limits.password("ada", "")).is_some_and(|secs| (29..=31).contains(&secs)));
        assert_eq!(seconds(limits.password("bob", "")), None);
        clock.advance(Span::seconds(31));
        assert_eq!(seconds(limits.password("ada", "")), None);
        assert!(seconds(limits.password("ada", "")).is_some());
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_stopped() {
        let clock: Arc<dyn Clock> = Arc::new(TestClock::at("2026-11-20T12:00:00Z".parse().unwrap()));
        let limits = Limits::new(&clock);
        let refused = (0..100).filter(|n| seconds(limits.password(&format!("user {n}"), "203.0.113.7")).is_some());
        assert_eq!(refused.count(), 40);
        assert_eq!(seconds(limits.password("ada", "203.0.113.8")), None);
    }
}
