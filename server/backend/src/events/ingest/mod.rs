//! From a request to prepared events: each is read, checked and priced on its own, and a bad one never affects the others.

mod body;
mod fields;
mod idempotency;
mod prepare;
mod read;
#[cfg(test)]
mod tests;
mod validate;

use crate::ledger::commit::{Outcome, conflicting, too_old_for_retention};
use crate::ledger::event::NewEvent;
use crate::ledger::rejected::NewRejection;
use crate::ledger::running::Standings;
use crate::ledger::traces;
use crate::{Actor, Backend, Error, OrgScope, prices};
pub use body::{Item, split, split_up_to};
use domain::event::{
    EventInput, EventResult, IngestAnswer, IngestStatus, MAX_BATCH, MAX_TAGS, ParsedEvent, Rejection, Sender,
};
use domain::identity::KeyScope;
use domain::ids::{KeyId, ProjectId, RejectedId};
use domain::problem::{FieldProblem, Problem};
use domain::upload::CheckedRow;
pub use idempotency::IdempotencyKey;
use prepare::Request;
use std::collections::{BTreeSet, HashMap};

/// Without texts that are too long or no plain text: they are what was wrong, or a prompt in the wrong place.
fn presentable(sender: Sender) -> Sender {
    let keep = |text: Option<String>| text.filter(|text| validate::is_presentable(text));
    Sender {
        id: keep(sender.id),
        project: keep(sender.project),
        provider: keep(sender.provider),
        model: keep(sender.model),
    }
}

/// Records the events of one request and answers after the commit.
///
/// # Errors
/// [`Problem::Forbidden`] without the scope `ingest`, [`Problem::TooLarge`] above [`MAX_BATCH`] events, [`Problem::Unavailable`] when too much is waiting or PostgreSQL is away: then nothing was recorded.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn ingest(backend: &Backend, scope: &OrgScope, items: &[Item<'_>]) -> Result<IngestAnswer, Error> {
    record(backend, scope, Size::of(items), Projects::OrRefused, || items.iter().map(|item| read_one(*item)).collect())
        .await
}

/// Records the events of one request that its sender may send again as it is: events without an id get ids that follow from the key, the sender and their places.
///
/// # Errors
/// As [`ingest`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn ingest_repeatable(
    backend: &Backend,
    scope: &OrgScope,
    items: &[Item<'_>],
    key: &IdempotencyKey,
) -> Result<IngestAnswer, Error> {
    let sender = scope.key_id();
    let read = || {
        let identified = |(place, item): (u32, &Item<'_>)| {
            let mut event = read_one(*item);
            key.identify(sender, place, &mut event);
            event
        };
        (0..).zip(items).map(identified).collect()
    };
    record(backend, scope, Size::of(items), Projects::OrRefused, read).await
}

/// Records events that are already typed: imports and sample data walk the same path.
///
/// # Errors
/// As [`ingest`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn ingest_inputs(
    backend: &Backend,
    scope: &OrgScope,
    inputs: Vec<EventInput>,
) -> Result<IngestAnswer, Error> {
    record(backend, scope, Size::typed(inputs.len()), Projects::OrRefused, || inputs.into_iter().map(Ok).collect())
        .await
}

/// Records events in Tallystick's own form that are already read, such as those of a file.
///
/// # Errors
/// As [`ingest`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn ingest_native(
    backend: &Backend,
    scope: &OrgScope,
    events: Vec<ParsedEvent>,
) -> Result<IngestAnswer, Error> {
    record(backend, scope, Size::typed(events.len()), Projects::OrRefused, || events).await
}

/// Records events that came in another format, each read or refused by the reader of that format.
///
/// Their senders do not know our projects: an event that names one which is not there, or which the key may not use, is booked to the key's project and keeps the name as the tag `project`.
///
/// # Errors
/// As [`ingest`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn ingest_foreign(
    backend: &Backend,
    scope: &OrgScope,
    events: Vec<ParsedEvent>,
) -> Result<IngestAnswer, Error> {
    record(backend, scope, Size::typed(events.len()), Projects::OrTheKeys, || events).await
}

/// Reads one event in Tallystick's own form; nothing is looked up or recorded.
///
/// # Errors
/// The first field that has the wrong type or is missing.
pub fn read_one(item: Item<'_>) -> ParsedEvent {
    let event =
        item.ok_or_else(|| Rejection::unread(FieldProblem::new("", "invalid", "This line is not a JSON object.")))?;
    read::read(event)
}

/// What becomes of an event whose project is not there or not allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Projects {
    /// It is rejected: its sender named one of ours.
    OrRefused,
    /// It is the key's, with the name as a tag.
    OrTheKeys,
}

/// Books events of unknown projects to the key's project; the name stays as a tag where there is room.
fn settle_projects(events: &mut [ParsedEvent], scope: &OrgScope, known: &HashMap<String, ProjectId>) {
    for event in events.iter_mut().flatten() {
        let usable = |slug: &String| known.get(slug).is_some_and(|project| scope.sees(*project));
        if let Some(slug) = event.project.take_if(|slug| !usable(slug))
            && event.tags.len() < MAX_TAGS
        {
            event.tags.entry("project".to_owned()).or_insert(slug);
        }
    }
}

/// How much a request brings.
#[derive(Clone, Copy)]
struct Size {
    events: usize,
    /// As they were written; zero where they are typed already, and take what is counted for each at least.
    bytes: usize,
}

impl Size {
    fn of(items: &[Item<'_>]) -> Self {
        Self { events: items.len(), bytes: items.iter().flatten().map(|item| item.get().len()).sum() }
    }

    const fn typed(events: usize) -> Self {
        Self { events, bytes: 0 }
    }
}

async fn record(
    backend: &Backend,
    scope: &OrgScope,
    size: Size,
    unknown: Projects,
    read: impl FnOnce() -> Vec<ParsedEvent>,
) -> Result<IngestAnswer, Error> {
    let (key_id, default_project) = sender(scope, size.events)?;
    if size.events == 0 {
        return Ok(IngestAnswer::default());
    }
    let read_first = async {
        let known = backend.events.places.of(&backend.pool, scope).await?;
        Ok((prices::books(backend, scope).await?, known))
    };
    let (books, known) = backend.in_time(read_first).await?;
    // Room before parsing: what waits for the committer is bounded.
    let reservation = backend.events.committer.reserve(scope.org_id(), size.events, size.bytes)?;
    let ready = async {
        let (mut prepared, projects) = prepared(backend, scope, unknown, &books, read).await?;
        traces::excuse(backend, scope, prepared.iter_mut().filter_map(|event| event.as_mut().err().map(Box::as_mut)))
            .await?;
        Ok((prepared, projects))
    };
    let (prepared, projects) = backend.in_time(ready).await?;
    let sorter = ResultSorter { backend, scope, key_id, default_project, projects: &projects };
    let (mut events, rejections, mut results) = sorter.sort(prepared);
    events.iter_mut().for_each(|event| event.settle(&known));
    let outcomes = backend.events.committer.commit(reservation, events, rejections).await?;
    let mut outcomes = outcomes.into_iter();
    for result in &mut results {
        if result.status == IngestStatus::Accepted
            && let Some(outcome) = outcomes.next()
        {
            apply(result, outcome);
        }
    }
    Ok(answer(results))
}

/// The key that sends, and the project of its events that name none.
fn sender(scope: &OrgScope, count: usize) -> Result<(KeyId, ProjectId), Problem> {
    scope.require_key_scope(KeyScope::Ingest)?;
    let &Actor::Key { key_id, default_project, .. } = scope.actor() else {
        return Err(Problem::Forbidden { detail: "Events are sent with an API key.".to_owned() });
    };
    if count > MAX_BATCH {
        return Err(Problem::TooLarge { detail: format!("Send at most {MAX_BATCH} events in one request.") });
    }
    Ok((key_id, default_project))
}

/// What a request's events become: each checked and priced on its own; and the projects that they name.
async fn prepared(
    backend: &Backend,
    scope: &OrgScope,
    unknown: Projects,
    books: &prices::HeldBooks,
    read: impl FnOnce() -> Vec<ParsedEvent>,
) -> Result<(Vec<Result<NewEvent, Box<Rejection>>>, HashMap<String, ProjectId>), Error> {
    let (key_id, default_project) = sender(scope, 0)?;
    let now = backend.clock.now();
    let mut checked: Vec<ParsedEvent> = read()
        .into_iter()
        .map(|event| {
            let mut event = event?;
            match validate::check(&mut event, now) {
                Ok(()) => Ok(event),
                Err(problem) => Err(Rejection::of(&event, problem)),
            }
        })
        .collect();
    let slugs: BTreeSet<&str> = checked.iter().filter_map(|event| event.as_ref().ok()?.project.as_deref()).collect();
    let projects = backend.events.projects(backend, scope, &slugs).await?;
    if unknown == Projects::OrTheKeys {
        settle_projects(&mut checked, scope, &projects);
    }
    let request = Request {
        scope,
        key_id,
        default_project,
        projects: &projects,
        books: books.books(),
        rules_undone: books.undone(),
        now,
        clock: backend.clock.as_ref(),
    };
    let series = checked.iter().flatten().filter_map(|event| request.series_of(event)).collect();
    let mut standings = Standings::of(&backend.pool, scope, series).await?;
    let prepared = checked.into_iter().map(|event| request.prepare(event?, &mut standings)).collect();
    Ok((prepared, projects))
}

/// What events in Tallystick's own form would become, in their order. Nothing is recorded, and what is recorded already is not looked at.
///
/// # Errors
/// As [`ingest`].
pub(super) async fn dry_run(
    backend: &Backend,
    scope: &OrgScope,
    events: Vec<ParsedEvent>,
) -> Result<Vec<CheckedRow>, Error> {
    let books = prices::books(backend, scope).await?;
    let (prepared, _) = prepared(backend, scope, Projects::OrRefused, &books, || events).await?;
    Ok((1..).zip(prepared).map(|(row, event)| checked_row(scope, row, event)).collect())
}

fn checked_row(scope: &OrgScope, row: u64, event: Result<NewEvent, Box<Rejection>>) -> CheckedRow {
    match event {
        Ok(event) => CheckedRow {
            row,
            at: Some(scope.zone().local(event.timestamp)),
            is_sum: event.sent.aggregate.is_some(),
            provider: Some(event.sent.provider),
            model: Some(event.sent.model),
            tokens: event.meters.tokens(),
            cost: event.booking.cost,
            refused: None,
            unpriced: event.booking.unpriced_reason,
        },
        Err(refused) => {
            let sender = presentable(refused.sender);
            let said = format!("{} {}", refused.problem.pointer, refused.problem.detail);
            let (provider, model) = (sender.provider, sender.model);
            let refused = Some(said.trim_start().to_owned());
            CheckedRow { row, at: None, is_sum: false, provider, model, tokens: 0, cost: None, refused, unpriced: None }
        }
    }
}

/// Sorts events into those to write and those to list as rejected, with a provisional result for each.
struct ResultSorter<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    key_id: KeyId,
    default_project: ProjectId,
    projects: &'a HashMap<String, ProjectId>,
}

impl ResultSorter<'_> {
    fn sort(
        &self,
        prepared: Vec<Result<NewEvent, Box<Rejection>>>,
    ) -> (Vec<NewEvent>, Vec<NewRejection>, Vec<EventResult>) {
        let mut events = Vec::with_capacity(prepared.len());
        let mut rejections = Vec::new();
        let mut results = Vec::with_capacity(prepared.len());
        for (index, event) in (0..).zip(prepared) {
            let (id, status, error) = match event {
                Ok(event) => {
                    let id = event.id.clone();
                    events.push(event);
                    (Some(id), IngestStatus::Accepted, None)
                }
                Err(refused) => {
                    let rejection = self.rejection(*refused);
                    let (id, problem) = (rejection.id.clone(), rejection.problem.clone());
                    rejections.push(rejection);
                    if traces::is_repeating(&problem) {
                        (id, IngestStatus::Duplicate, None)
                    } else {
                        (id, IngestStatus::Rejected, Some(problem))
                    }
                }
            };
            results.push(EventResult { index, id, status, cost: None, currency: None, error });
        }
        (events, rejections, results)
    }

    /// The entry of the rejected list. Members of the event's project may see it if the key may send there, else those of the key's.
    fn rejection(&self, refused: Rejection) -> NewRejection {
        let sender = presentable(refused.sender);
        let named = sender.project.as_ref().and_then(|slug| self.projects.get(slug)).copied();
        NewRejection {
            org_id: self.scope.org_id(),
            rejected_id: RejectedId(self.backend.clock.new_id()),
            received_at: self.backend.clock.now(),
            key_id: self.key_id,
            project_id: named.filter(|project| self.scope.sees(*project)).unwrap_or(self.default_project),
            id: sender.id,
            project: sender.project,
            provider: sender.provider,
            model: sender.model,
            problem: refused.problem,
        }
    }
}

fn apply(result: &mut EventResult, outcome: Outcome) {
    if outcome.status == IngestStatus::Rejected {
        result.error = Some(too_old_for_retention());
    }
    result.status = outcome.status;
    result.cost = outcome.cost;
    result.currency = outcome.cost.map(|_| "USD".to_owned());
    if outcome.status == IngestStatus::Conflict {
        result.error = Some(conflicting());
    }
}

fn answer(results: Vec<EventResult>) -> IngestAnswer {
    let mut answer = IngestAnswer::default();
    for result in &results {
        match result.status {
            IngestStatus::Accepted | IngestStatus::Updated => answer.accepted += 1,
            IngestStatus::Duplicate => answer.duplicates += 1,
            IngestStatus::Conflict => answer.conflicts += 1,
            IngestStatus::Rejected => answer.rejected += 1,
        }
    }
    answer.results = results;
    answer
}
