//! Possible duplicates: one call of a model that arrives by two routes.
//!
//! A gateway's callback and an application's own instrumentation send it under two ids of theirs; the provider's id of its answer is the same.
//! The first event with it is recorded. A second one is recorded too and marked, or left out and listed as rejected where the organization chose so: nothing disappears silently.
//! An answer from the sender's own cache repeats the id of the first answer and is no duplicate: it costs nothing.

mod sql;

use crate::ledger::cursor::{Cursor, fingerprint};
use crate::ledger::key::time_of;
use crate::{Backend, Error, OrgScope, audit};
use domain::event::{EventRow, MAX_PAGE, Page, PossibleDuplicate, PossibleDuplicateTotals};
use domain::identity::Permission;
use domain::ids::EventKey;

/// Most others that an event page lists.
const MAX_LISTED: i64 = 20;

/// Other events that may be the same call, the first one first.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn others(backend: &Backend, scope: &OrgScope, key: EventKey) -> Result<Vec<EventRow>, Error> {
    let keys = sql::others(&backend.pool, scope, key, MAX_LISTED).await?;
    let mut rows = super::read::rows(&backend.pool, scope, &keys).await?;
    // Events that the reader may not see, or that are no longer kept, are left out.
    Ok(keys.iter().filter_map(|key| rows.remove(key)).collect())
}

/// Possible duplicates that the caller sees, newest first, each beside the event that came first.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read, [`domain::problem::Problem::Invalid`] for a cursor of another list; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn possible_duplicates(
    backend: &Backend,
    scope: &OrgScope,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<PossibleDuplicate>, Error> {
    scope.require(Permission::Read)?;
    let list = fingerprint(scope, &[("list".to_owned(), "doubles".to_owned())]);
    let after = cursor.map(|text| Cursor::read(text, list)).transpose()?;
    let limit = usize::from(limit.clamp(1, MAX_PAGE));
    let pairs = sql::pairs(&backend.pool, scope, after.map(|cursor| EventKey(cursor.id)), limit + 1).await?;
    let keys: Vec<EventKey> = pairs.iter().take(limit).flat_map(|(second, first)| [*second, *first]).collect();
    let mut rows = super::read::rows(&backend.pool, scope, &keys).await?;
    let last = pairs.iter().take(limit).next_back().filter(|_| pairs.len() > limit);
    let next_cursor = last.map(|(key, _)| Cursor { at: time_of(*key), id: key.0 }.text(list));
    let found = pairs.into_iter().take(limit).filter_map(|(second, first)| {
        let row = rows.remove(&second)?;
        // One event may be the first of several.
        Some(PossibleDuplicate { row, first: rows.get(&first).cloned() })
    });
    Ok(Page { rows: found.collect(), next_cursor })
}

/// How much money possible duplicates are about.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn possible_duplicate_totals(backend: &Backend, scope: &OrgScope) -> Result<PossibleDuplicateTotals, Error> {
    let drops = drops_possible_duplicates(backend, scope).await?;
    Ok(PossibleDuplicateTotals { drops, ..sql::sum(&backend.pool, scope).await? })
}

/// Whether the organization leaves possible duplicates out.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn drops_possible_duplicates(backend: &Backend, scope: &OrgScope) -> Result<bool, Error> {
    scope.require(Permission::Read)?;
    sql::is_dropping(&backend.pool, scope).await
}

/// Decides whether possible duplicates are left out from now on; what is recorded stays.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to manage the organization; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn set_drops_possible_duplicates(backend: &Backend, scope: &OrgScope, drop: bool) -> Result<(), Error> {
    scope.require(Permission::ManageOrganization)?;
    let mut transaction = backend.pool.begin().await?;
    if sql::set_dropping(&mut transaction, scope, drop).await? {
        let detail =
            if drop { "Possible duplicates are left out." } else { "Possible duplicates are recorded and marked." };
        audit::record(backend, scope, &mut transaction, "organization.changed", detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}
