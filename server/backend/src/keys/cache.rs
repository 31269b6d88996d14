//! Recently seen keys, so that most requests ask the database nothing.

use super::KeyCaller;
use super::format::KeyHash;
use crate::notify_cache::NotifyCache;
use std::sync::atomic::AtomicI64;

/// The keys this server has seen.
pub(crate) type Cache = NotifyCache<KeyHash, Entry>;

/// A key as read from the database.
pub(crate) struct Entry {
    pub(super) caller: KeyCaller,
    /// Unix seconds of the last use that was written down.
    pub(super) touched_secs: AtomicI64,
}

impl Entry {
    pub(super) fn new(caller: KeyCaller) -> Self {
        let touched = caller.key.last_used_at.map_or(i64::MIN, |at| at.timestamp());
        Self { caller, touched_secs: AtomicI64::new(touched) }
    }
}
