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
/// After so much silence a connection is asked whether it lives, and has so much time to say so.
const SILENCE: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(5);

/// Listens on one channel over a connection of its own; many notifications in a row become one wake-up.
#[derive(Debug)]
pub struct NotifyListener {
    woken: Arc<Notify>,
    listener: JoinHandle<()>,
}

impl NotifyListener {
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

impl Drop for NotifyListener {
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
    channel: &'static str,
    woken: &Notify,
    away: &mut bool,
) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut connection = ChannelConnection::on(pool, channel).await?;
    if std::mem::replace(away, false) {
        tracing::info!(channel, "listening to PostgreSQL again");
    }
    loop {
        // What was written before we listened, or while the connection was lost, is found by looking.
        woken.notify_one();
        connection.notified().await?;
    }
}
/// A connection that listens to a channel.
pub(crate) struct ChannelConnection {
    listener: PgListener,
    channel: &'static str,
    /// After so much silence the connection is asked whether it lives.
    silence: Duration,
}

impl ChannelConnection {
    /// Listens, over a pool of its own with one connection: listening for ever must not take one from others.
    ///
    /// # Errors
    /// When PostgreSQL is away.
    pub(crate) async fn on(pool: &PgPool, channel: &'static str) -> Result<Self, sqlx::Error> {
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(pool.connect_options().as_ref().clone())
            .await?;
        let mut listener = PgListener::connect_with(&own).await?;
        // A lost connection must be seen as such: what was said meanwhile is not repeated.
        listener.eager_reconnect(false);
        listener.listen(channel).await?;
        Ok(Self { listener, channel, silence: SILENCE })
    }

    /// Waits until something is said.
    ///
    /// # Errors
    /// When the connection is lost, or the path to PostgreSQL is silently dead.
    pub(crate) async fn notified(&mut self) -> Result<(), sqlx::Error> {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into());
        loop {
            match tokio::time::timeout(self.silence, self.listener.try_recv()).await {
                Ok(said) => return said?.map(drop).ok_or_else(lost),
                // Listening twice changes nothing, and is answered.
                Err(_) => {
                    tokio::time::timeout(ANSWER, self.listener.listen(self.channel)).await.map_err(|_| lost())??
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::{Proxy, TestDatabase};

    #[tokio::test]
    async fn a_listener_hears_and_sees_a_dead_path() {
        let database = TestDatabase::new().await;
        let proxy = Proxy::start(&database.pool().connect_options());
        let pool = crate::pool_options(1, None).connect_lazy_with(proxy.options());
        let mut connection = ChannelConnection::on(&pool, "said").await.unwrap();
        connection.silence = Duration::from_millis(50);
        // It is asked a few times before anything is said.
        let (notified, ()) = tokio::join!(connection.notified(), async {
            tokio::time::timeout(Duration::from_millis(200), std::future::pending::<()>()).await.unwrap_err();
            sqlx::raw_sql("notify said").execute(database.pool()).await.unwrap();
        });
        notified.unwrap();
        proxy.fall_silent();
        assert!(connection.notified().await.is_err());
    }
}
