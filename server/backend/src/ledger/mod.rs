//! The ledger: where money is recorded and moved. Nothing else writes its tables, and it knows no room above it.
//!
//! * [`series`] says where an event counts: a number for its dimensions of few values, numbers for its labels.
//! * [`rollup`] declares each table of sums once and writes them.
//! * `commit` takes events in: a few tasks write whatever waits in one transaction, sums included, so every page has an event from the moment it is acknowledged.
//! * `adjust` moves what recorded events cost; `verify` recomputes every sum by other means; `retention` lets whole months of events go.
//! * `running` knows what the running totals of a series stand at, so that only what they grow by counts.
//! * `traces` knows which spans of a trace repeat others.
//! * `possible_duplicates` and `rejected` keep what must not count, and say why.

pub(crate) mod adjust;
pub(crate) mod booking;
pub(crate) mod commit;
pub(crate) mod content;
mod copied;
pub(crate) mod cursor;
mod dimensions;
pub(crate) mod event;
pub(crate) mod key;
pub(crate) mod known;
mod limits;
pub(crate) mod possible_duplicates;
pub(crate) mod rejected;
pub(crate) mod retention;
pub(crate) mod rollup;
pub(crate) mod running;
pub(crate) mod series;
mod sql;
pub(crate) mod stored;
pub(crate) mod traces;
pub(crate) mod verify;
mod zone;

pub(crate) use adjust::{event_of, is_last};
pub use dimensions::dimensions;
pub use limits::Limits;
pub use rejected::{dismiss_all_rejected, dismiss_rejected, rejected};
pub use retention::{Enforced, enforce as enforce_retention, retention, run_worker as keep_retention, set_retention};
pub(crate) use sql::{Words, push_counted, push_filter, push_keys, push_match, push_seen_days, push_seen_events};
pub(crate) use verify::kept_from;
pub use verify::{Difference, MAX_DIFFERENCES, recorded_days, repair, verify};
pub use zone::rebuild_days;
pub(crate) use zone::{Staged, stage_days, unstage_days};

use crate::{Backend, Error, OrgScope};
use chrono::NaiveDate;
use domain::ids::ProjectId;
use sqlx::PgConnection;

/// Marks days of a project as moved: when the transaction commits, budgets look at their months again.
pub(crate) async fn mark_moved(
    backend: &Backend,
    connection: &mut PgConnection,
    scope: &OrgScope,
    project_id: ProjectId,
    days: &[NaiveDate],
) -> Result<(), Error> {
    let moved = days.iter().map(|day| (scope.org_id(), project_id, *day)).collect();
    commit::mark_moved(connection, backend.clock.as_ref(), &moved, backend.clock.now()).await
}

/// Waits until nobody records events of the organization, and keeps them out until the transaction ends.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn lock_events(connection: &mut PgConnection, scope: &OrgScope) -> Result<(), Error> {
    commit::lock_organization(connection, scope).await
}

/// After very many events came at once: queries are planned with what is there now.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn analyze(connection: &mut PgConnection) -> Result<(), Error> {
    sql::analyze(connection).await
}

/// Deletes at most `limit` rows of what the ledger has of an organization; how many: none once all is gone.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn delete_some(connection: &mut PgConnection, scope: &OrgScope, limit: i64) -> Result<u64, Error> {
    sql::delete_some(connection, scope, limit).await
}
