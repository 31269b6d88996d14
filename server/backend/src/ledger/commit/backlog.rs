//! What waits, by organization: whoever sends much waits behind itself, not before others.

use domain::ids::OrgId;
use std::collections::{HashMap, VecDeque};

/// Queues of organizations that take turns.
#[derive(Debug)]
pub(super) struct Backlog<T> {
    queues: HashMap<OrgId, VecDeque<(usize, T)>>,
    turns: VecDeque<OrgId>,
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        Self { queues: HashMap::new(), turns: VecDeque::new() }
    }
}

impl<T> Backlog<T> {
    /// Adds what an organization sent, with so many events.
    pub(super) fn push(&mut self, org_id: OrgId, events: usize, sent: T) {
        let queue = self.queues.entry(org_id).or_default();
        if queue.is_empty() {
            self.turns.push_back(org_id);
        }
        queue.push_back((events, sent));
    }

    /// Takes what is next, one of each organization in turn, until there are `most` events or nothing waits.
    pub(super) fn take(&mut self, most: usize) -> Vec<T> {
        let (mut events, mut taken) = (0, vec![]);
        while events < most
            && let Some(org_id) = self.turns.pop_front()
        {
            let Some(queue) = self.queues.get_mut(&org_id) else { continue };
            if let Some((count, sent)) = queue.pop_front() {
                events += count;
                taken.push(sent);
            }
            if queue.is_empty() {
                self.queues.remove(&org_id);
            } else {
                self.turns.push_back(org_id);
            }
        }
        taken
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_single_event_is_in_the_next_group_however_much_another_organization_sent_before() {
        let (loud, quiet) = (OrgId(Uuid::from_u128(1)), OrgId(Uuid::from_u128(2)));
        let mut backlog = Backlog::default();
        (0..8).for_each(|n| backlog.push(loud, 5_000, n));
        backlog.push(quiet, 1, 100);
        backlog.push(quiet, 1, 101);
        assert_eq!(backlog.take(10_000), [0, 100, 1]);
        assert_eq!(backlog.take(10_000), [101, 2, 3], "and each organization's own in their order");
        assert_eq!(backlog.take(usize::MAX), [4, 5, 6, 7]);
        assert!(backlog.is_empty() && backlog.queues.is_empty());
    }
}
