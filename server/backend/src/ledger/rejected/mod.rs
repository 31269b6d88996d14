//! The rejected list: what could not be recorded, and why. Identical rejects are one entry with a count, and the list is bounded.

mod sql;
#[cfg(test)]
mod tests;

use super::cursor::{Cursor, fingerprint};
use super::event::NewEvent;
use crate::hash::TextHash;
use crate::{Backend, Clock, Error, OrgScope, audit, identity, paging};
use chrono::{DateTime, Duration, Utc};
use domain::event::{MAX_PAGE, Page, RejectedFilter, RejectedRow};
use domain::identity::Permission;
use domain::ids::{KeyId, OrgId, ProjectId, RejectedId};
use domain::problem::{FieldProblem, Problem};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Entries that were not rejected again for so many days leave the list.
const MAX_AGE_DAYS: i64 = 90;
/// Most entries of an organization; the oldest leave first. Between two trims there may be some thousands more.
const MAX_ENTRIES: i64 = 100_000;
/// One of so many entries trims the list of its organization when it is written.
const TRIM_EVERY: u16 = 1_024;

/// An entry of the rejected list.
#[derive(Clone, Debug)]
pub(crate) struct NewRejection {
    pub(crate) org_id: OrgId,
    pub(crate) rejected_id: RejectedId,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) key_id: KeyId,
    pub(crate) project_id: ProjectId,
    pub(crate) id: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) problem: FieldProblem,
}

impl NewRejection {
    /// Of an event that was prepared and could not be recorded after all.
    pub(super) fn of(event: &NewEvent, problem: FieldProblem, clock: &dyn Clock) -> Self {
        Self {
            org_id: event.org_id,
            rejected_id: RejectedId(clock.new_id()),
            received_at: event.received_at,
            key_id: event.key_id,
            project_id: event.project_id,
            id: event.sent.id.clone(),
            project: event.sent.project.clone(),
            provider: Some(event.sent.provider.clone()),
            model: Some(event.sent.model.clone()),
            problem,
        }
    }
}

/// Rejects of one group that are the same.
struct Entry<'a> {
    /// Of what makes two rejects the same.
    reason_hash: TextHash,
    /// The one that came last.
    last: &'a NewRejection,
    first_received_at: DateTime<Utc>,
    times: i64,
}

/// Lists what a group of requests could not record, in the caller's transaction.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn insert(connection: &mut PgConnection, rejections: &[&NewRejection]) -> Result<(), Error> {
    let entries = entries(rejections);
    if entries.is_empty() {
        return Ok(());
    }
    sql::upsert(connection, &entries).await?;
    for org_id in to_trim(&entries) {
        sql::trim(connection, org_id, MAX_ENTRIES).await?;
    }
    Ok(())
}

/// Sorted, so that two servers take the entries in the same order.
fn entries<'a>(rejections: &[&'a NewRejection]) -> Vec<Entry<'a>> {
    let mut entries = BTreeMap::<(OrgId, TextHash), Entry<'a>>::new();
    for rejection in rejections.iter().copied() {
        let reason_hash = reason_hash(rejection);
        let entry = entries.entry((rejection.org_id, reason_hash)).or_insert(Entry {
            reason_hash,
            last: rejection,
            first_received_at: rejection.received_at,
            times: 0,
        });
        entry.times += 1;
        entry.first_received_at = entry.first_received_at.min(rejection.received_at);
        if rejection.received_at >= entry.last.received_at {
            entry.last = rejection;
        }
    }
    entries.into_values().collect()
}

/// Organizations whose lists are trimmed now: by the random end of an entry's id, which costs nothing to keep and no sender can foresee.
fn to_trim(entries: &[Entry<'_>]) -> Vec<OrgId> {
    let chosen = entries.iter().filter(|entry| {
        let id = entry.last.rejected_id.0.as_bytes();
        u16::from_be_bytes([id[14], id[15]]).is_multiple_of(TRIM_EVERY)
    });
    let mut chosen: Vec<OrgId> = chosen.map(|entry| entry.last.org_id).collect();
    chosen.dedup();
    chosen
}

fn reason_hash(rejection: &NewRejection) -> TextHash {
    // No text that is listed has a control character, so a missing one is another than every text.
    const MISSING: &str = "\0";
    TextHash::of(&[
        &rejection.key_id.to_string(),
        &rejection.project_id.to_string(),
        rejection.project.as_deref().unwrap_or(MISSING),
        rejection.provider.as_deref().unwrap_or(MISSING),
        rejection.model.as_deref().unwrap_or(MISSING),
        &rejection.problem.pointer,
        &rejection.problem.code,
        &rejection.problem.detail,
    ])
}

/// Events that were rejected, by when they came last, newest first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read, [`Problem::Invalid`] for a cursor of another list; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn rejected(
    backend: &Backend,
    scope: &OrgScope,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<RejectedRow>, Error> {
    scope.require(Permission::Read)?;
    let list = fingerprint(scope, &[]);
    let after = cursor.map(|text| Cursor::read(text, list)).transpose()?;
    let limit = usize::from(limit.clamp(1, MAX_PAGE));
    let mut rows = sql::page(&backend.pool, scope, after, limit + 1).await?;
    let cursor = |row: &RejectedRow| Cursor { at: row.received_at.to_utc(), id: row.rejected_id.0 }.text(list);
    let next_cursor = paging::cut(&mut rows, limit, cursor);
    Ok(Page { rows, next_cursor })
}

/// Takes one entry off the list. The same reject makes a new one.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn dismiss_rejected(backend: &Backend, scope: &OrgScope, entry: RejectedId) -> Result<(), Error> {
    scope.require(Permission::ManageProjects)?;
    let mut transaction = backend.pool.begin().await?;
    let entry = sql::delete_one(&mut transaction, scope, entry).await?.ok_or(Problem::NotFound)?;
    let detail = format!("Dismissed a rejected event: {}, received {} times.", entry.reason.describe(), entry.times);
    audit::record(backend, scope, &mut transaction, "rejected_event.dismissed", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Takes all entries off the list that are meant; how many.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Problem::Invalid`] where a reason holds what PostgreSQL keeps in no text; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn dismiss_all_rejected(backend: &Backend, scope: &OrgScope, meant: &RejectedFilter) -> Result<u64, Error> {
    scope.require(Permission::ManageProjects)?;
    if meant.reason.as_ref().is_some_and(|reason| reason.code.contains('\0') || reason.pointer.contains('\0')) {
        return Err(Problem::field("code", "invalid", "Use printable characters.").into());
    }
    let mut transaction = backend.pool.begin().await?;
    let dismissed = sql::delete_all(&mut transaction, scope, meant).await?;
    if dismissed > 0 {
        let reason = meant.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", reason.describe()));
        let detail = format!("Dismissed {dismissed} entries of the rejected list{reason}.");
        audit::record(backend, scope, &mut transaction, "rejected_event.all_dismissed", &detail).await?;
    }
    transaction.commit().await?;
    Ok(dismissed)
}

/// Keeps every organization's list within its bounds; how many entries left.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn enforce(backend: &Backend, stop: &CancellationToken) -> Result<u64, Error> {
    let oldest = backend.clock.now() - Duration::days(MAX_AGE_DAYS);
    let mut left = 0;
    for org_id in sql::organizations(&backend.pool).await? {
        if stop.is_cancelled() {
            break;
        }
        let Some(scope) = identity::system_scope_if_there(backend, org_id).await? else { continue };
        left += forget_before(backend, &scope, oldest).await?;
        left += sql::trim(&mut *backend.pool.acquire().await?, org_id, MAX_ENTRIES).await?;
    }
    Ok(left)
}

/// Takes entries off the list that came last before `limit`; how many.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn forget_before(backend: &Backend, scope: &OrgScope, limit: DateTime<Utc>) -> Result<u64, Error> {
    sql::delete_before(&backend.pool, scope, limit).await
}
