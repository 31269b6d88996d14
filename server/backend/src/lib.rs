//! Tallystick's engine: one folder per room, the same words as in `domain`.
//!
//! A room has `mod.rs` (verbs: rules and transactions) and `sql.rs` (queries: rows in, domain types out); nothing outside a room's `sql.rs` knows its tables.
//! Every verb about an organization takes an [`OrgScope`] first; only `identity` and `keys` can make one.
//! To add a verb: put its words into `domain`, its query into `sql.rs`, its rules into `mod.rs`, and a door of five lines into `app` or `server::api`.

#[cfg(target_family = "wasm")]
compile_error!("`backend` must never be built for the browser: it holds SQL and secrets");

pub mod allocation;
pub mod annotations;
pub mod audit;
pub mod budgets;
pub mod business_metrics;
pub mod charges;
pub mod clock;
pub mod delivery;
pub mod error;
pub mod events;
pub mod exports;
mod file_imports;
pub mod forecast;
mod hash;
pub mod identity;
pub mod journal;
pub mod keys;
pub mod labels;
pub mod ledger;
mod locks;
mod notify_cache;
pub mod notify_listener;
mod paging;
mod pools;
pub mod prices;
pub mod projects;
mod rates;
mod readers;
pub mod rules;
pub mod sample;
mod schema;
pub mod scope;
mod secrets;
#[cfg(test)]
mod seeded;
pub mod spend;
pub mod statements;
mod steps;
pub mod suggestions;
pub mod views;

pub use clock::{Clock, SystemClock, TestClock};
pub use error::Error;
pub use hash::hashed;
pub use pools::{Pools, Sizes, options as pool_options};
pub use schema::{Placed, Schema, distribute, schema};
pub use scope::{Actor, OrgScope, Visible};
pub use secrets::Secrets;

use sqlx::PgPool;
use std::sync::Arc;

/// The schema, embedded in the binary.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Brings the database to this program: its tables, and the seed of its price book.
///
/// # Errors
/// [`Error::Migration`] and those of [`prices::sync_seed`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn migrate(pool: &PgPool, clock: &dyn Clock) -> Result<(), Error> {
    MIGRATOR.run(pool).await?;
    schema::index_partitions(pool).await?;
    prices::sync_seed(pool, clock).await?;
    Ok(())
}

/// Everything a verb needs; cheap to clone.
#[derive(Clone)]
pub struct Backend {
    /// Connections to PostgreSQL: those of pages, or of what [`Backend::for_api`] and its like are for.
    pub pool: PgPool,
    /// Turns of those who read sums over these connections.
    pub(crate) readers: readers::Readers,
    /// The same over those of the public API.
    api_readers: readers::Readers,
    /// All connections.
    pools: Arc<Pools>,
    /// Time and randomness.
    pub clock: Arc<dyn Clock>,
    /// The address people and mails use, without a trailing slash.
    pub public_url: Arc<str>,
    /// Local mode: outgoing mail is shown at `/dev/mail`, cookies work over http.
    pub local: bool,
    /// Local mode that other machines reach: mail is shown to signed-in people alone.
    pub exposed: bool,
    /// API keys seen lately.
    pub(crate) keys: Arc<keys::Cache>,
    /// How often keys may ask.
    pub(crate) rates: Arc<keys::Rates>,
    /// Price books of organizations that sent or read something lately.
    pub(crate) own_books: Arc<prices::OwnBooks>,
    /// What keeps guessing and flooding down: bounded password hashing, rate limits.
    pub(crate) guards: Arc<identity::Guards>,
    /// Who is told when sums move.
    pub(crate) live: Arc<spend::Live>,
    /// Sums that were asked for lately.
    pub(crate) answers: spend::Answers,
    /// The way of events to the committer.
    pub(crate) events: events::Ingest,
    /// What the operator allows scheduled exports.
    pub(crate) storage: exports::schedules::Settings,
}

impl Backend {
    /// Puts the parts together and starts the committer, which uses no connection while nothing waits. Needs a tokio runtime.
    #[must_use]
    pub fn new(pools: impl Into<Pools>, clock: Arc<dyn Clock>, public_url: &str, local: bool) -> Self {
        let pools = Arc::new(pools.into());
        Self {
            guards: Arc::new(identity::Guards::new(&clock)),
            rates: Arc::new(keys::Rates::new(&clock, keys::Quotas::default())),
            events: events::Ingest::start(&pools, Arc::clone(&clock)),
            pool: pools.pages.clone(),
            readers: readers::Readers::of(&pools.pages),
            api_readers: readers::Readers::of(&pools.api),
            pools,
            clock,
            public_url: public_url.trim_end_matches('/').into(),
            local,
            exposed: false,
            keys: Arc::default(),
            own_books: Arc::default(),
            live: Arc::default(),
            answers: spend::Answers::default(),
            storage: exports::schedules::Settings::default(),
        }
    }

    /// Reached by other machines in local mode, or not.
    #[must_use]
    pub fn exposed(self, exposed: bool) -> Self {
        Self { exposed, ..self }
    }

    /// With other limits for keys than the usual ones.
    #[must_use]
    pub fn with_quotas(self, quotas: keys::Quotas) -> Self {
        Self { rates: Arc::new(keys::Rates::new(&self.clock, quotas)), ..self }
    }

    /// With other limits of series and labels than the usual ones.
    #[must_use]
    pub fn with_limits(self, limits: ledger::Limits) -> Self {
        Self { events: self.events.with_limits(limits), ..self }
    }

    /// With what the operator allows scheduled exports.
    #[must_use]
    pub fn with_storage(self, storage: exports::schedules::Settings) -> Self {
        Self { storage, ..self }
    }

    /// The same with the connections of the public API.
    #[must_use]
    pub fn for_api(&self) -> Self {
        Self { pool: self.pools.api.clone(), readers: self.api_readers.clone(), ..self.clone() }
    }

    /// The same with the connections of ingestion.
    #[must_use]
    pub fn for_ingest(&self) -> Self {
        Self { pool: self.pools.ingest.clone(), ..self.clone() }
    }

    /// The same with the connections of background work.
    #[must_use]
    pub fn for_work(&self) -> Self {
        Self { pool: self.pools.work.clone(), ..self.clone() }
    }

    /// The same, unless it takes longer than ingestion waits: a path to PostgreSQL that is silently dead gives no answer at all.
    ///
    /// # Errors
    /// Those of `work`; [`Error::Database`] when time is up.
    pub async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout(self.pools.patience, work).await.map_err(|_| error::timed_out())?
    }

    /// Asks PostgreSQL for an answer, over a connection of ingestion: what is read does not matter for it.
    ///
    /// # Errors
    /// [`Error::Database`] when it is away.
    pub async fn ping(&self) -> Result<(), Error> {
        self.in_time(async { Ok(sqlx::Connection::ping(&mut *self.pools.ingest.acquire().await?).await?) }).await
    }
}
