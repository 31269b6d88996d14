//! Comparing budgets with spend, and the work that makes it happen.

use super::{mail, recipients, sql, usage_of};
use crate::delivery::{self, NewMail};
use crate::locks::{self, Lock};
use crate::notify_listener::NotifyListener;
use crate::{Backend, Error, OrgScope, identity, spend};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::{Budget, BudgetUsage, SpendScope};
use domain::ids::{AlertId, BudgetId, OrgId, ProjectId};
use domain::period::Period;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// PostgreSQL's channel that says that ingestion left marks.
pub const CHANNEL: &str = "dirty_marks";

/// Seconds between two sweeps over all active budgets: the safety net under the marks.
const SWEEP_SECS: u64 = 600;

/// Seconds between two looks for marks where no notification came.
const LOOK_SECS: u64 = 30;

/// Under steady ingestion, marks of this long are evaluated together.
const GATHER: Duration = Duration::from_millis(200);

/// Marks taken in one transaction.
const MARKS_AT_ONCE: i64 = 10_000;

/// Organizations looked at in one round.
const ORGS_AT_ONCE: i64 = 500;

/// An evaluation holds one connection and reads spend over a second one.
/// More of them at once than half of a small pool could all wait for their second.
static PERMITS: Semaphore = Semaphore::const_new(4);

/// A permit for a transaction that evaluates; taken before it begins.
pub(super) async fn evaluation_permit() -> Result<SemaphorePermit<'static>, Error> {
    PERMITS.acquire().await.map_err(|error| Error::server("waiting to evaluate a budget", error))
}

/// What moved in a month.
enum ChangedSpend {
    /// These projects, each since its oldest mark.
    Projects(BTreeMap<ProjectId, DateTime<Utc>>),
    /// Possibly everything.
    Everything,
}

impl ChangedSpend {
    /// Whether spend of this part may have moved. Who owned a project on the day is left to the query: a team's spend is always looked at.
    fn touches(&self, part: SpendScope) -> bool {
        match (self, part) {
            (Self::Projects(projects), SpendScope::Project(project)) => projects.contains_key(&project),
            _ => true,
        }
    }

    /// Since when spend of this part may have moved, where a mark says it.
    fn since(&self, part: SpendScope) -> Option<DateTime<Utc>> {
        match (self, part) {
            (Self::Everything, _) => None,
            (Self::Projects(projects), SpendScope::Project(project)) => projects.get(&project).copied(),
            (Self::Projects(projects), _) => projects.values().min().copied(),
        }
    }
}

/// Evaluates what ingestion marked, and all budgets now and then, until `stop`. Any number of servers may run it.
///
/// # Errors
/// [`Error::Database`]: start it again after a while; nothing is lost.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn run_worker(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    let listener = NotifyListener::listen(&backend.pool, CHANNEL);
    let mut next_sweep = Instant::now();
    while !stop.is_cancelled() {
        while evaluate_marks(backend).await? > 0 && !stop.is_cancelled() {}
        if Instant::now() >= next_sweep {
            sweep(backend, stop).await?;
            next_sweep = Instant::now() + Duration::from_secs(SWEEP_SECS);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.next() => {}
            () = tokio::time::sleep(Duration::from_secs(LOOK_SECS)) => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(GATHER) => {}
        }
    }
    Ok(())
}

/// Takes the marks that are there and compares the budgets they touch with spend; how many marks were taken.
///
/// An organization whose evaluation fails keeps its marks and does not hold up the others.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn evaluate_marks(backend: &Backend) -> Result<usize, Error> {
    let mut taken = 0;
    for org_id in sql::marked(&backend.pool, ORGS_AT_ONCE).await? {
        match evaluate_organization(backend, org_id).await {
            Ok(marks) => taken += marks,
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => tracing::error!(%org_id, %error, "cannot evaluate budgets; trying again later"),
        }
    }
    Ok(taken)
}

async fn evaluate_organization(backend: &Backend, org_id: OrgId) -> Result<usize, Error> {
    let _permit = evaluation_permit().await?;
    let mut transaction = backend.pool.begin().await?;
    let marks = sql::take_marks(&mut transaction, org_id, MARKS_AT_ONCE).await?;
    // Where it was deleted meanwhile, its marks go too.
    if let Some(scope) = identity::system_scope_if_there(backend, org_id).await? {
        evaluate(backend, &scope, &mut transaction, None, &moved(&marks)).await?;
    }
    transaction.commit().await?;
    Ok(marks.len())
}

fn moved(marks: &[sql::Mark]) -> BTreeMap<NaiveDate, ChangedSpend> {
    let mut months: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for mark in marks {
        let projects = months.entry(Period::month_of(mark.day).from).or_default();
        let oldest = projects.entry(mark.project).or_insert(mark.at);
        *oldest = mark.at.min(*oldest);
    }
    months.into_iter().map(|(month, projects)| (month, ChangedSpend::Projects(projects))).collect()
}

/// Compares every active budget with the spend of this month and the last, unless another server is at it; stops early at `stop`.
///
/// # Errors
/// [`Error::Database`] when PostgreSQL is away.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn sweep(backend: &Backend, stop: &CancellationToken) -> Result<(), Error> {
    let mut lock = backend.pool.begin().await?;
    if !locks::try_hold(&mut lock, Lock::BudgetSweep.of_all()).await? {
        return Ok(());
    }
    let mut after = None;
    while !stop.is_cancelled() {
        let organizations = sql::with_budgets(&backend.pool, after, ORGS_AT_ONCE).await?;
        let Some(last) = organizations.last().copied() else { break };
        for org_id in organizations {
            match sweep_organization(backend, org_id).await {
                Ok(()) => {}
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => tracing::error!(%org_id, %error, "cannot sweep budgets; trying again later"),
            }
        }
        after = Some(last);
    }
    lock.rollback().await?;
    Ok(())
}

async fn sweep_organization(backend: &Backend, org_id: OrgId) -> Result<(), Error> {
    let Some(scope) = identity::system_scope_if_there(backend, org_id).await? else { return Ok(()) };
    let month = Period::month_of(scope.zone().day_of(backend.clock.now()));
    let months = [month.previous().from, month.from].map(|month| (month, ChangedSpend::Everything));
    let _permit = evaluation_permit().await?;
    let mut transaction = backend.pool.begin().await?;
    evaluate(backend, &scope, &mut transaction, None, &BTreeMap::from(months)).await?;
    transaction.commit().await?;
    Ok(())
}

/// Compares one budget with this month's spend in the caller's transaction, for which they took an [`evaluation_permit`].
/// With the server's own view: what a budget counts does not depend on who asks.
pub(super) async fn evaluate_now(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget_id: BudgetId,
) -> Result<(), Error> {
    let month = Period::month_of(scope.zone().day_of(backend.clock.now())).from;
    let months = BTreeMap::from([(month, ChangedSpend::Everything)]);
    let scope = identity::system_scope(backend, scope.org_id()).await?;
    evaluate(backend, &scope, connection, Some(budget_id), &months).await
}

/// Compares active budgets (or one of them) with the spend of the months that moved; new crossings are written with their mails.
///
/// Locks are taken by budget, then by month, each in order, then for mails, so that two servers wait for each other and never in a circle.
async fn evaluate(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    only: Option<BudgetId>,
    months: &BTreeMap<NaiveDate, ChangedSpend>,
) -> Result<(), Error> {
    let mut mails = Vec::new();
    for budget in sql::active_for_evaluation(connection, scope, only).await? {
        let first = first_month(scope, &budget);
        for (month, moved) in months {
            if *month >= first && moved.touches(budget.scope) {
                let since = moved.since(budget.scope);
                mails.extend(evaluate_month(backend, scope, connection, &budget, *month, since).await?);
            }
        }
    }
    for mail in mails {
        delivery::enqueue(backend, connection, mail).await?;
    }
    Ok(())
}

/// The month in which the budget was made; it says nothing about earlier ones.
fn first_month(scope: &OrgScope, budget: &Budget) -> NaiveDate {
    Period::month_of(scope.zone().day_of(budget.created_at)).from
}

async fn evaluate_month(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
    month: NaiveDate,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<NewMail>, Error> {
    let period = Period::month_of(month);
    let (sql::InForce { amount, revision }, ends_at) = lock_month(scope, connection, budget, month).await?;
    // After the lock: whoever evaluates last has read the newest spend. Over another connection, which sees all that is committed.
    let days = spend::project_days(backend, scope, period).await?;
    let usage = usage_of(&days, budget.scope, amount);
    let now = backend.clock.now();
    sql::evaluated(connection, scope, budget.budget_id, month, &usage, now).await?;
    let late = now >= ends_at && !is_from_before(scope, connection, budget, period, since, ends_at).await?;
    let (mut thresholds, mut ids) = (Vec::new(), Vec::new());
    for threshold in budget.thresholds.iter().copied().filter(|threshold| usage.crosses(*threshold)) {
        let alert_id = AlertId(backend.clock.new_id());
        let crossing = sql::Crossing { alert_id, budget, month, threshold, usage, revision, late };
        if sql::record(connection, scope, &crossing, now).await? {
            tracing::info!(org_id = %scope.org_id(), budget_id = %budget.budget_id, threshold, late, "budget crossed");
            thresholds.push(threshold);
            ids.push(alert_id);
        }
    }
    let Some((entry, lower)) = ids.split_last() else { return Ok(Vec::new()) };
    sql::join_entry(connection, scope, lower, *entry).await?;
    if late {
        Ok(Vec::new())
    } else {
        tell(backend, scope, connection, budget, month, &usage, (&thresholds, *entry)).await
    }
}

/// Whether spend of the month may have been acknowledged before `ends_at`: by the marks that were taken, or by one that still waits.
/// Asked under the month's lock: whoever took such a mark has either recorded what it crossed, or waits for the lock and its mark still shows.
async fn is_from_before(
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
    month: Period,
    since: Option<DateTime<Utc>>,
    ends_at: DateTime<Utc>,
) -> Result<bool, Error> {
    if since.is_some_and(|since| since < ends_at) {
        return Ok(true);
    }
    let project = match budget.scope {
        SpendScope::Project(project) => Some(project),
        SpendScope::Organization | SpendScope::Team(_) => None,
    };
    sql::is_marked_before(connection, scope, month, project, ends_at).await
}

pub(super) async fn lock_month(
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
    month: NaiveDate,
) -> Result<(sql::InForce, DateTime<Utc>), Error> {
    let instants = scope.zone().instants(Period::month_of(month));
    let row = sql::Month { month, instants };
    let usual = sql::InForce { amount: budget.amount, revision: budget.revision };
    Ok((sql::lock_month(connection, scope, budget.budget_id, &row, usual).await?, instants.1))
}

/// One mail per recipient who wants it for what was found at one moment: about the highest threshold, naming the others.
async fn tell(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
    month: NaiveDate,
    usage: &BudgetUsage,
    (thresholds, entry): (&[u16], AlertId),
) -> Result<Vec<NewMail>, Error> {
    let mailed = recipients::mailed(scope, connection, budget, month).await?;
    if mailed.is_empty() {
        return Ok(Vec::new());
    }
    let letter = mail::crossing(backend, scope, budget, month, usage, thresholds).await?;
    let mails: Vec<_> = mailed.iter().map(|to| letter.to(to, Some(entry))).collect::<Result<_, _>>()?;
    sql::mailed(connection, scope, entry, mails.len()).await?;
    Ok(mails)
}

/// Makes the rows of all months since the budget was made, so that a new amount does not reach back.
pub(super) async fn materialise(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget: &Budget,
) -> Result<(), Error> {
    let this = Period::month_of(scope.zone().day_of(backend.clock.now()));
    let mut month = Period::month_of(first_month(scope, budget));
    while month.from <= this.from {
        lock_month(scope, connection, budget, month.from).await?;
        month = Period::month_of(month.to);
    }
    Ok(())
}
