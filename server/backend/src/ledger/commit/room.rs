//! Room for what waits, counted in bytes and shared: nobody's full batches turn another's events away.

use domain::ids::OrgId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many bytes of events may wait or be in preparation, over all requests.
const EVENTS: usize = 40 * 1024 * 1024;
/// The same of bodies that are read and recorded, up to [`SMALL_BODY`] each.
const SMALL_BODIES: usize = 128 * 1024 * 1024;
/// The same of larger bodies.
const LARGE_BODIES: usize = 512 * 1024 * 1024;
/// Bytes of a body that has room apart from larger ones, so that nobody's large bodies, sent or withheld, keep events out.
pub(crate) const SMALL_BODY: usize = 1024 * 1024;
/// What an event or a body takes at least, however short it was written.
const LEAST: usize = 1_024;

/// Room for what waits, shared among organizations; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    capacity: usize,
    /// What one organization has at most.
    share: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    events: usize,
    bytes: usize,
    by_organization: HashMap<OrgId, usize>,
}

impl Room {
    /// Room for events that wait or are in preparation.
    pub(crate) fn of_events() -> Self {
        Self { capacity: EVENTS, share: EVENTS / 2, taken: Arc::default() }
    }

    /// Room for small bodies that are being read and recorded.
    pub(crate) fn of_small_bodies() -> Self {
        Self { capacity: SMALL_BODIES, share: SMALL_BODIES / 2, taken: Arc::default() }
    }

    /// Room for larger ones: two of the largest for one organization.
    pub(crate) fn of_large_bodies() -> Self {
        Self { capacity: LARGE_BODIES, share: LARGE_BODIES / 4, taken: Arc::default() }
    }

    /// Takes room; none when there is none, or the organization has its share.
    pub(crate) fn take(&self, org_id: OrgId, events: usize, bytes: usize) -> Option<Reservation> {
        let events = events.max(1);
        let bytes = bytes.max(events * LEAST);
        let mut taken = self.lock();
        taken.add(org_id, bytes, self)?;
        taken.events += events;
        drop(taken);
        Some(Reservation { room: self.clone(), org_id, events, bytes })
    }

    /// Events that wait or are in preparation.
    pub(super) fn events(&self) -> usize {
        self.lock().events
    }

    /// Counts nobody could have broken by a panic.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Takes more; none, and nothing taken, where that would be more than there is or than one organization's share.
    fn add(&mut self, org_id: OrgId, bytes: usize, of: &Room) -> Option<()> {
        let own = self.by_organization.get(&org_id).copied().unwrap_or_default();
        if self.bytes + bytes > of.capacity || own + bytes > of.share {
            return None;
        }
        self.bytes += bytes;
        self.by_organization.insert(org_id, own + bytes);
        Some(())
    }
}

/// Room for one request; given back when it is answered.
#[derive(Debug)]
pub(crate) struct Reservation {
    room: Room,
    org_id: OrgId,
    events: usize,
    bytes: usize,
}

impl Reservation {
    /// Whose it is.
    pub(crate) const fn org_id(&self) -> OrgId {
        self.org_id
    }

    /// Grows to so many bytes; none, and nothing taken, where there is no room for more.
    pub(crate) fn grow(&mut self, bytes: usize) -> Option<()> {
        let more = bytes.saturating_sub(self.bytes);
        self.room.lock().add(self.org_id, more, &self.room)?;
        self.bytes += more;
        Some(())
    }
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
        let (room, loud, quiet) = (Room::of_events(), OrgId(Uuid::from_u128(1)), OrgId(Uuid::from_u128(2)));
        let batches: Vec<_> = std::iter::from_fn(|| room.take(loud, 5_000, 0)).collect();
        assert_eq!((batches.len(), room.events()), (4, 20_000));
        let own = room.take(quiet, 5_000, 8 * 1024 * 1024).unwrap();
        assert!(room.take(loud, 1_000, 0).is_none());
        drop(batches);
        assert_eq!(room.events(), 5_000);
        let share = EVENTS / 2;
        let mut growing = room.take(loud, 1, 0).unwrap();
        assert!(growing.grow(share + 1).is_none());
        assert!(growing.grow(share).is_some(), "what is answered gives its room back");
        assert!(growing.grow(1).is_some(), "it does not shrink");
        assert!(room.take(loud, 1, 0).is_none());
        drop(growing);
        assert!(room.take(loud, 1, share + 1).is_none());
        drop(own);
        assert_eq!(room.lock().by_organization.len(), 0, "nobody is remembered");
    }
}
