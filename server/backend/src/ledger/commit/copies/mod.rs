//! Copies of one answer of which the fullest counts: later ones of a streamed usage, under the same id with larger counters, and those that come under another id where the organization leaves doubles out.
//!
//! Which of them counts does not depend on the order in which they come. What a fuller copy takes the place of is taken back: its row, its adjustments, and all that it added to the sums.

mod sql;

use super::sql::{KnownIds, OrgSettings};
use super::sums;
use crate::ledger::adjust::{self, CostState};
use crate::ledger::copied::{Answer, Copied};
use crate::ledger::event::NewEvent;
use crate::ledger::possible_duplicates::{self, Settled};
use crate::ledger::rejected::NewRejection;
use crate::ledger::rollup::RollupDelta;
use crate::{Actor, Clock, Error, OrgScope, Visible};
use domain::ids::{EventKey, OrgId, RejectedId};
use sqlx::PgConnection;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What new events take the place of.
#[derive(Default)]
pub(super) struct Replaced {
    /// By the event that takes its place; copies under the same id.
    pub(super) by_larger: HashMap<EventKey, CostState>,
    /// By the event that takes its place; copies under another id.
    pub(super) by_fuller: HashMap<EventKey, CostState>,
    /// Events under a known id that are smaller copies of what is recorded, and count nothing.
    pub(super) smaller: BTreeSet<EventKey>,
}

impl Replaced {
    /// Looks at events whose ids are recorded with other content.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn find(
        connection: &mut PgConnection,
        events: &[&NewEvent],
        known: &mut KnownIds,
        settings: &HashMap<OrgId, OrgSettings>,
    ) -> Result<Self, Error> {
        let mut replaced = Self::default();
        let differing = |known: &KnownIds| -> Vec<&NewEvent> {
            let is_other = |event: &&NewEvent| {
                known.get(&event.event_key).is_some_and(|known| known.content_hash != event.content_hash)
            };
            events.iter().copied().filter(is_other).collect()
        };
        if differing(known).is_empty() {
            return Ok(replaced);
        }
        // Who else brings a copy waits, and then sees this one.
        known.extend(sql::lock_ids(connection, &differing(known)).await?);
        let differing = differing(known);
        let recorded = |event: &&NewEvent| Some((event.org_id, known.get(&event.event_key)?.event_key));
        let states = states(connection, settings, differing.iter().filter_map(recorded)).await?;
        for event in differing {
            let Some(state) = recorded(&event).and_then(|(_, key)| states.get(&key)) else { continue };
            match Answer::new(event).copied(Answer::recorded(&state.event)) {
                Copied::Larger => drop(replaced.by_larger.insert(event.event_key, state.clone())),
                Copied::Smaller => drop(replaced.smaller.insert(event.event_key)),
                Copied::Other => {}
            }
        }
        Ok(replaced)
    }

    /// Of an answer that came under several ids, where the organization leaves doubles out, the fullest counts: new events that are fuller than what is recorded are not left out.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn add_fuller(
        &mut self,
        connection: &mut PgConnection,
        new: &[&NewEvent],
        mut settled: Settled,
        settings: &HashMap<OrgId, OrgSettings>,
    ) -> Result<Settled, Error> {
        let first = |event: &NewEvent| settled.dropped.get(&event.event_key).copied();
        let mut doubles: Vec<(&NewEvent, EventKey)> =
            new.iter().filter_map(|event| Some((*event, first(event)?))).collect();
        if doubles.is_empty() {
            return Ok(settled);
        }
        let recorded = doubles.iter().map(|(event, first)| (event.org_id, *first));
        let mut states = states(connection, settings, recorded).await?;
        // What a larger copy takes the place of is gone already.
        self.by_larger.values().for_each(|state| drop(states.remove(&state.event.event_key)));
        doubles.sort_by_key(|(event, _)| Reverse(Answer::new(event).fullness()));
        for (event, first) in doubles {
            // The fullest comes first; the others are no fuller than that.
            if let Some(state) = states.remove(&first)
                && Answer::new(event).fullness() > Answer::recorded(&state.event).fullness()
            {
                settled.dropped.remove(&event.event_key);
                self.by_fuller.insert(event.event_key, state);
            }
        }
        Ok(settled)
    }

    /// Entries of the rejected list for what fuller copies under other ids take the place of.
    pub(super) fn left_out<'a>(
        &'a self,
        by: &'a [&NewEvent],
        clock: &'a dyn Clock,
    ) -> impl Iterator<Item = NewRejection> + 'a {
        by.iter().filter_map(move |event| {
            let old = &self.by_fuller.get(&event.event_key)?.event;
            Some(NewRejection {
                org_id: event.org_id,
                rejected_id: RejectedId(clock.new_id()),
                received_at: event.received_at,
                key_id: old.key_id,
                project_id: old.project_id,
                id: Some(old.id()),
                project: old.sent.project.clone(),
                provider: Some(old.sent.provider.clone()),
                model: Some(old.sent.model.clone()),
                problem: possible_duplicates::left_out(),
            })
        })
    }

    /// Whether nothing is taken back.
    pub(super) fn is_empty(&self) -> bool {
        self.by_larger.is_empty() && self.by_fuller.is_empty()
    }

    /// Takes back what is replaced, in `rollups` what it added to the sums; the new events take its ids.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn take_back(
        &self,
        connection: &mut PgConnection,
        settings: &HashMap<OrgId, OrgSettings>,
        by: &[&NewEvent],
        rollups: &mut RollupDelta,
    ) -> Result<(), Error> {
        let mut by_org = BTreeMap::<OrgId, Vec<sql::Replacement<'_>>>::new();
        for event in by {
            let same_id = self.by_larger.get(&event.event_key);
            if let Some(state) = same_id.or_else(|| self.by_fuller.get(&event.event_key)) {
                let replacement = sql::Replacement { state, by: event, is_same_id: same_id.is_some() };
                by_org.entry(event.org_id).or_default().push(replacement);
            }
        }
        for (org_id, replacements) in by_org {
            let Some(scope) = scope_of(org_id, settings) else { continue };
            sql::take_back(connection, &scope, &replacements).await?;
            let states: Vec<&CostState> = replacements.iter().map(|one| one.state).collect();
            adjust::take_back(rollups, &scope, &states);
            for state in states {
                sums::take_back(rollups, &scope, &state.event);
            }
        }
        Ok(())
    }
}

/// Recorded events with what they cost now, by key. Nobody else changes that until the transaction ends.
///
/// # Errors
/// [`Error::Database`].
async fn states(
    connection: &mut PgConnection,
    settings: &HashMap<OrgId, OrgSettings>,
    keys: impl Iterator<Item = (OrgId, EventKey)>,
) -> Result<HashMap<EventKey, CostState>, Error> {
    let mut by_org = BTreeMap::<OrgId, Vec<EventKey>>::new();
    for (org_id, key) in keys {
        by_org.entry(org_id).or_default().push(key);
    }
    let mut found = HashMap::new();
    for (org_id, keys) in by_org {
        let Some(scope) = scope_of(org_id, settings) else { continue };
        let states = adjust::lock_states(connection, &scope, &keys).await?;
        found.extend(states.into_iter().map(|state| (state.event.event_key, state)));
    }
    Ok(found)
}

/// The ledger's own view of an organization that was entered: the committer speaks for all of its senders.
fn scope_of(org_id: OrgId, settings: &HashMap<OrgId, OrgSettings>) -> Option<OrgScope> {
    Some(OrgScope::new(org_id, settings.get(&org_id)?.zone, Actor::System, Visible::All))
}

/// Notes the smaller copies that came in the same group as the largest.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn note_in_group<'a>(
    connection: &mut PgConnection,
    smaller: impl Iterator<Item = (&'a NewEvent, &'a NewEvent)>,
) -> Result<(), Error> {
    let mut noted = BTreeMap::<(OrgId, EventKey), sql::Noted>::new();
    for (copy, largest) in smaller {
        let noted = noted.entry((largest.org_id, largest.event_key)).or_default();
        noted.copies += 1;
        if copy.tokens() >= noted.tokens {
            (noted.tokens, noted.cost) = (copy.tokens(), copy.booking.cost);
        }
    }
    if noted.is_empty() { Ok(()) } else { sql::note(connection, &noted).await }
}
