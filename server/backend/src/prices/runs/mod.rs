//! Runs that price or reprice recorded events, or apply the contract to a month of them: previewed, confirmed with a reason, executed in bounded steps, reversible.
//!
//! Each step ([`crate::steps`]) claims the run's row, adjusts at most [`STEP`] events and writes how far it is.

mod effect;
mod sql;
mod step;
mod sums;

pub use effect::{effect_of_alias, effect_of_prices, effects_of_guesses};
pub use step::{advance, run_worker};

use crate::error::OnConstraint;
use crate::{Backend, Error, OrgScope, audit, paging, rules, steps};
use chrono::{DateTime, NaiveDate, Utc};
use domain::format;
use domain::identity::Permission;
use domain::ids::RunId;
use domain::period::Period;
use domain::price::contract::ContractMonth;
use domain::price::page::RunsPage;
use domain::problem::Problem;
use domain::repricing::{RepricingRun, RunInput, RunKind, RunPhase};
use domain::span::Edge;
use domain::spend::Filter;
use sqlx::PgConnection;

/// Most events of one step: its transaction holds the locks of their rollups.
pub const STEP: i64 = 2_000;
/// Runs of a page of [`list`].
pub const RUNS_PER_PAGE: i64 = 50;

/// Begins a run and makes its preview, as far as that goes quickly; the background work does the rest.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins, or for a month of the contract that has not begun or whose events are not all kept; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn draft(backend: &Backend, scope: &OrgScope, input: &RunInput) -> Result<RepricingRun, Error> {
    scope.require(Permission::ManagePrices)?;
    if let Some(month) = input.month() {
        whole_month(backend, scope, month).await?;
    }
    let mut transaction = backend.pool.begin().await?;
    let new = NewRun::of(backend, scope, &mut transaction, input).await?;
    sql::insert(&mut transaction, scope, &new, None).await?;
    sql::notify(&mut transaction).await?;
    transaction.commit().await?;
    hurry(backend, scope, new.run_id).await?;
    written(backend, scope, new.run_id).await
}

/// Prices what waits for a price as of each event's own time, at once: what a person wants after mapping a name or entering a price.
///
/// With a provider and a model (both as sent) only their events are looked at.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Conflict`] while another run moves money; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn price_unpriced(
    backend: &Backend,
    scope: &OrgScope,
    only: Option<(&str, &str)>,
    reason: &str,
) -> Result<RepricingRun, Error> {
    scope.require(Permission::ManagePrices)?;
    let input = match only {
        Some((provider, model)) => RunInput::pricing(provider, model),
        None => RunInput { kind: RunKind::Pricing, from: None, to: None, filters: Vec::new() },
    };
    let mut transaction = backend.pool.begin().await?;
    let new = NewRun::of(backend, scope, &mut transaction, &input).await?;
    sql::insert(&mut transaction, scope, &new, Some(reason)).await.on_constraint(ACTIVE, busy)?;
    let of = only.map_or_else(|| "all models".to_owned(), |(provider, model)| format!("{provider}/{model}"));
    let detail = format!("Began to price the waiting events of {of}: {reason}");
    audit::record(backend, scope, &mut transaction, "pricing.started", &detail).await?;
    sql::notify(&mut transaction).await?;
    transaction.commit().await?;
    hurry(backend, scope, new.run_id).await?;
    written(backend, scope, new.run_id).await
}

/// The unique index that lets one run of an organization move money at a time.
const ACTIVE: &str = "repricing_runs_active_idx";

fn confirmed_already() -> Problem {
    Problem::conflict("This run was confirmed or discarded already.")
}

fn busy() -> Problem {
    Problem::conflict("Another run is moving money. Wait until it is done.")
}

/// Lets a previewed run move what its preview shows.
///
/// It uses the prices and names that its preview used, whatever was entered or imported since.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] for the reason, [`Problem::Conflict`] where it is not previewed, another run moves money, or the common book came in a new edition since; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn confirm(backend: &Backend, scope: &OrgScope, run_id: RunId, reason: &str) -> Result<RepricingRun, Error> {
    scope.require(Permission::ManagePrices)?;
    let reason = domain::repricing::parse_reason(reason).map_err(|problem| Problem::invalid(vec![problem]))?;
    let mut transaction = backend.pool.begin().await?;
    let row = lock(&mut transaction, scope, run_id).await?;
    match row.phase {
        RunPhase::Previewed => {}
        RunPhase::Draft => return Err(Problem::conflict("The preview is not finished yet.").into()),
        RunPhase::Running
        | RunPhase::Done
        | RunPhase::Reversing
        | RunPhase::Reversed
        | RunPhase::Discarded
        | RunPhase::Failed => return Err(confirmed_already().into()),
    }
    // A new edition is refused here rather than halfway.
    super::book_known_at(backend, row.known_at).await?;
    let now = backend.clock.now();
    sql::confirm(&mut transaction, scope, run_id, &reason, now).await.on_constraint(ACTIVE, busy)?;
    if let Some(contract) = &row.contract {
        // Counted again: other runs may have moved prices since the preview.
        sql::counted(&mut transaction, scope, run_id, &ContractMonth::new(contract.month), true).await?;
    }
    let preview = row.preview.unwrap_or_default();
    let detail = format!(
        "Confirmed the {} of {} ({}): {reason}",
        row.kind.as_str(),
        format::counted(preview.moved, "event"),
        format::money_signed(preview.delta())
    );
    audit::record(backend, scope, &mut transaction, "repricing.confirmed", &detail).await?;
    sql::notify(&mut transaction).await?;
    transaction.commit().await?;
    hurry(backend, scope, run_id).await?;
    written(backend, scope, run_id).await
}

/// Takes back what a run moved, by opposite adjustments.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] for the reason, [`Problem::Conflict`] where nothing was moved, later runs moved the same events, or another run moves money; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn reverse(backend: &Backend, scope: &OrgScope, run_id: RunId, reason: &str) -> Result<RepricingRun, Error> {
    scope.require(Permission::ManagePrices)?;
    let reason = domain::repricing::parse_reason(reason).map_err(|problem| Problem::invalid(vec![problem]))?;
    let mut transaction = backend.pool.begin().await?;
    let row = lock(&mut transaction, scope, run_id).await?;
    let moved = row.outcome.as_ref().is_some_and(|outcome| outcome.moved > 0);
    if !matches!(row.phase, RunPhase::Done | RunPhase::Failed) || !moved {
        return Err(Problem::conflict("Only a run that has moved money and has ended can be reversed.").into());
    }
    // From here on no other run can move money, so the answer stays true.
    sql::reverse(&mut transaction, scope, run_id, &reason, backend.clock.now()).await.on_constraint(ACTIVE, busy)?;
    let again = crate::ledger::adjust::adjusted_again(&mut transaction, scope, run_id).await?;
    if again > 0 {
        let events = format::counted(again, "event");
        let detail = format!("Later runs moved {events} of this one again. Reverse those first.");
        return Err(Problem::conflict(detail).into());
    }
    let outcome = row.outcome.unwrap_or_default();
    let detail = format!(
        "Reversed the {} of {} ({}): {reason}",
        row.kind.as_str(),
        format::counted(outcome.moved, "event"),
        format::money_signed(outcome.delta())
    );
    audit::record(backend, scope, &mut transaction, "repricing.reversed", &detail).await?;
    sql::notify(&mut transaction).await?;
    transaction.commit().await?;
    hurry(backend, scope, run_id).await?;
    written(backend, scope, run_id).await
}

/// Throws a run away that has moved nothing.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] where it was confirmed; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn discard(backend: &Backend, scope: &OrgScope, run_id: RunId) -> Result<(), Error> {
    scope.require(Permission::ManagePrices)?;
    let mut transaction = backend.pool.begin().await?;
    let row = lock(&mut transaction, scope, run_id).await?;
    if !matches!(row.phase, RunPhase::Draft | RunPhase::Previewed) {
        return Err(confirmed_already().into());
    }
    sql::end(&mut transaction, scope, run_id, RunPhase::Discarded, backend.clock.now()).await?;
    transaction.commit().await?;
    Ok(())
}

/// One run.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who do not see the whole organization, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn run(backend: &Backend, scope: &OrgScope, run_id: RunId) -> Result<RepricingRun, Error> {
    sees_all(scope)?;
    written(backend, scope, run_id).await
}

/// A run for its writer, who may have no permission to read spend: what was done is not answered with a refusal.
async fn written(backend: &Backend, scope: &OrgScope, run_id: RunId) -> Result<RepricingRun, Error> {
    sql::run(&backend.pool, scope, run_id).await?.ok_or(Problem::NotFound)?.view(scope)
}

/// A page of the runs, newest first, after the run `before`.
///
/// # Errors
/// As [`run`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope, before: Option<RunId>) -> Result<RunsPage, Error> {
    sees_all(scope)?;
    let mut rows = sql::runs(&backend.pool, scope, before, RUNS_PER_PAGE + 1).await?;
    let per_page = usize::try_from(RUNS_PER_PAGE).unwrap_or(usize::MAX);
    let next = paging::cut(&mut rows, per_page, |row| row.run_id);
    let runs = rows.into_iter().map(|row| row.view(scope)).collect::<Result<_, Error>>()?;
    Ok(RunsPage { runs, next })
}

/// The runs that tell how far months of the contract that begin on `since` or later are settled, newest first: the contract's own, and whatever moved money since.
///
/// # Errors
/// As [`run`].
pub(super) async fn of_contract(
    backend: &Backend,
    scope: &OrgScope,
    since: NaiveDate,
) -> Result<Vec<RepricingRun>, Error> {
    sees_all(scope)?;
    let rows = sql::of_contract(&backend.pool, scope, scope.zone().start_of(since)).await?;
    rows.into_iter().map(|row| row.view(scope)).collect()
}

fn sees_all(scope: &OrgScope) -> Result<(), Problem> {
    scope.require(Permission::Read)?;
    if !scope.sees_all() {
        return Err(Problem::Forbidden { detail: "Runs concern the whole organization.".to_owned() });
    }
    Ok(())
}

async fn lock(connection: &mut PgConnection, scope: &OrgScope, run_id: RunId) -> Result<sql::RunRow, Error> {
    Ok(sql::lock(connection, scope, run_id).await?.ok_or(Problem::NotFound)?)
}

/// A contract counts the whole month, so all of its events have to be there.
async fn whole_month(backend: &Backend, scope: &OrgScope, month: Period) -> Result<(), Error> {
    if month.from > scope.zone().day_of(backend.clock.now()) {
        return Err(Problem::field("month", "not_begun", "This month has not begun yet.").into());
    }
    if crate::ledger::kept_from(backend, scope).await?.is_some_and(|kept| scope.zone().start_of(month.from) < kept) {
        let detail = "The events of this month are no longer all kept, so its units cannot be counted.";
        return Err(Problem::field("month", "not_kept", detail).into());
    }
    Ok(())
}

/// The first steps of a run, so that small ones are done when the verb answers.
async fn hurry(backend: &Backend, scope: &OrgScope, run_id: RunId) -> Result<(), Error> {
    steps::hurry(|| advance(backend, scope, run_id)).await
}

/// A run as it is begun.
struct NewRun {
    run_id: RunId,
    kind: RunKind,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    filters: Vec<Filter>,
    now: DateTime<Utc>,
    contract: Option<ContractMonth>,
}

impl NewRun {
    /// Knows the book of this instant: nobody changes it until the transaction ends, so that a change is either known to the run or sees it.
    async fn of(
        backend: &Backend,
        scope: &OrgScope,
        connection: &mut PgConnection,
        input: &RunInput,
    ) -> Result<Self, Error> {
        let instant = |edge: Edge| edge.instant(scope.zone());
        let (from, to) = (input.from.map(instant), input.to.map(instant));
        if input.kind == RunKind::Contract && input.month().is_none() {
            return Err(Problem::field("month", "required", "Say which month, such as 2026-11.").into());
        }
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(Problem::field("to", "before_begin", "The end lies before the begin.").into());
        }
        // Knows every change that was made before it.
        let last = rules::lock(connection, scope).await?;
        let now = last.map_or(backend.clock.now(), |last| last.max(backend.clock.now()));
        Ok(Self {
            run_id: RunId(backend.clock.new_id()),
            kind: input.kind,
            from,
            to,
            filters: input.filters.clone(),
            now,
            contract: input.month().map(|month| ContractMonth::new(month.from)),
        })
    }
}

/// Whether a run that knows what was recorded at an instant may still move money by it.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn may_use(
    connection: &mut PgConnection,
    scope: &OrgScope,
    recorded_at: DateTime<Utc>,
) -> Result<bool, Error> {
    sql::knows(connection, scope, recorded_at).await
}
