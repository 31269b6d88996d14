//! How often a key may ask: so many requests a minute, counted by this server in memory.

use crate::rates::Limit;
use crate::{Backend, Clock, Error, OrgScope};
use domain::ids::KeyId;
use domain::problem::Problem;
use std::sync::Arc;
use std::time::Duration;

/// The window that quotas are told for.
const WINDOW_SECS: u32 = 60;

/// Requests that a key may make per minute, all at once if it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// To send events; each request may bring thousands.
    pub ingest: u32,
    /// To ask for anything else.
    pub api: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { ingest: 120_000, api: 3_000 }
    }
}

/// What a request is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It brings events.
    Ingest,
    /// Anything else.
    Api,
}

impl Policy {
    /// Its name in the headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Api => "api",
        }
    }
}

/// Where a key stands after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaState {
    /// What the request was counted as.
    pub policy: Policy,
    /// Requests per window.
    pub quota: u32,
    /// The window.
    pub window_secs: u32,
    /// Requests that may follow at once.
    pub remaining: u32,
    /// When the whole quota is there again, if nothing follows.
    pub reset_secs: u32,
}

/// The limits of all keys on this server.
pub struct Rates {
    quotas: Quotas,
    ingest: Limit<KeyId>,
    api: Limit<KeyId>,
}

impl Rates {
    pub(crate) fn new(clock: &Arc<dyn Clock>, quotas: Quotas) -> Self {
        let limit = |quota: u32| Limit::new(clock, quota, Duration::from_secs(WINDOW_SECS.into()) / quota.max(1));
        Self { quotas, ingest: limit(quotas.ingest), api: limit(quotas.api) }
    }

    fn count(&self, key: KeyId, policy: Policy) -> (QuotaState, Result<(), Error>) {
        let (limit, quota) = match policy {
            Policy::Ingest => (&self.ingest, self.quotas.ingest.max(1)),
            Policy::Api => (&self.api, self.quotas.api.max(1)),
        };
        let counted = limit.check(&key);
        let remaining = *counted.as_ref().unwrap_or(&0);
        let used = u64::from(quota.saturating_sub(remaining));
        let reset_secs = (used * u64::from(WINDOW_SECS)).div_ceil(quota.into());
        let reset_secs = u32::try_from(reset_secs).unwrap_or(WINDOW_SECS);
        (QuotaState { policy, quota, window_secs: WINDOW_SECS, remaining, reset_secs }, counted.map(drop))
    }
}

/// Counts a request of the caller's key, and says where the key stands now.
///
/// The second part is [`Problem::RateLimited`] when it was one too many.
pub fn count(backend: &Backend, scope: &OrgScope, policy: Policy) -> (Option<QuotaState>, Result<(), Error>) {
    match scope.key_id() {
        Some(key) => {
            let (state, counted) = backend.rates.count(key, policy);
            (Some(state), counted)
        }
        None => (None, Err(Problem::Unauthenticated.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestClock;
    use chrono::Duration as Span;

    #[test]
    fn a_key_spends_its_quota_and_gets_it_back_with_time() {
        let clock = Arc::new(TestClock::at("2026-11-20T12:00:00Z".parse().unwrap()));
        let rates = Rates::new(&(clock.clone() as Arc<dyn Clock>), Quotas { ingest: 6, api: 3 });
        let (ada, bob) = (KeyId(uuid::Uuid::from_u128(1)), KeyId(uuid::Uuid::from_u128(2)));
        for remaining in [5, 4, 3, 2, 1, 0] {
            let (state, counted) = rates.count(ada, Policy::Ingest);
            assert!(counted.is_ok());
            assert_eq!((state.quota, state.remaining, state.reset_secs), (6, remaining, (6 - remaining) * 10));
        }
        let (state, counted) = rates.count(ada, Policy::Ingest);
        assert_eq!((state.remaining, state.reset_secs), (0, 60));
        let Err(Error::Problem(Problem::RateLimited { retry_after_secs })) = counted else { panic!("{counted:?}") };
        assert!((10..=11).contains(&retry_after_secs));
        assert!(rates.count(ada, Policy::Api).1.is_ok(), "another policy");
        assert!(rates.count(bob, Policy::Ingest).1.is_ok(), "another key");
        clock.advance(Span::seconds(20));
        assert_eq!(rates.count(ada, Policy::Ingest).0.remaining, 1, "two came back, one is spent");
    }
}
