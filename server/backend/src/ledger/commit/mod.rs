//! The committer: a few tasks, each of which writes whatever waits in one transaction and then answers everyone in it.
//!
//! Group commit without a timer: while the transactions commit, the next group gathers; an idle server writes a single event at once.
//! Two of them, so that one prepares while PostgreSQL works for the other; they stand to each other like two servers.
//! Room is counted in bytes, shared among organizations and taken before parsing, so memory stays flat when PostgreSQL is slow: whoever finds no room is told to come back.
//! More than one server beside one database is correct: identity is decided by `event_ids`, and rows are locked in one order everywhere.

mod arrays;
mod backlog;
mod copies;
mod copy;
mod measure;
mod month;
mod partition;
mod room;
pub(crate) mod row;
mod sql;
mod sums;
mod transaction;

pub(crate) use measure::{describe, repeating, unread};
pub(crate) use month::{first_key as first_key_of_month, month_of, name as partition_name, next as next_month};

pub(crate) use room::{Reservation, Room, SMALL_BODY};
pub(crate) use transaction::{conflicting, too_old_for_retention};

pub(crate) use sql::{enter_organization, lock_organization, mark_moved};

use super::event::NewEvent;
use super::rejected::NewRejection;
use super::traces;
use crate::error::timed_out;
use crate::{Clock, Error, Pools};
use backlog::Backlog;
use domain::event::{IngestStatus, MAX_BATCH};
use domain::ids::OrgId;
use domain::problem::Problem;
use futures::FutureExt;
use partition::Partitions;
use rust_decimal::Decimal;
use sqlx::PgPool;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most events in one transaction; one request is never split.
const GROUP: usize = 2 * MAX_BATCH;
/// Tasks that write. More would make groups smaller and let them wait for each other's rows.
const WRITERS: usize = 2;
/// A group of fewer events is written while no other small one is.
const SMALL: usize = 500;
/// The part of the patience that a connection may take before the waiting requests are told to come back: three seconds of twenty.
const ACQUIRE: f64 = 0.15;
/// The part of it that a lock of others may take.
const LOCK: f64 = 0.5;
/// Seconds after which to come back when everything is full, or PostgreSQL is away.
pub(crate) const RETRY_AFTER_SECS: u32 = 2;
/// Seconds after which an organization whose days are being rebuilt may come back.
const REBUILDING_RETRY_SECS: u32 = 5;

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: IngestStatus,
    /// As it is booked; none when unpriced, in conflict, or no longer kept.
    pub(crate) cost: Option<Decimal>,
}

/// What a request is told: what became of each of its events, or that nothing of it was recorded.
type Answer = Result<Vec<Outcome>, Problem>;

/// One request on its way through the committer.
struct Job {
    events: Vec<NewEvent>,
    rejections: Vec<NewRejection>,
    answer: oneshot::Sender<Answer>,
    _room: Reservation,
}

impl Job {
    /// A request speaks for one organization.
    fn org_id(&self) -> Option<OrgId> {
        let of_event = self.events.first().map(|event| event.org_id);
        of_event.or_else(|| self.rejections.first().map(|rejection| rejection.org_id))
    }
}

/// The way to the committer; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Committer {
    jobs: mpsc::UnboundedSender<Job>,
    room: Room,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Committer {
    /// Starts the tasks. Needs a tokio runtime.
    pub(crate) fn start(pools: &Pools, clock: Arc<dyn Clock>) -> Self {
        let (jobs, waiting) = mpsc::unbounded_channel();
        let waiting = Incoming { jobs: waiting, backlog: Backlog::default() };
        let waiting = Arc::new(Waiting { incoming: Mutex::new(waiting), small: Arc::new(Semaphore::new(1)) });
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let room = Room::of_events();
        for _ in 0..WRITERS {
            let (pool, clock, room) = (pools.ingest.clone(), Arc::clone(&clock), room.clone());
            let (patience, partitions) = (pools.patience, Partitions::default());
            let worker = Worker { pool, patience, clock, room, partitions, expect_all_new: true };
            tasks.spawn(worker.run(Arc::clone(&waiting), stop.clone()));
        }
        tasks.close();
        Self { jobs, room, stop, tasks }
    }

    /// Takes room for so many events of an organization, written in so many bytes.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when there is none, or the organization has its share.
    pub(crate) fn reserve(&self, org_id: OrgId, events: usize, bytes: usize) -> Result<Reservation, Problem> {
        self.room.take(org_id, events, bytes).ok_or_else(|| {
            measure::turned_away();
            Problem::Unavailable { retry_after_secs: RETRY_AFTER_SECS }
        })
    }

    /// Hands a request over and waits until it is committed.
    ///
    /// # Errors
    /// [`Problem`]; then nothing of the request was recorded, but for [`Problem::OutcomeUnknown`].
    pub(crate) async fn commit(
        &self,
        room: Reservation,
        events: Vec<NewEvent>,
        rejections: Vec<NewRejection>,
    ) -> Result<Vec<Outcome>, Problem> {
        let unavailable = || Problem::Unavailable { retry_after_secs: RETRY_AFTER_SECS };
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { events, rejections, answer, _room: room }).map_err(|_| unavailable())?;
        answered.await.map_err(|_| unavailable())?
    }

    /// Takes no more, finishes what was accepted, and returns when everything is answered.
    pub(crate) async fn drain(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }

    /// Events that wait or are in preparation.
    pub(crate) fn waiting(&self) -> usize {
        self.room.events()
    }
}

struct Worker {
    pool: PgPool,
    /// How long a transaction may take, and its commit again.
    patience: Duration,
    clock: Arc<dyn Clock>,
    /// To say how much of it is taken.
    room: Room,
    partitions: Partitions,
    /// Whether the last group was all new.
    expect_all_new: bool,
}

impl Worker {
    async fn run(mut self, waiting: Arc<Waiting>, stop: CancellationToken) {
        while let Some(Group { jobs, _alone }) = waiting.next(&stop).await {
            measure::waiting(self.room.events());
            // A panic must not silence the committer for everyone after.
            if AssertUnwindSafe(self.settle(jobs)).catch_unwind().await.is_err() {
                tracing::error!("the committer panicked; the requests of this group were not acknowledged");
            }
        }
    }

    /// Commits a group and answers it. When it is refused for its content, each request is tried alone, so that one cannot spoil the others.
    async fn settle(&mut self, group: Vec<Job>) {
        let result = self.commit(&group).await;
        let several = group.len() > 1;
        match result {
            Err(error) if several && !error.is_unavailable() => {
                tracing::warn!(%error, requests = group.len(), "a group was refused; committing its requests one by one");
                for job in group {
                    let alone = [job];
                    let result = self.commit(&alone).await;
                    answer(alone, result);
                }
            }
            result => answer(group, result),
        }
    }

    async fn commit(&mut self, group: &[Job]) -> Result<Vec<Answer>, Error> {
        let begun = Instant::now();
        let written = self.write(group).await;
        match &written {
            Ok((answers, counts)) => {
                let oldest = group.iter().filter_map(|job| job.events.first()).map(|event| event.received_at).min();
                let lag = oldest.and_then(|at| (self.clock.now() - at).to_std().ok());
                measure::committed(answers, *counts, begun.elapsed(), lag);
            }
            Err(_) => measure::failed(),
        }
        written.map(|(answers, _)| answers)
    }

    /// Answers for the requests of the group, and how much of it is in none of them.
    async fn write(&mut self, group: &[Job]) -> Result<(Vec<Answer>, measure::Unanswered), Error> {
        let events: Vec<&NewEvent> = group.iter().flat_map(|job| &job.events).collect();
        let rejections: Vec<&NewRejection> = group.iter().flat_map(|job| &job.rejections).collect();
        let written = match self.attempt(&events, &rejections).await {
            // A partition that was there is gone: make it again, once.
            Err(error) if sql::is_missing_partition(&error) => {
                self.partitions.forget();
                self.attempt(&events, &rejections).await
            }
            result => result,
        }?;
        let mut outcomes = written.outcomes.into_iter();
        let answers = group.iter().map(|job| {
            let outcomes: Vec<Outcome> = outcomes.by_ref().take(job.events.len()).collect();
            if job.org_id().is_some_and(|org_id| written.refused.contains(&org_id)) {
                return Err(Problem::Unavailable { retry_after_secs: REBUILDING_RETRY_SECS });
            }
            Ok(outcomes)
        });
        let excused = rejections.iter().filter(|rejection| traces::is_repeating(&rejection.problem)).count();
        let counts =
            measure::Unanswered { rejected: rejections.len() - excused, repeating: written.repeating + excused };
        Ok((answers.collect(), counts))
    }

    async fn attempt(
        &mut self,
        events: &[&NewEvent],
        rejections: &[&NewRejection],
    ) -> Result<transaction::Written, Error> {
        let now = self.clock.now();
        let present = month_of(now);
        let months = events.iter().map(|event| month_of(event.timestamp)).chain([present, next_month(present)]);
        let months: std::collections::BTreeSet<_> = months.collect();
        let acquired = tokio::time::timeout(self.patience.mul_f64(ACQUIRE), async {
            self.partitions.ensure(&self.pool, months).await?;
            Ok::<_, Error>(self.pool.acquire().await?)
        });
        let mut connection = acquired.await.map_err(|_| Error::Database(sqlx::Error::PoolTimedOut))??;
        let (clock, expect_all_new, lock_wait) =
            (self.clock.as_ref(), self.expect_all_new, self.patience.mul_f64(LOCK));
        let batch = transaction::Batch { events, rejections, now, clock, expect_all_new, lock_wait };
        let written = async {
            let ready =
                tokio::time::timeout(self.patience, batch.write(&mut connection)).await.map_err(|_| timed_out())??;
            // From here on nobody can know without PostgreSQL's answer.
            let lost = |_| Error::OutcomeUnknown(timed_out());
            tokio::time::timeout(self.patience, ready.commit()).await.map_err(lost)?
        };
        let written = match written.await {
            Err(error) if error.is_unavailable() => {
                // Whatever it still waits for, nobody else shall: the pool would ask it whether it lives.
                drop(connection.detach());
                return Err(error);
            }
            written => written?,
        };
        self.expect_all_new = written.all_new;
        Ok(written)
    }
}

/// Requests that wait for a writer.
struct Waiting {
    incoming: Mutex<Incoming>,
    /// Held by the one small group that is being written.
    small: Arc<Semaphore>,
}

/// Requests as they came, and those that wait for their organization's turn.
struct Incoming {
    jobs: mpsc::UnboundedReceiver<Job>,
    backlog: Backlog<Job>,
}

impl Incoming {
    /// Waits until something waits; `false` when nothing does and nothing will come.
    async fn wait(&mut self, stop: &CancellationToken) -> bool {
        if self.backlog.is_empty() {
            let first = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.jobs.close();
                    self.jobs.recv().await
                }
                first = self.jobs.recv() => first,
            };
            let Some(first) = first else { return false };
            self.queue(first);
        }
        true
    }

    /// Adds what waits to a group, up to its size.
    fn gather(&mut self, group: &mut Vec<Job>) {
        while let Ok(job) = self.jobs.try_recv() {
            self.queue(job);
        }
        group.append(&mut self.backlog.take(GROUP.saturating_sub(events_of(group))));
    }

    fn queue(&mut self, job: Job) {
        self.backlog.push(job.org_id().unwrap_or(OrgId(uuid::Uuid::nil())), job.events.len(), job);
    }
}

/// What is written together.
struct Group {
    jobs: Vec<Job>,
    /// Given back when the group is written.
    _alone: Option<OwnedSemaphorePermit>,
}

impl Waiting {
    /// Waits for its turn and takes what waits then; none when everything is answered and nothing will come.
    ///
    /// Small groups go one after the other: a second one at the same time would only be made of what the first could have taken, and wait for its rows.
    async fn next(&self, stop: &CancellationToken) -> Option<Group> {
        let mut incoming = self.incoming.lock().await;
        if !incoming.wait(stop).await {
            return None;
        }
        let mut jobs = vec![];
        incoming.gather(&mut jobs);
        let mut alone = None;
        if events_of(&jobs) < SMALL {
            alone = Arc::clone(&self.small).acquire_owned().await.ok();
            incoming.gather(&mut jobs);
        }
        Some(Group { jobs, _alone: alone })
    }
}

fn events_of(jobs: &[Job]) -> usize {
    jobs.iter().map(|job| job.events.len()).sum()
}

/// Answers every request of a group. One that has gone away loses nothing: its events are recorded.
fn answer(group: impl IntoIterator<Item = Job>, result: Result<Vec<Answer>, Error>) {
    match result {
        Ok(outcomes) => {
            for (job, outcomes) in group.into_iter().zip(outcomes) {
                let _gone = job.answer.send(outcomes);
            }
        }
        Err(error) => {
            let problem = error.into_problem();
            for job in group {
                let _gone = job.answer.send(Err(problem.clone()));
            }
        }
    }
}
