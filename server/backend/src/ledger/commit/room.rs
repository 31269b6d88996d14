//! Room for what waits, counted in bytes and shared: nobody's full batches turn another's events away.

use domain::ids::OrgId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many bytes may wait or be in preparation, over all requests.
const CAPACITY: usize = 40 * 1024 * 1024;
/// How many of them one organization may have.
const SHARE: usize = CAPACITY / 2;
/// What an event takes at least, however short it was written.
const LEAST: usize = 1_024;

/// Room for what waits; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Room(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    events: usize,
    bytes: usize,
    by_organization: HashMap<OrgId, usize>,
}

impl Room {
    /// Takes room; none when there is none, or the organization has its share.
    pub(super) fn take(&self, org_id: OrgId, events: usize, bytes: usize) -> Option<Reservation> {
        let events = events.max(1);
        let bytes = bytes.max(events * LEAST);
        let mut taken = self.lock();
        let own = taken.by_organization.get(&org_id).copied().unwrap_or_default();
        if taken.bytes + bytes > CAPACITY || own + bytes > SHARE {
            return None;
        }
        taken.events += events;
        taken.bytes += bytes;
        taken.by_organization.insert(org_id, own + bytes);
        drop(taken);
        Some(Reservation { room: self.clone(), org_id, events, bytes })
    }

    /// Events that wait or are in preparation.
    pub(super) fn events(&self) -> usize {
        self.lock().events
    }

    /// Counts nobody could have broken by a panic.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for the events of one request; given back when it is answered.
#[derive(Debug)]
pub(crate) struct Reservation {
    room: Room,
    org_id: OrgId,
    events: usize,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.room.lock();
        taken.events -= self.events;
        taken.bytes -= self.bytes;
        if let Some(own) = taken.by_organization.get_mut(&self.org_id) {
            *own -= self.bytes;
            if *own == 0 {
                taken.by_organization.remove(&self.org_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_organization_never_has_the_room_of_all() {
        let (room, loud, quiet) = (Room::default(), OrgId(Uuid::from_u128(1)), OrgId(Uuid::from_u128(2)));
        let batches: Vec<_> = std::iter::from_fn(|| room.take(loud, 5_000, 0)).collect();
        assert_eq!((batches.len(), room.events()), (4, 20_000));
        let own = room.take(quiet, 5_000, 8 * 1024 * 1024).unwrap();
        assert!(room.take(loud, 1_000, 0).is_none());
        drop(batches);
        assert_eq!(room.events(), 5_000);
        assert!(room.take(loud, 1, SHARE).is_some(), "what is answered gives its room back");
        assert!(room.take(loud, 1, SHARE + 1).is_none());
        drop(own);
        assert_eq!(room.lock().by_organization.len(), 0, "nobody is remembered");
    }
}
