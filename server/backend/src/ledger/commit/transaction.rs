//! One transaction: identities, events, rollups, rejected items, dirty marks; then one synchronous commit.

use super::copies::{self, Replaced};
use super::{NewRejection, Outcome, sql, sums};
use crate::ledger::copied::{Answer, Copied};
use crate::ledger::event::NewEvent;
use crate::ledger::known::{Missing, Unseen};
use crate::ledger::rejected;
use crate::ledger::{possible_duplicates, running, traces};
use crate::{Clock, Error};
use chrono::{DateTime, Utc};
use domain::event::IngestStatus;
use domain::ids::{EventKey, OrgId};
use domain::problem::FieldProblem;
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// What is written together.
pub(super) struct Batch<'a> {
    pub(super) events: &'a [&'a NewEvent],
    pub(super) rejections: &'a [&'a NewRejection],
    pub(super) now: DateTime<Utc>,
    pub(super) clock: &'a dyn Clock,
    /// Whether all events are probably new, as those before them were.
    pub(super) expect_all_new: bool,
    /// How long a lock that somebody else holds is waited for.
    pub(super) lock_wait: Duration,
}

/// What became of a batch.
pub(super) struct Written {
    /// One per event, in order; meaningless where the organization is refused.
    pub(super) outcomes: Vec<Outcome>,
    /// Organizations that are being rebuilt, are gone, or had a rule undone since: nothing of theirs was written.
    pub(super) refused: BTreeSet<OrgId>,
    /// Whether no event and no answer was known.
    pub(super) all_new: bool,
    /// How many spans were left out because others of their traces tell the same.
    pub(super) repeating: usize,
}

/// A batch that waits for its commit.
pub(super) struct Ready<'c> {
    transaction: Transaction<'c, Postgres>,
    unseen: Vec<Unseen>,
    written: Written,
}

impl Ready<'_> {
    /// Commits.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`] when the connection is lost meanwhile; [`Error::Database`] when PostgreSQL refuses: then nothing is written.
    pub(super) async fn commit(self) -> Result<Written, Error> {
        self.transaction.commit().await.map_err(|error| match error {
            refused @ sqlx::Error::Database(_) => Error::Database(refused),
            lost => Error::OutcomeUnknown(lost),
        })?;
        self.unseen.iter().for_each(Unseen::committed);
        Ok(self.written)
    }
}

/// What is known of an event before anything is written.
#[derive(Clone, Copy)]
enum Fate {
    /// Its organization is refused.
    Refused,
    /// The candidate at this place, or another event with its id.
    OneOf(usize),
    /// From before the organization's events begin.
    TooOld,
}

impl Batch<'_> {
    /// Writes everything but the commit.
    ///
    /// # Errors
    /// [`Error::Database`]; then nothing is written.
    pub(super) async fn write<'c>(&self, connection: &'c mut PgConnection) -> Result<Ready<'c>, Error> {
        let mut transaction = connection.begin().await?;
        let organizations = self.organizations();
        // Entered, so that none is rebuilt or deleted under the batch; then the zones cannot change any more.
        let entered = sql::enter_organizations(&mut transaction, &organizations, self.lock_wait).await?;
        let mut settings = sql::settings(&mut transaction, &entered, self.now).await?;
        for event in self.events {
            // Priced with a rule that was taken back meanwhile, maybe: whoever sends it again gets the price that holds.
            if settings.get(&event.org_id).is_some_and(|org| org.rules_undone != event.rules_undone) {
                settings.remove(&event.org_id);
            }
        }
        let (candidates, fates) = self.candidates(&settings);
        let mut claims = possible_duplicates::response_id_claims(&candidates);
        let claimed = self.claim(&mut transaction, &candidates, &claims).await?;
        let mut known =
            if claimed.all_ids { sql::KnownIds::new() } else { sql::known_ids(&mut transaction, &candidates).await? };
        let mut replaced = Replaced::find(&mut transaction, &candidates, &mut known, &settings).await?;
        let is_known = |key| known.contains_key(key) && !replaced.by_larger.contains_key(key);
        let new: Vec<&NewEvent> = candidates.iter().copied().filter(|event| !is_known(&event.event_key)).collect();
        claims.retain(|claim| !claimed.all_responses && !known.contains_key(&claim.event.event_key));
        let (left_out, marked) = self.judge(&mut transaction, &new, &claims, &mut replaced, &settings).await?;
        // Their ids stay claimed: what is left out once is a duplicate when it comes again.
        let (dropped, mut fresh): (Vec<&NewEvent>, Vec<&NewEvent>) =
            new.into_iter().partition(|event| left_out.contains(event.event_key));
        traces::leave_out(&mut transaction, &dropped).await?;
        // In the order of their key, so that its index grows at the end, where pages fill up.
        fresh.sort_unstable_by_key(|event| (event.org_id, event.event_key));
        if !fresh.is_empty() {
            self.record(&mut transaction, &fresh, &settings, &marked, &replaced).await?;
        }
        if candidates.len() < self.events.len() {
            copies::note_in_group(&mut transaction, self.smaller_of(&fresh, &candidates, &fates)).await?;
        }
        let costs = sql::booked_costs(&mut transaction, known.values()).await?;
        let outcomes: Vec<Outcome> = fates
            .iter()
            .zip(self.events)
            .map(|(fate, event)| outcome(*fate, event, &candidates, &known, &costs, &left_out, &replaced))
            .collect();
        let refusals = self.refusals(&fates, &outcomes);
        let dropped = dropped.iter().map(|event| left_out.rejection(event, self.clock));
        let dropped: Vec<NewRejection> = dropped.chain(replaced.left_out(&fresh, self.clock)).collect();
        let listed = self.rejections.iter().copied().chain(&refusals).chain(&dropped);
        let rejections: Vec<&NewRejection> =
            listed.filter(|rejection| settings.contains_key(&rejection.org_id)).collect();
        rejected::insert(&mut transaction, &rejections).await?;
        let unseen = fresh.iter().filter_map(|event| event.refs.unseen.as_deref().cloned()).collect();
        let refused = organizations.into_iter().filter(|org_id| !settings.contains_key(org_id)).collect();
        let all_new = claimed.all_ids && claimed.all_responses;
        let written = Written { outcomes, refused, all_new, repeating: left_out.repeating.len() };
        Ok(Ready { transaction, unseen, written })
    }

    /// Writes new events with their sums, and takes back what they take the place of.
    async fn record(
        &self,
        connection: &mut PgConnection,
        fresh: &[&NewEvent],
        settings: &HashMap<OrgId, sql::OrgSettings>,
        marked: &possible_duplicates::FirstEvents,
        replaced: &Replaced,
    ) -> Result<(), Error> {
        Missing::of(fresh.iter().map(|event| (event.org_id, &event.refs))).write(connection, self.now).await?;
        sql::insert_events(connection, fresh).await?;
        running::advance(connection, fresh, self.now).await?;
        possible_duplicates::mark(connection, fresh, marked).await?;
        let zones = settings.iter().map(|(org_id, org)| (*org_id, org.zone)).collect();
        let mut sums = sums::sum(fresh.iter().copied(), &zones);
        let moved = if replaced.is_empty() {
            sums.add(connection).await?
        } else {
            replaced.take_back(connection, settings, fresh, &mut sums).await?;
            sums.replace(connection).await?
        };
        sql::mark_moved(connection, self.clock, &moved, self.now).await
    }

    /// The smaller copies of recorded events in this batch, each with the event.
    fn smaller_of<'b>(
        &'b self,
        fresh: &[&NewEvent],
        candidates: &'b [&NewEvent],
        fates: &'b [Fate],
    ) -> impl Iterator<Item = (&'b NewEvent, &'b NewEvent)> {
        let counted: BTreeSet<EventKey> = fresh.iter().map(|event| event.event_key).collect();
        fates.iter().zip(self.events).filter_map(move |(fate, event)| {
            let Fate::OneOf(place) = fate else { return None };
            let largest = candidates[*place];
            let is_smaller = || Answer::new(event).copied(Answer::new(largest)) == Copied::Smaller;
            (counted.contains(&largest.event_key) && event.content_hash != largest.content_hash && is_smaller())
                .then_some((*event, largest))
        })
    }

    /// Which of new events are left out, and which are marked as possible duplicates; `claims` are those on answers that others may have claimed before. A fuller copy takes the place of what is recorded.
    async fn judge(
        &self,
        connection: &mut PgConnection,
        new: &[&NewEvent],
        claims: &[possible_duplicates::ResponseIdClaim<'_>],
        replaced: &mut Replaced,
        settings: &HashMap<OrgId, sql::OrgSettings>,
    ) -> Result<(LeftOut, possible_duplicates::FirstEvents), Error> {
        // A larger copy stands where the smaller one stood.
        let untold: Vec<&NewEvent> =
            new.iter().copied().filter(|event| !replaced.by_larger.contains_key(&event.event_key)).collect();
        let told = traces::tell(connection, &untold, self.now).await?;
        let drops = |(org_id, org): (&OrgId, &sql::OrgSettings)| org.drops_possible_duplicates.then_some(*org_id);
        let dropping: BTreeSet<OrgId> = settings.iter().filter_map(drops).collect();
        let mut pairs = possible_duplicates::claimed_before(connection, claims, &dropping).await?;
        // What repeats others is neither a double nor what others are doubles of.
        pairs.retain(|pair| ![pair.second, pair.first].iter().any(|key| told.repeating.contains(key)));
        pairs.extend(told.doubles);
        let settled = possible_duplicates::settle(new, pairs, &dropping);
        let settled = replaced.add_fuller(connection, new, settled, settings).await?;
        Ok((LeftOut { repeating: told.repeating, doubles: settled.dropped }, settled.marked))
    }

    /// Claims ids and answers: copied in blindly where all of many are probably new, which costs half.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        events: &[&NewEvent],
        claims: &[possible_duplicates::ResponseIdClaim<'_>],
    ) -> Result<sql::Claimed, Error> {
        let fullest = possible_duplicates::fullest(claims);
        let are_apart = fullest.len() == claims.len();
        let expect_all_new = self.expect_all_new && are_apart && events.len() >= sql::WORTH_COPYING;
        if expect_all_new && sql::copy_claims(connection, events, &fullest).await? {
            return Ok(sql::Claimed { all_ids: true, all_responses: true });
        }
        let claimed = sql::claim(connection, events, &fullest).await?;
        Ok(sql::Claimed { all_responses: claimed.all_responses && are_apart, ..claimed })
    }

    fn organizations(&self) -> BTreeSet<OrgId> {
        let of_events = self.events.iter().map(|event| event.org_id);
        of_events.chain(self.rejections.iter().map(|rejection| rejection.org_id)).collect()
    }

    /// One event of every id, sorted by id: the first, or the largest of its copies; and what is to become of each event.
    fn candidates(&self, settings: &HashMap<OrgId, sql::OrgSettings>) -> (Vec<&NewEvent>, Vec<Fate>) {
        let mut places: HashMap<_, usize> = HashMap::new();
        let mut candidates: Vec<(usize, &NewEvent)> = vec![];
        let mut fates: Vec<Fate> = vec![];
        for event in self.events {
            fates.push(match settings.get(&event.org_id) {
                None => Fate::Refused,
                Some(org) if org.since.is_some_and(|since| event.timestamp < since) => Fate::TooOld,
                Some(_) => match places.entry((event.org_id, event.id_hash)) {
                    Entry::Occupied(place) => {
                        let (_, first) = &mut candidates[*place.get()];
                        // The largest of several copies stands for them all.
                        if first.content_hash != event.content_hash
                            && Answer::new(event).copied(Answer::new(first)) == Copied::Larger
                        {
                            *first = event;
                        }
                        Fate::OneOf(*place.get())
                    }
                    Entry::Vacant(free) => {
                        let place = *free.insert(candidates.len());
                        candidates.push((place, event));
                        Fate::OneOf(place)
                    }
                },
            });
        }
        // Sorted, so that two servers claim ids in the same order.
        candidates.sort_unstable_by_key(|(_, event)| (event.org_id, event.id_hash));
        let mut sorted_places = vec![0; candidates.len()];
        for (sorted, (place, _)) in candidates.iter().enumerate() {
            sorted_places[*place] = sorted;
        }
        for fate in &mut fates {
            match fate {
                Fate::OneOf(place) => *place = sorted_places[*place],
                Fate::Refused | Fate::TooOld => {}
            }
        }
        (candidates.into_iter().map(|(_, event)| event).collect(), fates)
    }

    /// Entries of the rejected list for what is too old, and for what another event has the id of.
    fn refusals(&self, fates: &[Fate], outcomes: &[Outcome]) -> Vec<NewRejection> {
        let refusal = |((fate, outcome), event): ((&Fate, &Outcome), &&NewEvent)| {
            let problem = match (fate, outcome.status) {
                (Fate::TooOld, _) => too_old_for_retention(),
                (Fate::OneOf(_), IngestStatus::Conflict) => conflicting(),
                _ => return None,
            };
            Some(NewRejection::of(event, problem, self.clock))
        };
        fates.iter().zip(outcomes).zip(self.events).filter_map(refusal).collect()
    }
}

/// New events that are not recorded.
struct LeftOut {
    /// Because others of their trace tell the same.
    repeating: BTreeSet<EventKey>,
    /// Because they may be doubles, and the organization leaves those out.
    doubles: possible_duplicates::FirstEvents,
}

impl LeftOut {
    fn contains(&self, key: EventKey) -> bool {
        self.repeating.contains(&key) || self.doubles.contains_key(&key)
    }

    fn rejection(&self, event: &NewEvent, clock: &dyn Clock) -> NewRejection {
        if self.repeating.contains(&event.event_key) {
            traces::rejection(event, clock)
        } else {
            NewRejection::of(event, possible_duplicates::left_out(), clock)
        }
    }
}

/// What is said of an event whose id another one has.
pub(crate) fn conflicting() -> FieldProblem {
    let detail = "Another event is recorded under this id with other content. The first one stays.";
    FieldProblem::new("/id", "conflict", detail)
}

/// What is said of an event from before the organization's events begin.
pub(crate) fn too_old_for_retention() -> FieldProblem {
    FieldProblem::new("/timestamp", "too_old", "The timestamp lies further back than the organization keeps events.")
}

fn outcome(
    fate: Fate,
    event: &NewEvent,
    candidates: &[&NewEvent],
    known: &sql::KnownIds,
    costs: &sql::BookedCosts,
    left_out: &LeftOut,
    replaced: &Replaced,
) -> Outcome {
    let place = match fate {
        Fate::Refused => return Outcome { status: IngestStatus::Conflict, cost: None },
        Fate::TooOld => return Outcome { status: IngestStatus::Rejected, cost: None },
        Fate::OneOf(place) => place,
    };
    let candidate = candidates[place];
    let key = candidate.event_key;
    let is_candidate = event.event_key == key;
    let is_copy = || {
        candidate.content_hash == event.content_hash
            || Answer::new(event).copied(Answer::new(candidate)) == Copied::Smaller
    };
    let told = |is_same: bool, cost| match is_same {
        true => Outcome { status: IngestStatus::Duplicate, cost },
        false => Outcome { status: IngestStatus::Conflict, cost: None },
    };
    if left_out.contains(key) {
        return told(is_copy(), None);
    }
    let cost = candidate.booking.cost;
    match known.get(&key) {
        None if is_candidate => Outcome { status: IngestStatus::Accepted, cost },
        Some(_) if is_candidate && replaced.by_larger.contains_key(&key) => {
            Outcome { status: IngestStatus::Updated, cost }
        }
        Some(known) if !replaced.by_larger.contains_key(&key) => {
            let is_smaller = replaced.smaller.contains(&key) && is_copy();
            let recorded = costs.get(&known.event_key).copied().flatten();
            told(is_smaller || known.content_hash == event.content_hash, recorded)
        }
        _ => told(is_copy(), cost),
    }
}
