//! Recently seen keys, so that most requests ask the database nothing.

use super::KeyCaller;
use super::format::KeyHash;
use moka::future::Cache as Moka;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Keys kept at most; the ones used least give way.
const MAX_KEYS: u64 = 10_000;
/// A key is read again at the latest after this time, should a notice ever be lost.
const MAX_AGE: Duration = Duration::from_secs(60);

/// A key as read from the database.
pub(super) struct Entry {
    pub(super) caller: KeyCaller,
    /// Unix seconds of the last use that was written down.
    pub(super) touched_secs: AtomicI64,
    generation: u64,
}

/// The keys this server has seen.
///
/// An entry counts only while this server listens for changes and nothing has changed since the entry was read.
/// The generation is taken before the read, so a change that overtakes the read makes its entry stale at birth.
pub struct Cache {
    entries: Moka<KeyHash, Arc<Entry>>,
    generation: AtomicU64,
    listening: AtomicBool,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            entries: Moka::builder().max_capacity(MAX_KEYS).time_to_live(MAX_AGE).build(),
            generation: AtomicU64::new(0),
            listening: AtomicBool::new(false),
        }
    }
}

impl Cache {
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(super) async fn get(&self, hash: &KeyHash) -> Option<Arc<Entry>> {
        if !self.listening.load(Ordering::SeqCst) {
            return None;
        }
        let entry = self.entries.get(hash).await?;
        (entry.generation == self.generation()).then_some(entry)
    }

    pub(super) async fn insert(&self, hash: KeyHash, generation: u64, caller: KeyCaller) -> Arc<Entry> {
        let touched = caller.key.last_used_at.map_or(i64::MIN, |at| at.timestamp());
        let entry = Arc::new(Entry { caller, touched_secs: AtomicI64::new(touched), generation });
        self.entries.insert(hash, Arc::clone(&entry)).await;
        entry
    }

    /// Every entry read so far is stale.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether notices of other servers arrive; without them nothing is served from memory.
    pub(super) fn set_listening(&self, listening: bool) {
        self.changed();
        self.listening.store(listening, Ordering::SeqCst);
    }
}
