//! Connections to PostgreSQL, apart by what they are for: nothing that is read can take those of ingestion.

mod sql;

use crate::error::timed_out;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use std::time::Duration;

/// How long whoever needs a connection waits for one before it is told to come back: shorter than clients are patient.
const ACQUIRE: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is asked whether it still lives before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long that answer may take: a path that is silently dead gives none.
const ALIVE: Duration = Duration::from_secs(1);
/// How long reading before an event is recorded may take, and its transaction, and its commit.
const PATIENCE: Duration = Duration::from_secs(20);
/// Statements of readers that take longer are cancelled, in PostgreSQL's words.
const READ_LIMIT: &str = "30s";
/// The same for ingestion, which waits for locks for ten seconds at most.
const INGEST_LIMIT: &str = "15s";

/// How many connections one server opens for each use, beside one for each channel that it listens to.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Pages.
    pub pages: u32,
    /// The public API's reading and managing.
    pub api: u32,
    /// Keys, events and `/readyz`.
    pub ingest: u32,
    /// Mail, budgets, runs, retention.
    pub work: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { pages: 8, api: 5, ingest: 5, work: 6 }
    }
}

/// The connections of one process.
#[derive(Clone, Debug)]
pub struct Pools {
    /// Pages.
    pub pages: PgPool,
    /// The public API's reading and managing.
    pub api: PgPool,
    /// Keys, events and `/readyz`.
    pub ingest: PgPool,
    /// Mail, budgets, runs, retention.
    pub work: PgPool,
    /// How long reading before an event is recorded may take, and its transaction, and its commit.
    pub patience: Duration,
}

impl From<PgPool> for Pools {
    /// One pool for everything: commands and tests.
    fn from(pool: PgPool) -> Self {
        let (pages, api, ingest) = (pool.clone(), pool.clone(), pool.clone());
        Self { pages, api, ingest, work: pool, patience: PATIENCE }
    }
}

impl Pools {
    /// Pools of their own for a server that serves; connections are opened when they are needed.
    #[must_use]
    pub fn apart(database: &PgConnectOptions, sizes: Sizes) -> Self {
        let pool = |size, limit| options(size, limit).connect_lazy_with(database.clone());
        Self {
            pages: pool(sizes.pages, Some(READ_LIMIT)),
            api: pool(sizes.api, Some(READ_LIMIT)),
            ingest: pool(sizes.ingest, Some(INGEST_LIMIT)),
            work: pool(sizes.work, None),
            patience: PATIENCE,
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        for pool in [&self.pages, &self.api, &self.ingest, &self.work] {
            pool.close().await;
        }
    }
}

/// Settings of a pool whose statements may take `limit`. Its connections end by themselves where the other side is silently gone.
#[must_use]
pub fn options(size: u32, limit: Option<&'static str>) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE)
        // Asked below, with a limit.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for < TRUSTED {
                    return Ok(true);
                }
                Ok(tokio::time::timeout(ALIVE, connection.ping()).await.is_ok_and(|answer| answer.is_ok()))
            })
        })
        // The pool's own question has no limit, and would keep the place of a dead connection for ever.
        .after_release(|connection, _| {
            Box::pin(async move {
                let answer = tokio::time::timeout(ALIVE, connection.ping()).await;
                answer.map_err(|_| timed_out())?.map(|()| true)
            })
        })
        .after_connect(move |connection, _| Box::pin(sql::limit(connection, limit)))
}
