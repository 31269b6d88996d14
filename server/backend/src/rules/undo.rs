//! Taking a change of rules back.

use super::sql::{self, StoredRule};
use super::{Change, sql::Entered};
use crate::ledger::commit::lock_organization;
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::problem::Problem;
use sqlx::PgConnection;

/// A change that is about to be undone.
pub(crate) struct Undo<'a> {
    change: Change<'a>,
    undoes: RuleChangeId,
    detail: String,
    /// When it was made.
    pub(crate) recorded_at: DateTime<Utc>,
    /// What it entered.
    pub(crate) entered: Vec<StoredRule>,
}

impl<'a> Undo<'a> {
    /// Begins; whoever knows what the rules mean then looks whether they were used.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] where it is undone already or a later change builds on it; [`Error::Database`].
    pub(crate) async fn begin(
        backend: &'a Backend,
        scope: &'a OrgScope,
        change_id: RuleChangeId,
    ) -> Result<Self, Error> {
        scope.require(Permission::ManagePrices)?;
        let mut transaction = backend.pool.begin().await?;
        let last = sql::lock(&mut transaction, scope).await?;
        let found = sql::change(&mut transaction, scope, change_id).await?.ok_or(Problem::NotFound)?;
        if found.undone {
            return Err(Problem::conflict("This change was undone already.").into());
        }
        let entered = sql::entered_by(&mut transaction, scope, change_id).await?;
        if entered.iter().any(|rule| rule.is_superseded) {
            return Err(Problem::conflict("A later change builds on this one. Undo that first.").into());
        }
        if sql::is_in_the_way(&mut transaction, scope, change_id).await? {
            let detail =
                "Something else holds now at the time that this change would give back. End or undo that first.";
            return Err(Problem::conflict(detail).into());
        }
        let change = Change::after(last, backend, scope, transaction);
        Ok(Self { change, undoes: change_id, detail: found.detail, recorded_at: found.recorded_at, entered })
    }

    /// To look whether the rules were used.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.change.connection()
    }

    /// Keeps events from being committed until the end: what was not booked with the change by then never will be.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn hold_events(&mut self) -> Result<(), Error> {
        lock_organization(&mut self.change.transaction, self.change.scope).await
    }

    /// What it entered no longer counts, and what it superseded counts again.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(crate) async fn commit(self) -> Result<RuleChangeId, Error> {
        let Self { mut change, undoes, detail, entered, .. } = self;
        let by = Entered { change_id: change.change_id, at: change.now };
        let ids: Vec<i64> = entered.iter().map(|rule| rule.rule_id.cast_signed()).collect();
        sql::supersede(&mut change.transaction, change.scope, &ids, by).await?;
        let before = sql::superseded_by(&mut change.transaction, change.scope, undoes).await?;
        sql::copy(&mut change.transaction, change.scope, &before, by).await?;
        sql::count_undone(&mut change.transaction, change.scope).await?;
        change.finish("rule.undone", &format!("Undid: {detail}"), Some(undoes)).await
    }
}
