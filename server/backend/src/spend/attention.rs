//! What needs attention: the rules are `domain::spend`'s, here they get what they look at.

use super::answers::Asker;
use super::explore::names;
use super::{grouped, project_days, query, sql};
use crate::forecast::ForecastInputs;
use crate::{Backend, Error, OrgScope, budgets, delivery, exports, labels, projects};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::budget::{BudgetState, SpendScope};
use domain::identity::Permission;
use domain::ids::ProjectId;
use domain::period::{Period, Zone};
use domain::project::Project;
use domain::spend::{
    Anomaly, AnomalyCause, Attention, Contribution, Dimension, SpendQuery, by_amount, causes, days_needed, is_quiet,
    unusual_days, usual_day,
};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// So many of the dearest unusual days are told, with their causes.
const EXPLAINED: usize = 6;
/// Days before an unusual one that tell what a key, customer, feature or model usually costs.
const DAYS_BEFORE: u32 = 28;
/// What may be the cause, in the order of what can be acted on.
const SUSPECTS: [Dimension; 4] = [Dimension::ApiKey, Dimension::Customer, Dimension::Feature, Dimension::Model];

/// The dearest unusual day of each project in the last two weeks, the most dollars first, at most six, each with its causes.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn anomalies(backend: &Backend, scope: &OrgScope) -> Result<Vec<Anomaly>, Error> {
    scope.require(Permission::Read)?;
    unusual(backend, scope, &History::read(backend, scope).await?).await
}

/// What needs attention in the organization, the most dollars first: budgets, unusual days, projects that stopped, usage without a price, required labels that are missing more often, exports that rest, mails that nobody got.
///
/// # Errors
/// As [`anomalies`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn attention(backend: &Backend, scope: &OrgScope, ahead: &ForecastInputs) -> Result<Vec<Attention>, Error> {
    scope.require(Permission::Read)?;
    let (history, newest, failed, paused, fallen) = futures::try_join!(
        History::read(backend, scope),
        sql::newest_by_project(&backend.pool, scope),
        delivery::failed_lately(backend, scope),
        exports::schedules::count_paused(backend, scope),
        labels::fallen(backend, scope),
    )?;
    let month = SpendQuery::over(Period::month_to_date(history.today));
    let (states, month, anomalies) = futures::try_join!(
        budgets::list_ahead(backend, scope, ahead),
        query(backend, scope, &month),
        unusual(backend, scope, &history),
    )?;
    let mut items: Vec<_> = states.into_iter().filter_map(of_budget).collect();
    items.extend(anomalies.into_iter().map(Attention::Unusual));
    let quiet = |(project, at)| history.quiet(project, at, backend.clock.now(), scope.zone());
    items.extend(newest.into_iter().filter_map(quiet));
    let estimate = ahead.estimate(SpendScope::Organization);
    if estimate.events > 0 {
        items.push(Attention::Unpriced { estimate, of: month.total.requests });
    }
    if paused > 0 {
        items.push(Attention::PausedExports { count: paused });
    }
    items.extend(fallen.into_iter().map(Attention::FallenCoverage));
    if failed > 0 {
        items.push(Attention::FailedMails { count: failed });
    }
    Ok(by_amount(items))
}

/// What each visible project that is not put away spent on each day on which it was used.
struct History {
    today: NaiveDate,
    days: BTreeMap<ProjectId, BTreeMap<NaiveDate, Decimal>>,
    /// Slug and name of each.
    projects: BTreeMap<ProjectId, (String, String)>,
}

impl History {
    async fn read(backend: &Backend, scope: &OrgScope) -> Result<Self, Error> {
        let today = scope.zone().day_of(backend.clock.now());
        let (rows, projects) = futures::try_join!(
            project_days(backend, scope, days_needed(today)),
            projects::list_projects(backend, scope)
        )?;
        let mut days: BTreeMap<ProjectId, BTreeMap<_, _>> = BTreeMap::new();
        for row in rows {
            *days.entry(row.project_id).or_default().entry(row.day).or_default() += row.spend;
        }
        let active = projects.into_iter().filter(|project| project.archived_at.is_none());
        let named = |project: Project| (project.project_id, (project.slug.into(), project.name));
        Ok(Self { today, days, projects: active.map(named).collect() })
    }

    fn quiet(&self, project: ProjectId, newest: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Option<Attention> {
        let days = self.days.get(&project).filter(|days| is_quiet(days, newest, now))?;
        let (project, project_name) = self.projects.get(&project)?.clone();
        Some(Attention::Quiet { project, project_name, newest: zone.local(newest), usual: usual_day(days) })
    }
}

async fn unusual(backend: &Backend, scope: &OrgScope, history: &History) -> Result<Vec<Anomaly>, Error> {
    let dearest = |(project, days): (&ProjectId, &BTreeMap<NaiveDate, Decimal>)| {
        let unusual = unusual_days(days, history.today);
        let day = *unusual.iter().max_by_key(|day| day.excess())?;
        Some((history.projects.get(project)?.clone(), day, unusual.len()))
    };
    let mut found: Vec<_> = history.days.iter().filter_map(dearest).collect();
    found.sort_by_key(|(_, day, _)| Reverse(day.excess()));
    found.truncate(EXPLAINED);
    let asked: Vec<(&str, NaiveDate)> = found.iter().map(|((slug, _), day, _)| (slug.as_str(), day.day)).collect();
    let asker = Asker { backend, scope, part: SpendScope::Organization };
    let explain = |place| {
        let (project, day) = asked.get(place).copied().unwrap_or_default();
        explain(backend, scope, project, day)
    };
    let mut causes = asker.causes(&asked, DAYS_BEFORE, explain).await?;
    name_keys(backend, scope, causes.iter_mut().flatten()).await?;
    let explained = found.into_iter().zip(causes);
    Ok(explained
        .map(|(((project, project_name), day, days), causes)| Anomaly { project, project_name, day, days, causes })
        .collect())
}

/// Calls keys by their names, not by their ids.
async fn name_keys(
    backend: &Backend,
    scope: &OrgScope,
    causes: impl Iterator<Item = &mut AnomalyCause>,
) -> Result<(), Error> {
    let keys: Vec<_> = causes.filter(|cause| cause.dimension == Dimension::ApiKey).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let named = names(backend, scope, &Dimension::ApiKey).await?;
    for cause in keys {
        cause.name = named.get(&cause.value).unwrap_or(&cause.value).clone();
    }
    Ok(())
}

/// Whether a budget is exceeded, or its month is forecast to end above it.
fn of_budget(state: BudgetState) -> Option<Attention> {
    let (budget_id, name) = (state.budget.budget_id, state.budget.name);
    let (used, amount) = (state.usage.used, state.usage.amount);
    if used > amount {
        return Some(Attention::Exceeded { budget_id, name, used, amount });
    }
    let ahead = state.expected.filter(|expected| expected.point > amount)?;
    let (forecast, chance_over, exhausted_on) = (ahead.point, ahead.chance_over, ahead.run_out);
    Some(Attention::AtRisk { budget_id, name, forecast, amount, chance_over, exhausted_on })
}

async fn explain(
    backend: &Backend,
    scope: &OrgScope,
    project: &str,
    day: NaiveDate,
) -> Result<Vec<AnomalyCause>, Error> {
    let contributions = SUSPECTS.into_iter().map(async |dimension| {
        let found = contributions(backend, scope, project, day, &dimension).await?;
        Ok::<_, Error>((dimension, found))
    });
    Ok(causes(futures::future::try_join_all(contributions).await?))
}

/// What each value cost on the day, and on an average day of the four weeks before.
async fn contributions(
    backend: &Backend,
    scope: &OrgScope,
    project: &str,
    day: NaiveDate,
    dimension: &Dimension,
) -> Result<Vec<Contribution>, Error> {
    let spend = async |period: Period| {
        let query = SpendQuery::over(period).by([dimension.clone()]).only(Dimension::Project, project);
        let (rows, _) = grouped(backend, scope, SpendScope::Organization, &query, usize::MAX).await?;
        let pairs = rows.into_iter().map(|mut row| (row.keys.pop().flatten(), row.sums.spend));
        Ok::<BTreeMap<_, _>, Error>(pairs.collect())
    };
    let past = Period { from: day.checked_sub_days(Days::new(DAYS_BEFORE.into())).unwrap_or(day), to: day };
    let (mut now, before) = futures::try_join!(spend(Period::last_days(day, 1)), spend(past))?;
    before.keys().for_each(|value| _ = now.entry(value.clone()).or_default());
    let average = |value: &Option<String>| before.get(value).copied().unwrap_or_default() / Decimal::from(DAYS_BEFORE);
    Ok(now.into_iter().map(|(value, spend)| Contribution { before: average(&value), value, spend }).collect())
}
