//! The steps of a run: one transaction each.

use super::sql::{self, RunRow};
use super::{STEP, sums};
use crate::ledger::adjust::{self, Adjustment, AdjustmentSource, CostState, Selection};
use crate::prices::contract;
use crate::prices::own::books_known_at;
use crate::{Backend, Error, OrgScope, identity, steps};
use domain::ids::{EventKey, RunId};
use domain::period::{Period, Zone};
use domain::price::contract::{ContractMonth, ContractTerm};
use domain::problem::Problem;
use domain::repricing::{RunKind, RunPhase};
use domain::spend::{Dimension, Filter};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

/// Advances runs until `stop`. Any number of servers may do it: a step claims its run.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: start it again after a while; nothing is lost.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_worker(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    steps::run(&backend.pool, sql::CHANNEL, stop, || step_of_any(backend)).await
}

async fn step_of_any(backend: &Backend) -> Result<bool, Error> {
    let Some((org_id, run_id)) = sql::waiting(&backend.pool).await? else { return Ok(false) };
    // Where it was deleted meanwhile, its runs went with it.
    if let Some(scope) = identity::system_scope_if_there(backend, org_id).await? {
        advance(backend, &scope, run_id).await?;
    }
    Ok(true)
}

/// Takes the next step of a run, unless another server is at it; whether there may be more to do.
///
/// A step that cannot be taken ends the run as failed: what it repriced so far can be reversed.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away: the step is as if it had never been.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn advance(backend: &Backend, scope: &OrgScope, run_id: RunId) -> Result<bool, Error> {
    // What a budget counts, and so what a run moves, does not depend on who asks.
    let scope = identity::system_scope(backend, scope.org_id()).await?;
    match step(backend, &scope, run_id).await {
        Ok(more) => Ok(more),
        Err(error) if error.is_retryable() => Err(error),
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
    let more = match row.phase {
        RunPhase::Draft => step.forward(&mut transaction, false).await?,
        RunPhase::Running => step.forward(&mut transaction, true).await?,
        RunPhase::Reversing => step.restore(&mut transaction).await?,
        // None of these is claimed.
        RunPhase::Previewed | RunPhase::Done | RunPhase::Reversed | RunPhase::Discarded | RunPhase::Failed => false,
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
    /// Looks at the next events; moves what differs where that is `confirmed`, else only sums it.
    async fn forward(&self, connection: &mut PgConnection, confirmed: bool) -> Result<bool, Error> {
        match &self.row.contract {
            None => self.rate(connection, confirmed).await,
            Some(month) if month.counted => self.charge(connection, month.clone(), confirmed).await,
            Some(month) => self.count(connection, month.clone()).await,
        }
    }

    /// Rates the next events again.
    async fn rate(&self, connection: &mut PgConnection, confirmed: bool) -> Result<bool, Error> {
        let row = self.row;
        let books = books_known_at(self.backend, self.scope, row.known_at).await?;
        let prices_what_waits = row.kind == RunKind::Pricing;
        let selection = Selection {
            from: row.from,
            to: row.to,
            filters: row.filters.clone(),
            // What came since was priced with the prices that came since; what waits has none, however late it came.
            received_until: (!prices_what_waits).then_some(row.known_at),
            unpriced: prices_what_waits,
        };
        let events = adjust::read(connection, self.scope, &selection, row.cursor_key, STEP).await?;
        let adjustments: Vec<Adjustment<'_>> = events
            .iter()
            .filter_map(|event| Some(Adjustment { state: event, to: event.rated_again(books.books())? }))
            .collect();
        self.moved(connection, confirmed, &events, &adjustments).await
    }

    /// Counts what the contract's terms have of the next events; after the last, the first is charged next.
    async fn count(&self, connection: &mut PgConnection, mut month: ContractMonth) -> Result<bool, Error> {
        let terms = self.terms(connection, &month).await?;
        let events = self.under_contract(connection, &month, &terms).await?;
        for counted in events.iter().flat_map(|event| event.under(&terms)) {
            month.count(counted.term, counted.volume);
        }
        let (run_id, scope) = (self.row.run_id, self.scope);
        let is_last = !is_full(&events);
        if is_last {
            month = month.close(&terms).ok_or_else(unsettled)?;
        }
        sql::looked_at(connection, scope, run_id, last_of(&events)).await?;
        sql::counted(connection, scope, run_id, &month, is_last).await?;
        Ok(true)
    }

    /// Charges the next events the month's rates.
    async fn charge(
        &self,
        connection: &mut PgConnection,
        mut month: ContractMonth,
        confirmed: bool,
    ) -> Result<bool, Error> {
        let terms = self.terms(connection, &month).await?;
        let events = self.under_contract(connection, &month, &terms).await?;
        let mut adjustments = Vec::new();
        for event in &events {
            let mut added = Vec::new();
            for counted in event.under(&terms) {
                let amount = month.charge(counted.term, counted.volume).ok_or_else(unsettled)?;
                added.push((counted, amount));
            }
            adjustments.extend(event.charged(added).map(|to| Adjustment { state: event, to }));
        }
        let more = self.moved(connection, confirmed, &events, &adjustments).await?;
        if !more && !month.adds_up() {
            return Err(unsettled());
        }
        sql::counted(connection, self.scope, self.row.run_id, &month, false).await?;
        Ok(more)
    }

    /// The terms that hold in the month, as they were known when the run began.
    async fn terms(&self, connection: &mut PgConnection, month: &ContractMonth) -> Result<Vec<ContractTerm>, Error> {
        contract::known_at(connection, self.scope, self.row.known_at, Period::month_of(month.month)).await
    }

    /// The next events of the month that the terms may concern, as far as they were received when the run began: so counting and charging see the same.
    async fn under_contract(
        &self,
        connection: &mut PgConnection,
        month: &ContractMonth,
        terms: &[ContractTerm],
    ) -> Result<Vec<CostState>, Error> {
        let row = self.row;
        let values = contract::providers(connection, self.scope, Period::month_of(month.month), terms).await?;
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let selection = Selection {
            from: row.from,
            to: row.to,
            filters: vec![Filter::only(Dimension::Provider, values)],
            received_until: Some(row.known_at),
            unpriced: false,
        };
        adjust::read(connection, self.scope, &selection, row.cursor_key, STEP).await
    }

    /// Sums what the step found, moves it where that is `confirmed`, and notes how far the run is.
    async fn moved(
        &self,
        connection: &mut PgConnection,
        confirmed: bool,
        events: &[CostState],
        adjustments: &[Adjustment<'_>],
    ) -> Result<bool, Error> {
        let row = self.row;
        let so_far = if confirmed { &row.outcome } else { &row.preview };
        let mut summary = so_far.clone().unwrap_or_default();
        sums::add(connection, self.scope, self.zone, &mut summary, events, adjustments).await?;
        summary.still_unpriced += sums::still_unpriced(events, adjustments);
        if confirmed {
            let source = AdjustmentSource { run_id: row.run_id, is_reversal: false };
            adjust::apply(self.backend, connection, self.scope, self.zone, source, adjustments).await?;
        }
        let more = is_full(events);
        let next = match (more, confirmed) {
            (true, _) => row.phase,
            (false, false) => RunPhase::Previewed,
            (false, true) => RunPhase::Done,
        };
        let column = if confirmed { sql::Sums::Outcome } else { sql::Sums::Preview };
        let now = self.backend.clock.now();
        sql::advanced(connection, self.scope, row.run_id, next, last_of(events), (column, &summary), now).await?;
        Ok(more)
    }

    /// Gives the next events of the run back what they cost before.
    async fn restore(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let row = self.row;
        let after = row.cursor_key;
        let events = adjust::read_adjusted(connection, self.scope, row.run_id, after, STEP).await?;
        let adjustments: Vec<Adjustment<'_>> =
            events.iter().filter_map(|event| Some(Adjustment { state: event, to: event.restored()? })).collect();
        let mut summary = row.reversal.clone().unwrap_or_default();
        sums::add(connection, self.scope, self.zone, &mut summary, &events, &adjustments).await?;
        let source = AdjustmentSource { run_id: row.run_id, is_reversal: true };
        adjust::apply(self.backend, connection, self.scope, self.zone, source, &adjustments).await?;
        let more = is_full(&events);
        let next = if more { RunPhase::Reversing } else { RunPhase::Reversed };
        let now = self.backend.clock.now();
        let last = last_of(&events);
        sql::advanced(connection, self.scope, row.run_id, next, last, (sql::Sums::Reversal, &summary), now).await?;
        Ok(more)
    }
}

fn last_of(events: &[CostState]) -> Option<EventKey> {
    events.last().map(|state| state.event.event_key)
}

fn unsettled() -> Error {
    Problem::conflict("The month cannot be settled: its sums are too large, or events came in meanwhile.").into()
}

fn is_full(events: &[CostState]) -> bool {
    i64::try_from(events.len()).is_ok_and(|events| events >= STEP)
}
