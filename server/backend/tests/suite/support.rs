//! A server with a database of its own, with a clock that stands still.

use backend::{Backend, TestClock};
use chrono::{DateTime, NaiveDate, Utc};
use domain::identity::Email;
use rust_decimal::Decimal;
use std::sync::Arc;
use testkit::TestDatabase;
use testkit::seed::{self, Organization};

/// An instant of a test.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A day of a test.
pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An amount of a test.
pub(crate) fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// An address of a test.
pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// A server with its own database and clock.
pub(crate) struct Server {
    /// The verbs.
    pub(crate) backend: Backend,
    /// Its time.
    pub(crate) clock: Arc<TestClock>,
    database: TestDatabase,
}

impl Server {
    /// A server whose clock stands at `now`.
    pub(crate) async fn at(now: &str) -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(TestClock::at(at(now)));
        let backend = Backend::new(database.pool().clone(), clock.clone(), "https://tally.example.com", false);
        Self { backend, clock, database }
    }

    /// A second process beside the same database, with connections of its own and the same clock.
    pub(crate) async fn another(&self) -> Backend {
        let pool = sqlx::PgPool::connect(self.database.url()).await.unwrap();
        Backend::new(pool, self.clock.clone(), "https://tally.example.com", false)
    }

    /// An organization owned by `owner@<name>.example`.
    pub(crate) async fn organization(&self, name: &str, zone: &str) -> Organization {
        seed::named(&self.backend, name, zone).await
    }
}
