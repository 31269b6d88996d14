//! Events: read, checked, priced and handed to the ledger; listed, explained.
//!
//! [`ingest`](fn@ingest) answers after the ledger's commit.

pub mod files;
mod ingest;
mod possible_duplicates;
mod read;
#[cfg(test)]
pub(crate) mod tests;
pub mod uploads;

pub use ingest::{
    IdempotencyKey, Item, ingest, ingest_foreign, ingest_inputs, ingest_native, ingest_repeatable, read_one, split,
    split_up_to,
};
pub use possible_duplicates::{
    drops_possible_duplicates, possible_duplicate_totals, possible_duplicates, set_drops_possible_duplicates,
};
pub use read::{
    MAX_EXPORT, all_call_groups, attention, by_key, call_group, call_groups, csv, find, list, newest, unpriced,
    unread_usage,
};

use crate::ledger::commit::{self, Committer, RETRY_AFTER_SECS, Reservation, Room, SMALL_BODY};
use crate::{Backend, Clock, Error, OrgScope, Pools, ledger, prices, projects};
use arc_swap::ArcSwapOption;
use domain::ids::{OrgId, ProjectId};
use domain::price::PriceBook;
use domain::problem::Problem;
use moka::future::Cache;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Most slugs of projects that are remembered.
const REMEMBERED_PROJECTS: u64 = 100_000;

/// The way of events into the database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    committer: Committer,
    small_bodies: Room,
    large_bodies: Room,
    /// Slugs never change and projects are never deleted, so what was found once stays true; an id of a deleted organization is asked for by nobody.
    projects: Cache<(OrgId, String), ProjectId>,
    /// Where events of organizations count.
    places: ledger::known::Memory,
    /// None until one came from the database.
    book: Arc<ArcSwapOption<PriceBook>>,
}

impl Ingest {
    /// Starts the committer. Needs a tokio runtime.
    pub(crate) fn start(pools: &Pools, clock: Arc<dyn Clock>) -> Self {
        Self {
            committer: Committer::start(pools, clock),
            small_bodies: Room::of_small_bodies(),
            large_bodies: Room::of_large_bodies(),
            projects: Cache::new(REMEMBERED_PROJECTS),
            places: ledger::known::Memory::default(),
            book: Arc::default(),
        }
    }

    /// The same for organizations that may have so much.
    pub(crate) fn with_limits(self, limits: ledger::Limits) -> Self {
        Self { places: ledger::known::Memory::new(limits), ..self }
    }

    /// How much one organization may have.
    pub(crate) const fn limits(&self) -> ledger::Limits {
        self.places.limits()
    }

    /// The common book that events are priced with now: that of the seed until another one came.
    pub(crate) fn book(&self) -> Arc<PriceBook> {
        self.book.load_full().unwrap_or_else(prices::seed_book)
    }

    /// Events that come from now on are priced with this book.
    pub(crate) fn use_book(&self, book: PriceBook) {
        self.book.store(Some(Arc::new(book)));
    }

    /// The ids of the projects with these slugs, as far as they exist.
    async fn projects(
        &self,
        backend: &Backend,
        scope: &OrgScope,
        slugs: &BTreeSet<&str>,
    ) -> Result<HashMap<String, ProjectId>, Error> {
        let mut found = HashMap::new();
        let mut missing = vec![];
        for slug in slugs {
            match self.projects.get(&(scope.org_id(), (*slug).to_owned())).await {
                Some(project) => drop(found.insert((*slug).to_owned(), project)),
                None => missing.push(*slug),
            }
        }
        if !missing.is_empty() {
            for (slug, project) in projects::ids_by_slug(backend, scope, &missing).await? {
                self.projects.insert((scope.org_id(), slug.clone()), project).await;
                found.insert(slug, project);
            }
        }
        Ok(found)
    }
}

/// Room for a body that is being read and recorded; given back when it is dropped.
#[derive(Debug)]
pub struct BodyRoom {
    taken: Reservation,
    /// Where a body goes that grows beyond a small one; none once it is there.
    larger: Option<Room>,
}

impl BodyRoom {
    /// Takes room for a body of so many bytes.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when there is none, or the organization has its share.
    pub fn take(backend: &Backend, scope: &OrgScope, bytes: usize) -> Result<Self, Problem> {
        let Ingest { small_bodies, large_bodies, .. } = &backend.events;
        let is_small = bytes <= SMALL_BODY;
        let room = if is_small { small_bodies } else { large_bodies };
        let taken = room.take(scope.org_id(), 1, bytes).ok_or(FULL)?;
        Ok(Self { taken, larger: is_small.then(|| large_bodies.clone()) })
    }

    /// Grows to so many bytes.
    ///
    /// # Errors
    /// As [`Self::take`]; then it is as large as before.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        match self.larger.as_ref().filter(|_| bytes > SMALL_BODY) {
            Some(room) => {
                self.taken = room.take(self.taken.org_id(), 1, bytes).ok_or(FULL)?;
                self.larger = None;
                Ok(())
            }
            None => self.taken.grow(bytes).ok_or(FULL),
        }
    }
}

const FULL: Problem = Problem::Unavailable { retry_after_secs: RETRY_AFTER_SECS };

/// Finishes what was accepted and takes no more: the last thing that a server does.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn drain(backend: &Backend) {
    backend.events.committer.drain().await;
}

/// Says what the measurements of ingestion mean; to be called once, after their recorder is there.
pub fn describe_measurements() {
    commit::describe();
}

/// Counts spans that were passed over because others of their request tell the same.
pub fn repeating_spans(spans: usize) {
    commit::repeating(spans);
}

/// How many events wait for the committer or are being prepared.
#[must_use]
pub fn waiting(backend: &Backend) -> usize {
    backend.events.committer.waiting()
}
