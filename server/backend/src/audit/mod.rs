//! The audit log: who changed what, appended in the transaction of the change.

mod sql;

use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, FixedOffset};
use domain::identity::Permission;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Most rows that [`list`] gives.
pub const MAX_ROWS: u16 = 10_000;

/// A row of the audit log as Settings shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When, in the organization's zone.
    pub at: DateTime<FixedOffset>,
    /// Who: an e-mail address, the name of a key, or `Tallystick`.
    pub who: String,
    /// A stable word such as `key.revoked`.
    pub action: String,
    /// One sentence.
    pub detail: String,
}

/// Appends a row in the caller's transaction.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn record(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    action: &str,
    detail: &str,
) -> Result<(), Error> {
    sql::insert(connection, scope, backend.clock.new_id(), backend.clock.now(), action, detail).await
}

/// The newest rows, at most `limit` (1 to [`MAX_ROWS`]).
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope, limit: u16) -> Result<Vec<AuditRow>, Error> {
    scope.require(Permission::ReadAudit)?;
    sql::newest(&backend.pool, scope, i64::from(limit.clamp(1, MAX_ROWS))).await
}
