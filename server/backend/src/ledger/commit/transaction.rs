//! One transaction: identities, events, rollups, rejected items, dirty marks; then one synchronous commit.

use super::{NewRejection, Outcome, sql, sums};
use crate::ledger::event::NewEvent;
use crate::ledger::known::{Missing, Unseen};
use crate::ledger::possible_duplicates;
use crate::ledger::rejected;
use crate::{Clock, Error};
use chrono::{DateTime, Utc};
use domain::event::IngestStatus;
use domain::ids::{EventKey, OrgId, RejectedId};
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
    /// The first of its id in this batch, at this place among the candidates.
    Candidate(usize),
    /// The same id as this candidate.
    Again(usize),
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
        let known =
            if claimed.all_ids { sql::KnownIds::new() } else { sql::known_ids(&mut transaction, &candidates).await? };
        let new: Vec<&NewEvent> =
            candidates.iter().copied().filter(|event| !known.contains_key(&event.event_key)).collect();
        let duplicates = if claimed.all_responses {
            possible_duplicates::Settled::default()
        } else {
            claims.retain(|claim| !known.contains_key(&claim.event.event_key));
            possible_duplicates::settle(&mut transaction, &claims).await?
        };
        // Their ids stay claimed: what is left out once is a duplicate when it comes again.
        let (dropped, mut fresh): (Vec<&NewEvent>, Vec<&NewEvent>) =
            new.into_iter().partition(|event| duplicates.dropped.contains(&event.event_key));
        // In the order of their key, so that its index grows at the end, where pages fill up.
        fresh.sort_unstable_by_key(|event| (event.org_id, event.event_key));
        if !fresh.is_empty() {
            Missing::of(fresh.iter().map(|event| (event.org_id, &event.refs)))
                .write(&mut transaction, self.now)
                .await?;
            sql::insert_events(&mut transaction, &fresh).await?;
            let zones = settings.iter().map(|(org_id, org)| (*org_id, org.zone)).collect();
            possible_duplicates::mark(&mut transaction, &fresh, &duplicates.marked).await?;
            let moved = sums::sum(fresh.iter().copied(), &zones).add(&mut transaction).await?;
            sql::mark_moved(&mut transaction, self.clock, &moved, self.now).await?;
        }
        let costs = sql::booked_costs(&mut transaction, known.values()).await?;
        let outcomes: Vec<Outcome> = fates
            .iter()
            .zip(self.events)
            .map(|(fate, event)| outcome(*fate, event, &candidates, &known, &costs, &duplicates.dropped))
            .collect();
        let refusals = self.refusals(&fates, &outcomes);
        let left_out: Vec<NewRejection> =
            dropped.iter().map(|event| possible_duplicates::rejection(event, self.clock)).collect();
        let listed = self.rejections.iter().copied().chain(&refusals).chain(&left_out);
        let rejections: Vec<&NewRejection> =
            listed.filter(|rejection| settings.contains_key(&rejection.org_id)).collect();
        rejected::insert(&mut transaction, &rejections).await?;
        let unseen = fresh.iter().filter_map(|event| event.refs.unseen.as_deref().cloned()).collect();
        let refused = organizations.into_iter().filter(|org_id| !settings.contains_key(org_id)).collect();
        let written = Written { outcomes, refused, all_new: claimed.all_ids && claimed.all_responses };
        Ok(Ready { transaction, unseen, written })
    }

    /// Claims ids and answers: copied in blindly where all of many are probably new, which costs half.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        events: &[&NewEvent],
        claims: &[possible_duplicates::ResponseIdClaim<'_>],
    ) -> Result<sql::Claimed, Error> {
        let expect_all_new = self.expect_all_new && events.len() >= sql::WORTH_COPYING;
        if expect_all_new && sql::copy_claims(connection, events, claims).await? {
            return Ok(sql::Claimed { all_ids: true, all_responses: true });
        }
        sql::claim(connection, events, claims).await
    }

    fn organizations(&self) -> BTreeSet<OrgId> {
        let of_events = self.events.iter().map(|event| event.org_id);
        of_events.chain(self.rejections.iter().map(|rejection| rejection.org_id)).collect()
    }

    /// The first event of every id, sorted by id, and what is to become of each event.
    fn candidates(&self, settings: &HashMap<OrgId, sql::OrgSettings>) -> (Vec<&NewEvent>, Vec<Fate>) {
        let mut places = HashMap::new();
        let mut candidates: Vec<(usize, &NewEvent)> = vec![];
        let mut fates: Vec<Fate> = vec![];
        for event in self.events {
            fates.push(match settings.get(&event.org_id) {
                None => Fate::Refused,
                Some(org) if org.since.is_some_and(|since| event.timestamp < since) => Fate::TooOld,
                Some(_) => match places.entry((event.org_id, event.id_hash)) {
                    Entry::Occupied(place) => Fate::Again(*place.get()),
                    Entry::Vacant(free) => {
                        let place = *free.insert(candidates.len());
                        candidates.push((place, event));
                        Fate::Candidate(place)
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
                Fate::Candidate(place) | Fate::Again(place) => *place = sorted_places[*place],
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
                (Fate::Candidate(_) | Fate::Again(_), IngestStatus::Conflict) => conflicting(),
                _ => return None,
            };
            Some(NewRejection {
                org_id: event.org_id,
                rejected_id: RejectedId(self.clock.new_id()),
                received_at: event.received_at,
                key_id: event.key_id,
                project_id: event.project_id,
                id: event.sent.id.clone(),
                project: event.sent.project.clone(),
                provider: Some(event.sent.provider.clone()),
                model: Some(event.sent.model.clone()),
                problem,
            })
        };
        fates.iter().zip(outcomes).zip(self.events).filter_map(refusal).collect()
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
    dropped: &BTreeSet<EventKey>,
) -> Outcome {
    let conflict = Outcome { status: IngestStatus::Conflict, cost: None };
    let (place, first) = match fate {
        Fate::Refused => return conflict,
        Fate::TooOld => return Outcome { status: IngestStatus::Rejected, cost: None },
        Fate::Candidate(place) => (place, true),
        Fate::Again(place) => (place, false),
    };
    let candidate = candidates[place];
    if dropped.contains(&candidate.event_key) && candidate.content_hash == event.content_hash {
        return Outcome { status: IngestStatus::Duplicate, cost: None };
    }
    let (content, cost) = match known.get(&candidate.event_key) {
        None if first => return Outcome { status: IngestStatus::Accepted, cost: event.booking.cost },
        None => (&candidate.content_hash[..], candidate.booking.cost),
        Some(known) => (&known.content_hash[..], costs.get(&known.event_key).copied().flatten()),
    };
    if content == event.content_hash { Outcome { status: IngestStatus::Duplicate, cost } } else { conflict }
}
