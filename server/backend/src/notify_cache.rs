//! What was read lately and is served from memory until somebody, on any server, changes it.

use crate::notify_listener::ChannelConnection;
use crate::{Backend, Error};
use moka::future::Cache;
use sqlx::PgPool;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Entries kept at most; the ones used least give way.
const MAX_ENTRIES: u64 = 10_000;
/// An entry is read again at the latest after this time, should a notice ever be lost.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Values by key.
///
/// An entry counts only while this server listens for changes and nothing has changed since the entry was read.
/// The generation is taken before the read, so a change that overtakes the read makes its entry stale at birth.
pub(crate) struct NotifyCache<K, V> {
    entries: Cache<K, (u64, Arc<V>)>,
    generation: AtomicU64,
    listening: AtomicBool,
}

impl<K, V> Default for NotifyCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn default() -> Self {
        Self {
            entries: Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(MAX_AGE).build(),
            generation: AtomicU64::new(0),
            listening: AtomicBool::new(false),
        }
    }
}

impl<K, V> fmt::Debug for NotifyCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotifyCache").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl<K, V> NotifyCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// To be taken before what [`Self::insert`] is given is read.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(crate) async fn get(&self, key: &K) -> Option<Arc<V>> {
        if !self.listening.load(Ordering::SeqCst) {
            return None;
        }
        let (generation, value) = self.entries.get(key).await?;
        (generation == self.generation()).then_some(value)
    }

    pub(crate) async fn insert(&self, key: K, generation: u64, value: V) -> Arc<V> {
        let value = Arc::new(value);
        self.entries.insert(key, (generation, Arc::clone(&value))).await;
        value
    }

    /// Every entry read so far is stale.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether notices of other servers arrive; without them nothing is served from memory.
    fn set_listening(&self, listening: bool) {
        self.changed();
        self.listening.store(listening, Ordering::SeqCst);
    }

    /// Listens on a channel for changes made by other servers until `stop`. Only while it listens are entries served from memory.
    ///
    /// # Errors
    /// [`Error::Database`] when the connection is lost: start it again.
    pub(crate) async fn watch(
        &self,
        backend: &Backend,
        channel: &'static str,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            outcome = self.listen(&backend.pool, channel) => outcome,
        };
        self.set_listening(false);
        outcome
    }

    async fn listen(&self, pool: &PgPool, channel: &'static str) -> Result<(), Error> {
        let mut connection = ChannelConnection::on(pool, channel).await?;
        self.set_listening(true);
        loop {
            connection.notified().await?;
            self.changed();
        }
    }
}
