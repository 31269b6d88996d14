//! Time and randomness: the only file that asks the machine for either.

use chrono::{DateTime, Duration, Utc};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Where time, ids and random bytes come from; passed in everywhere.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// A fresh time-ordered id.
    fn new_id(&self) -> Uuid {
        id_at(self.now(), self.random())
    }

    /// Unpredictable bytes for secrets.
    fn random(&self) -> [u8; 32];
}

/// A UUID version 7 (RFC 9562, 5.7) with the milliseconds of `at` and the given random bits.
#[must_use]
pub fn id_at(at: DateTime<Utc>, random: [u8; 32]) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let mut tail = [0; 10];
    tail.copy_from_slice(&random[..10]);
    uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

/// The machine's clock and random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn random(&self) -> [u8; 32] {
        rand::random()
    }
}

/// A clock that stands where a test puts it; ids and bytes are still random.
#[derive(Debug)]
pub struct TestClock(Mutex<DateTime<Utc>>);

impl TestClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: DateTime<Utc>) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves it to `at`.
    pub fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self) -> [u8; 32] {
        rand::random()
    }
}
