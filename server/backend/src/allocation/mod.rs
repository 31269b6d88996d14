//! Allocation: for whom usage counts, by dated rules that apply in order ([`domain::allocation`]).
//!
//! Rules are entered, ended and undone as all rules are ([`crate::rules`]), and hold at once for days that are over too: sums of the ledger are shared out when somebody asks.
//! A split goes by what its targets used in the calendar month, so sums of whole months are read.

mod enter;
mod grouped;
mod shared;
mod sql;
mod usage;
mod ways;

pub use enter::{enter, preview, reorder};
pub(crate) use grouped::grouped;
pub(crate) use shared::{SharedFlow, shared};
pub(crate) use sql::snapshot;
pub(crate) use ways::Ways;

use crate::rules::{self, MAX_LISTED};
use crate::spend::answers::Asker;
use crate::{Backend, Error, OrgScope, charges};
use chrono::NaiveDate;
use domain::allocation::{
    Allocated, AllocationRule, Amounts, Cause, Origin, Route, RuleExplained, SeriesWords, month_of,
};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::Period;
use domain::problem::Problem;
use domain::rule::{Dated, History, RuleKind};
use domain::spend::Dimension;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use usage::{Kept, Usage};

/// By what the unallocated rest is looked at, those first that a rule would name first.
const CAUSES: [Dimension; 3] = [Dimension::Project, Dimension::ApiKey, Dimension::Feature];

/// Rules in the order in which they apply, then those that count no more.
///
/// # Errors
/// `Forbidden` without the right to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<AllocationRule>>, Error> {
    scope.require_whole(Permission::Read)?;
    let mut listed = rules::listed::<AllocationRule>(&backend.pool, scope, MAX_LISTED).await?;
    listed.rows.sort_by_key(|rule| (!rule.is_live(), if rule.is_live() { rule.row.position } else { 0 }));
    Ok(listed)
}

/// Who answers for what in some days.
///
/// # Errors
/// `Forbidden` without the right to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn allocated(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Allocated, Error> {
    scope.require_whole(Permission::Read)?;
    let asker = Asker { backend, scope, part: SpendScope::Organization };
    let read = async |period| Ok(vec![work_out(backend, scope, period).await?]);
    let known = asker.allocated(period, read).await?;
    let mut allocated = match known.and_then(|known| known.first().cloned()) {
        Some(known) => known,
        None => work_out(backend, scope, period).await?,
    };
    if let Some(cause) = allocated.cause.as_mut().filter(|cause| cause.dimension == Dimension::ApiKey) {
        let name = sql::key_name(&backend.pool, scope, &cause.value).await?;
        cause.label = name.unwrap_or_else(|| cause.value.clone());
    }
    Ok(allocated)
}

async fn work_out(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Allocated, Error> {
    let _permit = backend.readers.permit(scope).await?;
    let mut snapshot = sql::snapshot(&backend.pool).await?;
    let lists = [usage::rules_in_order(&mut snapshot, scope).await?];
    let kept = |route: &Route| if route.is_unallocated() { Kept::Apart } else { Kept::Together };
    let usage = Usage::read(&mut snapshot, scope, &lists, (whole_months(period), period), kept).await?;
    let made = usage.plan.settle(0, usage.cells(0), period, |_| period.from);
    let mut allocated = Allocated::of(&usage.plan, &usage.owners, &made, (period, scope.zone().name()));
    allocated.cause = cause(&usage, period);
    Ok(allocated)
}

/// As [`allocated`], where rules say anything: without any, all usage counts for whoever owned its project on the day.
///
/// # Errors
/// As [`allocated`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn allocated_by_rules(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
) -> Result<Option<Allocated>, Error> {
    scope.require(Permission::Read)?;
    if has_rules(backend, scope).await? { allocated(backend, scope, period).await.map(Some) } else { Ok(None) }
}

/// Whether rules count, and the caller sees all that they move.
async fn has_rules(backend: &Backend, scope: &OrgScope) -> Result<bool, Error> {
    let known = async || rules::known(&backend.pool, scope, &[RuleKind::Allocation], None).await;
    Ok(scope.sees_all() && !known().await?.is_empty())
}

/// What a rule did in some days, down to what was used.
///
/// # Errors
/// [`Problem::NotFound`] for a rule that does not count, and for a key that sees one project alone; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn explain(
    backend: &Backend,
    scope: &OrgScope,
    rule_id: u64,
    period: Period,
) -> Result<RuleExplained, Error> {
    scope.require(Permission::Read)?;
    if !scope.sees_all() {
        return Err(Problem::NotFound.into());
    }
    let live = rules::live_ones::<AllocationRule>(&backend.pool, scope).await?;
    let rule = live.into_iter().find(|rule| rule.rule_id == rule_id).ok_or(Problem::NotFound)?;
    let costs = charges::costs(backend, scope, period).await?;
    let _permit = backend.readers.permit(scope).await?;
    let mut snapshot = sql::snapshot(&backend.pool).await?;
    let lists = [usage::rules_in_order(&mut snapshot, scope).await?];
    let at = lists[0].iter().position(|rule| rule.rule_id == rule_id).ok_or(Problem::NotFound)?;
    let kept = |route: &Route| {
        let takes = route.split == Some(at) || route.moves.iter().any(|(rule, _)| *rule == at);
        if takes { Kept::ApartByDay } else { Kept::Together }
    };
    let usage = Usage::read(&mut snapshot, scope, &lists, (whole_months(period), period), kept).await?;
    drop(snapshot);
    let made = usage.plan.settle(0, usage.cells(0), period, |day| day);
    let mut days: BTreeMap<NaiveDate, Amounts> = BTreeMap::new();
    let of_rule = made.moved.iter().filter(|(step, _)| step.rule == at);
    of_rule.for_each(|(step, amounts)| *days.entry(step.since).or_default() += *amounts);
    let mut flows = Allocated::of(&usage.plan, &usage.owners, &made, (period, scope.zone().name())).flows;
    flows.retain(|flow| flow.rule_id == rule_id);
    let mut charges = shared::charged(&usage, &made, &costs, period);
    charges.retain(|flow| flow.rule_id == rule_id);
    let origins = origins(&usage, period);
    let mut shares = Amounts::default();
    days.values().for_each(|amounts| shares += *amounts);
    origins.iter().for_each(|origin| shares += -origin.amounts);
    Ok(RuleExplained { rule, flows, origins, shares, days: days.into_iter().collect(), charges })
}

/// The calendar months that have some of the days: by what was used in these, rules split.
pub(crate) fn whole_months(period: Period) -> Period {
    Period { from: month_of(period.from), to: Period::month_of(period.last_day()).to }
}

/// What most of the unallocated usage has in common.
fn cause(usage: &Usage, period: Period) -> Option<Cause> {
    let mut sums: BTreeMap<(usize, &str), Amounts> = BTreeMap::new();
    for cell in usage.apart().filter(|cell| period.contains(cell.day)) {
        for (at, dimension) in CAUSES.iter().enumerate() {
            let value = word(usage, cell.series, dimension);
            if !value.is_empty() {
                *sums.entry((at, value)).or_default() += cell.amounts;
            }
        }
    }
    let most = sums.into_iter().max_by_key(|((at, _), amounts)| (amounts.units, Reverse(*at)));
    let ((at, value), amounts) = most.filter(|(_, amounts)| amounts.units > 0)?;
    Some(Cause { dimension: CAUSES[at].clone(), value: value.to_owned(), label: value.to_owned(), amounts })
}

fn word<'a>(usage: &'a Usage, series: &'a SeriesWords, dimension: &Dimension) -> &'a str {
    match dimension {
        Dimension::Project => usage.owners.projects.get(series.project).map_or("", String::as_str),
        dimension => series.word(dimension),
    }
}

/// What was taken, by project, provider, model and feature; the largest first.
fn origins(usage: &Usage, period: Period) -> Vec<Origin> {
    const WORDS: [Dimension; 4] = [Dimension::Project, Dimension::Provider, Dimension::Model, Dimension::Feature];
    let mut sums: BTreeMap<[&str; 4], Amounts> = BTreeMap::new();
    for cell in usage.apart().filter(|cell| period.contains(cell.day)) {
        let key = WORDS.each_ref().map(|dimension| word(usage, cell.series, dimension));
        *sums.entry(key).or_default() += cell.amounts;
    }
    let origin = |(words, amounts): ([&str; 4], Amounts)| {
        let [project, provider, model, feature] = words.map(str::to_owned);
        Origin { project, provider, model, feature, amounts }
    };
    let mut origins: Vec<Origin> = sums.into_iter().map(origin).collect();
    origins.sort_by_key(|origin| Reverse(origin.amounts.units));
    origins
}
