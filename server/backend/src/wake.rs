//! Waking background work when PostgreSQL says that something waits.
//!
//! A wake-up is a hint, never the only way: whoever waits for one also sweeps now and then, because a notification sent while nobody listened is gone.

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Between two tries to listen again after PostgreSQL went away.
const RECONNECT: Duration = Duration::from_secs(1);

/// Listens on one channel over a connection of its own; many notifications in a row become one wake-up.
#[derive(Debug)]
pub struct Wake {
    woken: Arc<Notify>,
    listener: JoinHandle<()>,
}

impl Wake {
    /// Starts to listen; returns at once and goes on trying while PostgreSQL is away.
    #[must_use]
    pub fn listen(pool: &PgPool, channel: &'static str) -> Self {
        let woken = Arc::new(Notify::new());
        let listener = tokio::spawn(keep_listening(pool.clone(), channel, Arc::clone(&woken)));
        Self { woken, listener }
    }

    /// Waits for the next wake-up. One that came since the last call counts, so none is lost between two calls.
    pub async fn next(&self) {
        self.woken.notified().await;
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn keep_listening(pool: PgPool, channel: &'static str, woken: Arc<Notify>) {
    let mut away = false;
    loop {
        let Err(error) = listen(&pool, channel, &woken, &mut away).await;
        if !std::mem::replace(&mut away, true) {
            tracing::warn!(channel, %error, "cannot listen to PostgreSQL; trying again every second");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn listen(
    pool: &PgPool,
    channel: &str,
    woken: &Notify,
    away: &mut bool,
) -> Result<std::convert::Infallible, sqlx::Error> {
    // A pool of its own with one connection: listening for ever must not take one from the pages.
    let own = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_with(pool.connect_options().as_ref().clone())
        .await?;
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(channel).await?;
    if std::mem::replace(away, false) {
        tracing::info!(channel, "listening to PostgreSQL again");
    }
    loop {
        // What was written before we listened, or while the connection was lost, is found by looking.
        woken.notify_one();
        listener.try_recv().await?;
    }
}
