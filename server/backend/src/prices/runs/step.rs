//! The steps of a run: one transaction each.

use super::sql::{self, RunRow};
use super::{STEP, sums};
use crate::events::adjust::{self, Adjustment, By, Recorded, Selection};
use crate::prices::own::books_known_at;
use crate::wake::Wake;
use crate::{Backend, Error, OrgScope, identity};
use domain::ids::{OrgId, RunId};
use domain::period::Zone;
use domain::problem::Problem;
use domain::repricing::RunKind;
use sqlx::PgConnection;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks for runs where no notification came.
const LOOK: Duration = Duration::from_secs(30);

/// Advances runs until `stop`. Any number of servers may do it: a step claims its run.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: start it again after a while; nothing is lost.
pub async fn work(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    let wake = Wake::listen(&backend.pool, sql::CHANNEL);
    while !stop.is_cancelled() {
        while let Some((org_id, run_id)) = sql::waiting(&backend.pool).await? {
            if stop.is_cancelled() {
                break;
            }
            advance_of(backend, org_id, run_id).await?;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.next() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(())
}

async fn advance_of(backend: &Backend, org_id: OrgId, run_id: RunId) -> Result<(), Error> {
    match identity::system_scope(backend, org_id).await {
        Ok(scope) => drop(advance(backend, &scope, run_id).await?),
        // Deleted meanwhile, and its runs with it.
        Err(Error::Problem(Problem::NotFound)) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Takes the next step of a run, unless another server is at it; whether there may be more to do.
///
/// A step that cannot be taken ends the run as failed: what it moved so far can be reversed.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: the step is as if it had never been.
pub async fn advance(backend: &Backend, scope: &OrgScope, run_id: RunId) -> Result<bool, Error> {
    // What a budget counts, and so what a run moves, does not depend on who asks.
    let scope = identity::system_scope(backend, scope.org_id()).await?;
    match step(backend, &scope, run_id).await {
        Ok(more) => Ok(more),
        Err(error) if error.is_unavailable() || error.is_deadlock() => Err(error),
        Err(error) => {
            tracing::error!(%run_id, %error, "a run that prices events failed");
            let mut transaction = backend.pool.begin().await?;
            sql::fail(&mut transaction, &scope, run_id, &error.to_string(), backend.clock.now()).await?;
            transaction.commit().await?;
            Ok(false)
        }
    }
}

async fn step(backend: &Backend, scope: &OrgScope, run_id: RunId) -> Result<bool, Error> {
    let mut transaction = backend.pool.begin().await?;
    let Some(row) = sql::claim(&mut transaction, scope, run_id).await? else { return Ok(false) };
    let Some(zone) = adjust::enter(&mut transaction, scope, backend.clock.now()).await? else { return Ok(false) };
    let step = Step { backend, scope, zone, row: &row };
    let more = match row.state.as_str() {
        "draft" => step.rate(&mut transaction, false).await?,
        "running" => step.rate(&mut transaction, true).await?,
        _ => step.restore(&mut transaction).await?,
    };
    transaction.commit().await?;
    Ok(more)
}

struct Step<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    zone: Zone,
    row: &'a RunRow,
}

impl Step<'_> {
    /// Rates the next events again; moves what differs where that is `confirmed`, else only sums it.
    async fn rate(&self, connection: &mut PgConnection, confirmed: bool) -> Result<bool, Error> {
        let row = self.row;
        let books = books_known_at(self.backend, self.scope, row.known_at).await?;
        let selection = Selection {
            from: row.from,
            to: row.to,
            filters: row.filters.clone(),
            unpriced: row.kind == RunKind::Pricing,
        };
        let events = adjust::read(connection, self.scope, &selection, row.place(), STEP).await?;
        let adjustments: Vec<Adjustment<'_>> = events
            .iter()
            .filter_map(|event| Some(Adjustment { event, to: event.rated_again(books.books())? }))
            .collect();
        let so_far = if confirmed { &row.outcome } else { &row.preview };
        let mut summary = so_far.clone().unwrap_or_default();
        sums::add(connection, self.scope, self.zone, &mut summary, &events, &adjustments).await?;
        summary.still_unpriced += sums::still_unpriced(&events, &adjustments);
        if confirmed {
            let by = By { run_id: row.run_id, is_reversal: false };
            adjust::apply(self.backend, connection, self.scope, self.zone, by, &adjustments).await?;
        }
        let last = events.last().map(|event| (event.timestamp, event.event_key));
        let more = is_full(&events);
        let next = match (more, confirmed) {
            (true, _) => row.state.as_str(),
            (false, false) => "previewed",
            (false, true) => "done",
        };
        let column = if confirmed { sql::Sums::Outcome } else { sql::Sums::Preview };
        let now = self.backend.clock.now();
        sql::advanced(connection, self.scope, row.run_id, next, last, (column, &summary), now).await?;
        Ok(more)
    }

    /// Gives the next events of the run back what they cost before.
    async fn restore(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let row = self.row;
        let after = row.cursor_key;
        let events = adjust::read_adjusted(connection, self.scope, row.run_id, after, STEP).await?;
        let adjustments: Vec<Adjustment<'_>> =
            events.iter().filter_map(|event| Some(Adjustment { event, to: event.restored()? })).collect();
        let mut summary = row.reversal.clone().unwrap_or_default();
        sums::add(connection, self.scope, self.zone, &mut summary, &events, &adjustments).await?;
        let by = By { run_id: row.run_id, is_reversal: true };
        adjust::apply(self.backend, connection, self.scope, self.zone, by, &adjustments).await?;
        let last = events.last().map(|event| (event.timestamp, event.event_key));
        let more = is_full(&events);
        let next = if more { "reversing" } else { "reversed" };
        let now = self.backend.clock.now();
        sql::advanced(connection, self.scope, row.run_id, next, last, (sql::Sums::Reversal, &summary), now).await?;
        Ok(more)
    }
}

fn is_full(events: &[Recorded]) -> bool {
    i64::try_from(events.len()).is_ok_and(|events| events >= STEP)
}
