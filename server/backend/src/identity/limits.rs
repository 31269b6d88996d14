//! Rate limits of the doors that strangers may knock on, per account and per address (of IPv6: per /64), in this server's memory.

use crate::{Clock, Error, rates};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// What counts as one address: of IPv6 the network, because whoever has one has all addresses of it.
fn network(address: &str) -> String {
    match address.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

/// A limit by account or address.
struct Limit(rates::Limit<String>);

impl Limit {
    fn new(clock: &Arc<dyn Clock>, burst: u32, interval_secs: u64) -> Self {
        Self(rates::Limit::new(clock, burst, Duration::from_secs(interval_secs)))
    }

    fn check(&self, key: &str) -> Result<(), Error> {
        // Without an address, as in tests that use no network, there is nothing to count.
        if key.is_empty() {
            return Ok(());
        }
        self.0.check(&key.to_owned()).map(drop)
    }
}

/// All limits of this server.
pub(super) struct Limits {
    password_of_account: Limit,
    password_of_address: Limit,
    mail_of_account: Limit,
    recovery_of_account: Limit,
    mail_of_address: Limit,
    invitations: Limit,
    organizations: Limit,
    confirmations: Limit,
}

impl Limits {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            password_of_account: Limit::new(clock, 10, 30),
            password_of_address: Limit::new(clock, 60, 2),
            mail_of_account: Limit::new(clock, 3, 600),
            recovery_of_account: Limit::new(clock, 3, 600),
            mail_of_address: Limit::new(clock, 30, 20),
            invitations: Limit::new(clock, 50, 60),
            organizations: Limit::new(clock, 10, 300),
            confirmations: Limit::new(clock, 3, 8 * 3_600),
        }
    }

    /// Before a password is tried: 10 at once and then one in 30 s per account, 60 and one in 2 s per address.
    pub(super) fn password(&self, account: &str, address: &str) -> Result<(), Error> {
        self.password_of_address.check(&network(address))?;
        self.password_of_account.check(account)
    }

    /// Before a stranger makes us send mail: 3 at once and then one in 10 min per account, 30 and one in 20 s per address.
    pub(super) fn mail(&self, account: &str, address: &str) -> Result<(), Error> {
        self.mail_of_address.check(&network(address))?;
        self.mail_of_account.check(account)
    }

    /// Before a stranger makes us send a link that sets a password: as [`Limits::mail`] per address.
    /// Whether the account is sent another one, 3 at once and then one in 10 min: where not, a link that still works was sent in the last 10 minutes.
    pub(super) fn recovery(&self, account: &str, address: &str) -> Result<bool, Error> {
        self.mail_of_address.check(&network(address))?;
        Ok(self.recovery_of_account.check(account).is_ok())
    }

    /// Before an organization invites somebody: 50 at once and then one a minute.
    pub(super) fn invitation(&self, organization: &str) -> Result<(), Error> {
        self.invitations.check(organization)
    }

    /// Before an address is asked whether it wants an organization's mail.
    pub(super) fn confirmation(&self, address: &str) -> Result<(), Error> {
        self.confirmations.check(address)
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
    use domain::problem::Problem;

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
        let refused = |address: &dyn Fn(u32) -> String| {
            (0..100).filter(|n| seconds(limits.password(&format!("user {n}"), &address(*n))).is_some()).count()
        };
        // However it is written, and whichever of its own addresses it takes.
        let same = |n: u32| if n.is_multiple_of(2) { "203.0.113.7" } else { "::ffff:203.0.113.7" }.to_owned();
        assert_eq!(refused(&same), 40);
        assert_eq!(refused(&|n| format!("2001:db8:1:2:{n:x}::{n:x}")), 40);
        assert_eq!(refused(&|n| format!("2001:db8:1:{:x}::1", n + 3)), 0, "other networks");
        assert_eq!(seconds(limits.password("ada", "203.0.113.8")), None);
    }
}
