//! Suspected doubles: one call of a model that arrives by two routes.
//!
//! A gateway's callback and an application's own instrumentation send it under two ids of theirs; the provider's id of its answer is the same.
//! The first event with it is recorded. A second one is recorded too and marked, or left out and listed as rejected where the organization chose so: nothing disappears silently.
//! An answer from the sender's own cache repeats the id of the first answer and is no double: it costs nothing.

mod sql;

pub(super) use sql::{Answer, delete_all, dropping, mark};

use super::commit::{Rejection, time_of};
use super::ingest::NewEvent;
use super::read::{Cursor, fingerprint};
use crate::{Backend, Clock, Error, OrgScope, audit};
use domain::event::{DoubleRow, EventRow, MAX_PAGE, Page, Suspicion};
use domain::identity::Permission;
use domain::ids::{EventKey, OrgId, RejectedId};
use domain::problem::FieldProblem;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// Most others that an event page lists.
const MAX_LISTED: i64 = 20;

/// The event that brought the same answer first, by the event that brought it again.
pub(super) type Doubles = HashMap<EventKey, EventKey>;

/// What becomes of the doubles among new events.
#[derive(Default)]
pub(super) struct Settled {
    /// To be recorded and marked.
    pub(super) marked: Doubles,
    /// To be left out.
    pub(super) dropped: BTreeSet<EventKey>,
}

/// Settles those answers of new events that were claimed before.
pub(super) async fn settle(connection: &mut PgConnection, answers: &[Answer<'_>]) -> Result<Settled, Error> {
    let found = sql::claimed_before(connection, answers).await?;
    if found.is_empty() {
        return Ok(Settled::default());
    }
    let event_of = |answer: &Answer<'_>| (answer.event.event_key, answer.event.org_id);
    let org_of: HashMap<EventKey, OrgId> = answers.iter().map(event_of).collect();
    let organizations = found.keys().filter_map(|key| org_of.get(key)).copied().collect();
    let dropping = dropping(connection, &organizations).await?;
    let is_dropped = |key: &EventKey| org_of.get(key).is_some_and(|org_id| dropping.contains(org_id));
    let (dropped, marked): (Vec<_>, Vec<_>) = found.into_iter().partition(|(key, _)| is_dropped(key));
    Ok(Settled { marked: marked.into_iter().collect(), dropped: dropped.into_iter().map(|(key, _)| key).collect() })
}

/// Events with the provider's id, sorted by it, so that two servers claim in the same order.
pub(super) fn answers<'a>(events: &[&'a NewEvent]) -> Vec<Answer<'a>> {
    let mut answers: Vec<Answer<'a>> = events
        .iter()
        .filter(|event| event.sent.response_cache_hit != Some(true))
        .filter_map(|event| {
            let id = event.sent.provider_response_id.as_deref()?;
            Some(Answer { event, hash: super::ingest::content::id_hash(id) })
        })
        .collect();
    answers.sort_by_key(|answer| (answer.event.org_id, answer.hash));
    answers
}

/// What the rejected list says of a double that was left out.
pub(super) fn rejection(event: &NewEvent, clock: &dyn Clock) -> Rejection {
    Rejection {
        org_id: event.org_id,
        rejected_id: RejectedId(clock.new_id()),
        received_at: event.received_at,
        key_id: event.key_id,
        project_id: event.project_id,
        id: Some(event.id.clone()),
        project: None,
        provider: Some(event.sent.provider.clone()),
        model: Some(event.sent.model.clone()),
        problem: FieldProblem::new(
            "/provider_response_id",
            "double",
            "The same answer of the provider is recorded under another id, and the organization leaves doubles out.",
        ),
    }
}

/// Other events that are suspected to be the same call, the first one first.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn others(backend: &Backend, scope: &OrgScope, key: EventKey) -> Result<Vec<EventRow>, Error> {
    let keys = sql::others(&backend.pool, scope, key, MAX_LISTED).await?;
    let mut rows = vec![];
    for key in keys {
        // Events that the reader may not see, or that are no longer kept, are left out.
        rows.extend(super::read::row(&backend.pool, scope, key).await?);
    }
    Ok(rows)
}

/// Suspected doubles that the caller sees, newest first, each beside the event that came first.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read, [`domain::problem::Problem::Invalid`] for a cursor of another list; [`Error::Database`].
pub async fn doubles(
    backend: &Backend,
    scope: &OrgScope,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<DoubleRow>, Error> {
    scope.require(Permission::Read)?;
    let list = fingerprint(scope, &[("list".to_owned(), "doubles".to_owned())]);
    let after = cursor.map(|text| Cursor::read(text, list)).transpose()?;
    let limit = usize::from(limit.clamp(1, MAX_PAGE));
    let pairs = sql::pairs(&backend.pool, scope, after.map(|cursor| EventKey(cursor.id)), limit + 1).await?;
    let keys: Vec<EventKey> = pairs.iter().take(limit).flat_map(|(second, first)| [*second, *first]).collect();
    let mut rows = super::read::rows(&backend.pool, scope, &keys).await?;
    let last = pairs.iter().take(limit).next_back().filter(|_| pairs.len() > limit);
    let next_cursor = last.map(|(key, _)| Cursor { at: time_of(*key), id: key.0 }.text(list));
    let doubles = pairs.into_iter().take(limit).filter_map(|(second, first)| {
        let row = rows.remove(&second)?;
        // One event may be the first of several.
        Some(DoubleRow { row, first: rows.get(&first).cloned() })
    });
    Ok(Page { rows: doubles.collect(), next_cursor })
}

/// How much money suspected doubles are about.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
pub async fn suspicion(backend: &Backend, scope: &OrgScope) -> Result<Suspicion, Error> {
    let drops = drops_doubles(backend, scope).await?;
    Ok(Suspicion { drops, ..sql::sum(&backend.pool, scope).await? })
}

/// Whether the organization leaves suspected doubles out.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
pub async fn drops_doubles(backend: &Backend, scope: &OrgScope) -> Result<bool, Error> {
    scope.require(Permission::Read)?;
    let mut connection = backend.pool.acquire().await?;
    Ok(!dropping(&mut connection, &BTreeSet::from([scope.org_id()])).await?.is_empty())
}

/// Decides whether suspected doubles are left out from now on; what is recorded stays.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to manage the organization; [`Error::Database`].
pub async fn set_drops_doubles(backend: &Backend, scope: &OrgScope, drop: bool) -> Result<(), Error> {
    scope.require(Permission::ManageOrganization)?;
    let mut transaction = backend.pool.begin().await?;
    if sql::set_dropping(&mut transaction, scope, drop).await? {
        let detail =
            if drop { "Suspected doubles are left out." } else { "Suspected doubles are recorded and marked." };
        audit::record(backend, scope, &mut transaction, "organization.changed", detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}
