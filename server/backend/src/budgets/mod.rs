//! Budgets and the alert history.
//!
//! A budget is an amount per calendar month of the organization's zone. Spend is always derived from the rollups, never counted beside them.
//! [`evaluate`] compares the two: on marks that ingestion leaves ([`run_worker`]), when a budget is made or changed, and on a slow sweep.
//! Mail goes to members and to addresses that confirmed it ([`recipients`]), and is written last in a transaction.
//! A crossing is one row of `alerts` per budget, month, threshold and amount, written with its mails in one transaction.

mod evaluate;
mod mail;
mod past;
mod recipients;
mod send_test;
mod sql;
#[cfg(test)]
mod tests;

pub use evaluate::{CHANNEL, evaluate_marks, run_worker, sweep};
pub(crate) use past::create_in_the_past;
pub(crate) use recipients::forget as forget_recipient;
pub use recipients::{confirm_recipient, recipient_offer};
pub use send_test::{TestTo, send_test};

use crate::error::OnConstraint;
use crate::forecast::ForecastInputs;
use crate::{Backend, Error, OrgScope, audit, delivery, forecast, identity, paging, projects, spend};
use chrono::NaiveDate;
use domain::budget::{
    Alert, AlertFilter, AlertPage, Budget, BudgetChange, BudgetDetail, BudgetForm, BudgetFormOptions, BudgetInput,
    BudgetState, BudgetUsage, Crossing, Expected, ScopeChoice, ScopeRef, SpendScope, TestMail, ThresholdState,
    percents,
};
use domain::forecast::Forecast;
use domain::format;
use domain::identity::{Email, Permission};
use domain::ids::{AlertId, BudgetId};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Estimate, ProjectDay};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Most active budgets of an organization.
const MAX_BUDGETS: i64 = 1_000;

/// Rows of the ledger per page.
pub const ALERTS_PER_PAGE: i64 = 50;

/// Makes a budget and compares it with this month's spend at once. Recipients who are neither members nor confirmed are asked by mail.
///
/// # Errors
/// `Forbidden` without the permission; `Invalid` where the scope names nothing; `Conflict` at the limit of budgets; `RateLimited` when too many recipients were asked; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn create(backend: &Backend, scope: &OrgScope, input: BudgetInput) -> Result<Budget, Error> {
    scope.require(Permission::ManageBudgets)?;
    let budget_id = BudgetId(backend.clock.new_id());
    let now = backend.clock.now();
    let _permit = evaluate::evaluation_permit().await?;
    let mut transaction = backend.pool.begin().await?;
    if sql::count(&mut transaction, scope).await? >= MAX_BUDGETS {
        return Err(Problem::conflict(format!("An organization has at most {MAX_BUDGETS} budgets.")).into());
    }
    let part = sql::resolve(&mut transaction, scope, &input.scope).await?.filter(|part| sees(scope, *part));
    let part = part.ok_or_else(|| no_such_scope(&input))?;
    sql::insert(&mut transaction, scope, budget_id, part, &input, now)
        .await
        .on_constraint("budgets_project_fkey", || no_such_scope(&input))
        .on_constraint("budgets_team_fkey", || no_such_scope(&input))?;
    sql::insert_amount(&mut transaction, scope, budget_id, 1, input.amount, now).await?;
    let detail =
        format!("Created the budget {}: {} a month for {}.", input.name, format::money_full(input.amount), input.scope);
    audit::record(backend, scope, &mut transaction, "budget.created", &detail).await?;
    let month = this_month(backend, scope).from;
    let made = sql::lock(&mut transaction, scope, budget_id, month).await?.ok_or_else(|| not_seen(&input))?;
    evaluate::evaluate_now(backend, scope, &mut transaction, budget_id).await?;
    recipients::ask(backend, scope, &mut transaction, &made).await?;
    transaction.commit().await?;
    Ok(made)
}

fn sees(scope: &OrgScope, part: SpendScope) -> bool {
    match part {
        SpendScope::Organization => scope.sees_all(),
        SpendScope::Team(team) => scope.sees_team(team),
        SpendScope::Project(project) => scope.sees(project),
    }
}

fn no_such_scope(input: &BudgetInput) -> Problem {
    Problem::field("scope", "unknown", format!("There is no {}.", input.scope))
}

/// Of a project that another team had in this month.
fn not_seen(input: &BudgetInput) -> Problem {
    let detail = format!("Another team had {} on some days of this month. Make its budget next month.", input.scope);
    Problem::field("scope", "not_seen", detail)
}

/// Changes a budget and compares it with this month's spend at once. Months that are over keep their amount.
/// Recipients who are neither members nor confirmed are asked by mail.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound`; `Conflict` when it is archived; `RateLimited` when too many recipients were asked; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn change(
    backend: &Backend,
    scope: &OrgScope,
    budget_id: BudgetId,
    change: BudgetChange,
) -> Result<Budget, Error> {
    scope.require(Permission::ManageBudgets)?;
    let _permit = evaluate::evaluation_permit().await?;
    let mut transaction = backend.pool.begin().await?;
    let before = lock_active(backend, scope, &mut transaction, budget_id).await?;
    let amount = change.amount.unwrap_or(before.amount);
    let after = Budget {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        amount,
        revision: before.revision + u32::from(amount != before.amount),
        thresholds: change.thresholds.unwrap_or_else(|| before.thresholds.clone()),
        recipients: change.recipients.unwrap_or_else(|| before.recipients.clone()),
        ..before.clone()
    };
    if after == before {
        // Saving again is how a link is asked for that was lost.
        recipients::ask(backend, scope, &mut transaction, &before).await?;
        transaction.commit().await?;
        return Ok(before);
    }
    // Months without a row yet get the amount that was in force in them.
    evaluate::materialise(backend, scope, &mut transaction, &before).await?;
    sql::update(&mut transaction, scope, &after).await?;
    let month = this_month(backend, scope);
    if after.revision != before.revision {
        let new = sql::InForce { amount: after.amount, revision: after.revision };
        sql::insert_amount(&mut transaction, scope, budget_id, new.revision, new.amount, backend.clock.now()).await?;
        sql::set_month_amount(&mut transaction, scope, budget_id, month.from, new).await?;
    }
    audit::record(backend, scope, &mut transaction, "budget.changed", &what_changed(&before, &after)).await?;
    let after = sql::lock(&mut transaction, scope, budget_id, month.from).await?.ok_or(Problem::NotFound)?;
    evaluate::evaluate_now(backend, scope, &mut transaction, budget_id).await?;
    recipients::ask(backend, scope, &mut transaction, &after).await?;
    transaction.commit().await?;
    Ok(after)
}

async fn lock_active(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    budget_id: BudgetId,
) -> Result<Budget, Error> {
    let month = this_month(backend, scope).from;
    let budget = sql::lock(connection, scope, budget_id, month).await?.ok_or(Problem::NotFound)?;
    if budget.archived_at.is_some() {
        return Err(Problem::conflict("This budget is archived.").into());
    }
    Ok(budget)
}

fn what_changed(before: &Budget, after: &Budget) -> String {
    let mut changes = Vec::new();
    if before.name != after.name {
        changes.push(format!("name {}", after.name));
    }
    if before.amount != after.amount {
        changes.push(format!(
            "amount {} instead of {}",
            format::money_full(after.amount),
            format::money_full(before.amount)
        ));
    }
    if before.thresholds != after.thresholds {
        let list: Vec<_> = after.thresholds.iter().map(|threshold| format!("{threshold} %")).collect();
        changes.push(format!("thresholds {}", list.join(", ")));
    }
    if before.recipients != after.recipients {
        let list: Vec<_> = after.recipients.iter().map(Email::as_str).collect();
        changes.push(if list.is_empty() {
            "no recipients".to_owned()
        } else {
            format!("recipients {}", list.join(", "))
        });
    }
    format!("Changed the budget {}: {}.", before.name, changes.join("; "))
}

/// Puts a budget away: it is no longer compared with spend, its rows in the ledger stay.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound`; `Conflict` when it is archived already; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn archive(backend: &Backend, scope: &OrgScope, budget_id: BudgetId) -> Result<(), Error> {
    scope.require(Permission::ManageBudgets)?;
    let mut transaction = backend.pool.begin().await?;
    let budget = lock_active(backend, scope, &mut transaction, budget_id).await?;
    let archived = Budget { archived_at: Some(backend.clock.now()), ..budget };
    sql::update(&mut transaction, scope, &archived).await?;
    let detail = format!("Archived the budget {}.", archived.name);
    audit::record(backend, scope, &mut transaction, "budget.archived", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// A budget as it is, archived ones included.
///
/// # Errors
/// `Forbidden` without the right to read; `NotFound`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn get(backend: &Backend, scope: &OrgScope, budget_id: BudgetId) -> Result<Budget, Error> {
    scope.require(Permission::Read)?;
    Ok(sql::get(&backend.pool, scope, budget_id, this_month(backend, scope).from).await?.ok_or(Problem::NotFound)?)
}

/// The active budgets with how they stand this month: the organization's, then teams', then projects', by name.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<Vec<BudgetState>, Error> {
    scope.require(Permission::Read)?;
    let budgets = sql::list(&backend.pool, scope, this_month(backend, scope).from).await?;
    if budgets.is_empty() {
        return Ok(Vec::new());
    }
    let ahead = forecast::forecast_inputs(backend, scope).await?;
    states(backend, scope, budgets, &ahead).await
}

/// [`list`] for who has looked ahead already.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
pub(crate) async fn list_ahead(
    backend: &Backend,
    scope: &OrgScope,
    ahead: &ForecastInputs,
) -> Result<Vec<BudgetState>, Error> {
    scope.require(Permission::Read)?;
    let budgets = sql::list(&backend.pool, scope, this_month(backend, scope).from).await?;
    states(backend, scope, budgets, ahead).await
}

/// How each stands this month: from what was read to look ahead, rather than by a query each.
async fn states(
    backend: &Backend,
    scope: &OrgScope,
    budgets: Vec<Budget>,
    ahead: &ForecastInputs,
) -> Result<Vec<BudgetState>, Error> {
    if budgets.is_empty() {
        return Ok(Vec::new());
    }
    let month = this_month(backend, scope);
    let months = sql::months(&backend.pool, scope, month.from).await?;
    Ok(budgets
        .into_iter()
        .map(|budget| {
            let amount = months.get(&budget.budget_id).map_or(budget.amount, |(in_force, _)| in_force.amount);
            let usage = usage_of(ahead.month(), budget.scope, amount);
            let forecast = ahead.month_end(budget.scope);
            state(budget, month.from, usage, &forecast)
        })
        .collect())
}

/// The form for a new budget, with the person who asks as its recipient.
///
/// # Errors
/// `Forbidden` without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn new_sheet(backend: &Backend, scope: &OrgScope) -> Result<BudgetFormOptions, Error> {
    scope.require(Permission::ManageBudgets)?;
    let (teams, projects) =
        futures::try_join!(projects::list_teams(backend, scope), projects::list_projects(backend, scope))?;
    let organization = identity::organization(backend, scope).await?;
    let own = sql::own_address(&mut *backend.pool.acquire().await?, scope).await?;
    let teams = teams.into_iter().filter(|team| team.archived_at.is_none());
    let projects = projects.into_iter().filter(|project| project.archived_at.is_none());
    let whole = ScopeChoice { scope: ScopeRef::Organization, name: organization.name };
    let scopes: Vec<_> = Some(whole)
        .filter(|_| scope.sees_all())
        .into_iter()
        .chain(teams.map(|team| ScopeChoice { scope: ScopeRef::Team(team.slug), name: team.name }))
        .chain(projects.map(|project| ScopeChoice { scope: ScopeRef::Project(project.slug), name: project.name }))
        .collect();
    let form = BudgetForm {
        scope: scopes.first().map(|choice| choice.scope.to_string()).unwrap_or_default(),
        thresholds: "50, 80, 100".to_owned(),
        recipients: own.map(String::from).unwrap_or_default(),
        ..BudgetForm::default()
    };
    Ok(BudgetFormOptions { form, scopes, scope_name: None })
}

/// The form for changing a budget.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn edit_sheet(backend: &Backend, scope: &OrgScope, budget_id: BudgetId) -> Result<BudgetFormOptions, Error> {
    let budget = get(backend, scope, budget_id).await?;
    scope.require(Permission::ManageBudgets)?;
    if budget.archived_at.is_some() {
        return Err(Problem::conflict("This budget is archived.").into());
    }
    let thresholds: Vec<_> = budget.thresholds.iter().map(ToString::to_string).collect();
    let form = BudgetForm {
        name: budget.name,
        scope: budget.scope_ref.to_string(),
        amount: format::money_full(budget.amount).trim_start_matches('$').to_owned(),
        thresholds: thresholds.join(", "),
        recipients: budget.recipients.iter().map(Email::as_str).collect::<Vec<_>>().join("\n"),
    };
    Ok(BudgetFormOptions { form, scopes: Vec::new(), scope_name: Some(budget.scope_name) })
}

/// Used and amount of a part in the days of a month.
fn usage_of<'a>(days: impl IntoIterator<Item = &'a ProjectDay>, part: SpendScope, amount: Decimal) -> BudgetUsage {
    let mut usage = BudgetUsage { used: Decimal::ZERO, estimate: Estimate::default(), amount };
    for day in days.into_iter().filter(|day| day.is_of(part)) {
        usage.used += day.counted();
        usage.estimate += day.estimate;
    }
    usage
}

/// What a part counted on each day on which it counted anything, in order.
fn by_day(days: &[ProjectDay], part: SpendScope) -> Vec<(NaiveDate, Decimal)> {
    let mut sums: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    for day in days.iter().filter(|day| day.is_of(part)) {
        *sums.entry(day.day).or_default() += day.counted();
    }
    sums.into_iter().collect()
}

fn state(budget: Budget, month: NaiveDate, usage: BudgetUsage, forecast: &Forecast) -> BudgetState {
    let expected = Expected::of(forecast, usage.amount);
    let status = usage.status(expected.map(|expected| expected.point));
    BudgetState { budget, month, usage, expected, status }
}

/// A budget with how it stands this month, archived ones included.
///
/// # Errors
/// `Forbidden` without the right to read; `NotFound`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn state_of(backend: &Backend, scope: &OrgScope, budget_id: BudgetId) -> Result<BudgetState, Error> {
    let budget = get(backend, scope, budget_id).await?;
    let ahead = forecast::forecast_inputs(backend, scope).await?;
    let state = states(backend, scope, vec![budget], &ahead).await?.pop();
    Ok(state.ok_or(Problem::NotFound)?)
}

/// A budget with everything its page shows.
///
/// # Errors
/// `Forbidden` without the right to read; `NotFound`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn detail(backend: &Backend, scope: &OrgScope, budget_id: BudgetId) -> Result<BudgetDetail, Error> {
    let budget = get(backend, scope, budget_id).await?;
    let month = this_month(backend, scope);
    let ahead = forecast::forecast_inputs(backend, scope).await?;
    let row = sql::months(&backend.pool, scope, month.from).await?.remove(&budget_id);
    let amount = row.map_or(budget.amount, |(in_force, _)| in_force.amount);
    let usage = usage_of(ahead.month(), budget.scope, amount);
    let revision = row.map_or(budget.revision, |(in_force, _)| in_force.revision);
    let of_month =
        sql::Wanted { budget_id: Some(budget_id), month: Some(month.from), limit: 100, ..Default::default() };
    let crossed = with_deliveries(backend, scope, sql::alerts(&backend.pool, scope, &of_month).await?).await?;
    let newest = sql::Wanted { budget_id: Some(budget_id), limit: ALERTS_PER_PAGE, ..Default::default() };
    let alerts = with_deliveries(backend, scope, sql::alerts(&backend.pool, scope, &newest).await?).await?;
    let forecast = ahead.month_end(budget.scope);
    Ok(BudgetDetail {
        thresholds: budget
            .thresholds
            .iter()
            .map(|threshold| ThresholdState {
                threshold: *threshold,
                at: usage.at(*threshold),
                alert: crossing(&crossed, *threshold, |of| of == revision),
                earlier: crossing(&crossed, *threshold, |of| of != revision),
            })
            .collect(),
        amounts: sql::amounts(&backend.pool, scope, budget_id, 50).await?,
        evaluated_at: row.and_then(|(_, at)| at).map(|at| scope.zone().local(at)),
        may_manage: scope.may(Permission::ManageBudgets),
        days: ahead.to_date(budget.scope),
        alerts,
        tests: tests(backend, scope, budget_id).await?,
        state: state(budget, month.from, usage, &forecast),
        forecast,
    })
}

/// The newest row of a threshold under a wanted amount.
fn crossing(newest_first: &[Alert], threshold: u16, wanted: impl Fn(u32) -> bool) -> Option<Alert> {
    newest_first.iter().find(|alert| alert.thresholds.contains(&threshold) && wanted(alert.revision)).cloned()
}

/// The recorded thresholds of a part's own budgets that spend reached in a period, in the order of days.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn crossings(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    period: Period,
) -> Result<Vec<Crossing>, Error> {
    scope.require(Permission::Read)?;
    let months = Period { from: Period::month_of(period.from).from, to: Period::month_of(period.last_day()).to };
    let recorded = sql::recorded(&backend.pool, scope, part, months).await?;
    if recorded.is_empty() {
        return Ok(Vec::new());
    }
    let days = by_day(&spend::project_days(backend, scope, months).await?, part);
    let reached = |row: sql::RecordedAlert| {
        let month = Period::month_of(row.month);
        let of_month: Vec<_> = days.iter().filter(|(day, _)| month.contains(*day)).copied().collect();
        let day = Crossing::day_of(&of_month, row.amount, row.threshold)?;
        period.contains(day).then_some(Crossing { budget: row.budget_name, threshold: row.threshold, day })
    };
    let mut found: Vec<_> = recorded.into_iter().filter_map(reached).collect();
    found.sort_by_key(|crossing| (crossing.day, crossing.threshold));
    Ok(found)
}

async fn tests(backend: &Backend, scope: &OrgScope, budget_id: BudgetId) -> Result<Vec<TestMail>, Error> {
    let rows = sql::tests(&backend.pool, scope, budget_id, 20).await?;
    let ids: Vec<_> = rows.iter().map(|(mail_id, _, _)| *mail_id).collect();
    let mut deliveries = delivery::of_mails(backend, scope, &ids).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(mail_id, at, by)| {
            deliveries.remove(&mail_id).map(|delivery| TestMail { at: scope.zone().local(at), by, delivery })
        })
        .collect())
}

fn this_month(backend: &Backend, scope: &OrgScope) -> Period {
    Period::month_of(scope.zone().day_of(backend.clock.now()))
}

// --- the ledger

/// A page of the ledger, newest first: of one budget or of all, after the row `before`.
///
/// # Errors
/// `Forbidden` without the right to read; `NotFound` for a budget that is not there; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn alerts(
    backend: &Backend,
    scope: &OrgScope,
    filter: AlertFilter,
    budget_id: Option<BudgetId>,
    before: Option<AlertId>,
) -> Result<AlertPage, Error> {
    scope.require(Permission::Read)?;
    if let Some(budget_id) = budget_id {
        get(backend, scope, budget_id).await?;
    }
    let limit = ALERTS_PER_PAGE + 1;
    let wanted = sql::Wanted { budget_id, before, filter, limit, ..Default::default() };
    let mut alerts = sql::alerts(&backend.pool, scope, &wanted).await?;
    let per_page = usize::try_from(ALERTS_PER_PAGE).unwrap_or(usize::MAX);
    let next = paging::cut(&mut alerts, per_page, |alert| alert.alert_id);
    let may_manage = scope.may(Permission::ManageBudgets);
    Ok(AlertPage { alerts: with_deliveries(backend, scope, alerts).await?, next, may_manage })
}

async fn with_deliveries(backend: &Backend, scope: &OrgScope, mut alerts: Vec<Alert>) -> Result<Vec<Alert>, Error> {
    let ids: Vec<_> = alerts.iter().map(|alert| alert.alert_id).collect();
    let mut deliveries = delivery::of_alerts(backend, scope, &ids).await?;
    for alert in &mut alerts {
        alert.deliveries = deliveries.remove(&alert.alert_id).unwrap_or_default();
    }
    Ok(alerts)
}

/// Entries of the alert history that are acknowledged at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    /// The one that an alert belongs to.
    One(AlertId),
    /// This one and every older one: nothing that came after it was seen.
    UpTo(AlertId),
}

/// Acknowledges alerts that nobody acknowledged yet, with a note; doing it again changes nothing.
///
/// # Errors
/// `Forbidden` without the permission; `NotFound` where the named one is not seen; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn acknowledge(backend: &Backend, scope: &OrgScope, which: Entries, note: Option<&str>) -> Result<(), Error> {
    scope.require(Permission::ManageBudgets)?;
    let (Entries::One(named) | Entries::UpTo(named)) = which;
    let mut transaction = backend.pool.begin().await?;
    if !sql::alert_exists(&mut transaction, scope, named).await? {
        return Err(Problem::NotFound.into());
    }
    let note_text = note.map_or_else(String::new, |note| format!(" Note: {note}"));
    for (name, thresholds) in sql::acknowledge(&mut transaction, scope, which, note, backend.clock.now()).await? {
        let thresholds = percents(&thresholds).join(", ");
        let detail = format!("Acknowledged the alert at {thresholds} of the budget {name}.{note_text}");
        audit::record(backend, scope, &mut transaction, "alert.acknowledged", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// How many rows of the ledger nobody acknowledged.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn open_alerts(backend: &Backend, scope: &OrgScope) -> Result<i64, Error> {
    scope.require(Permission::Read)?;
    sql::open_alerts(&backend.pool, scope).await
}

/// Another number after every alert that is recorded or acknowledged.
///
/// # Errors
/// [`Error::Database`].
pub(crate) async fn alerts_version(backend: &Backend, scope: &OrgScope) -> Result<i64, Error> {
    sql::version(&backend.pool, scope).await
}

/// Whether there is any active budget.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
pub(crate) async fn any(backend: &Backend, scope: &OrgScope) -> Result<bool, Error> {
    scope.require(Permission::Read)?;
    Ok(sql::count(&mut *backend.pool.acquire().await?, scope).await? > 0)
}

/// How many active budgets had used more than their amount at their last evaluation.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn over(backend: &Backend, scope: &OrgScope) -> Result<i64, Error> {
    scope.require(Permission::Read)?;
    sql::over(&backend.pool, scope, this_month(backend, scope).from).await
}
