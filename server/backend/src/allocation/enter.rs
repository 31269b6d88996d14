//! Rules that are entered, what they would change, and their order.

use super::usage::{self, Kept, Usage};
use super::{sql, whole_months};
use crate::rules::{self, Change};
use crate::{Backend, Error, OrgScope, business_metrics};
use chrono::{Months, NaiveDate};
use domain::allocation::{AllocationPreview, AllocationRule, Owners, Target, Test, check, month_of, row_field};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::period::Period;
use domain::problem::{FieldProblem, Problem};
use domain::rule::{NewRule, entered};
use domain::spend::Dimension;
use sqlx::PgConnection;

/// Most rules that count at a time, their dated parts counted one by one.
const MAX_RULES: usize = 500;
/// Months that a preview compares, the present one included.
const PREVIEWED_MONTHS: u32 = 12;

/// Enters a rule: from its first day on in place of the one of its name, else after all others. It holds at once, for days that are over too.
///
/// # Errors
/// [`Problem::Invalid`] for names that nothing has, another label than that of rules of the same days, and circles; `Forbidden` without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn enter(backend: &Backend, scope: &OrgScope, new: &NewRule<AllocationRule>) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let mut change = Change::begin(backend, scope).await?;
    let days = Period::month_of(scope.zone().day_of(backend.clock.now()));
    let (owners, _) = sql::owners(change.connection(), scope, days).await?;
    let held = usage::rules_in_order(change.connection(), scope).await?;
    let metric = unknown_metric(change.connection(), scope, &new.rule).await?;
    let rule = placed(scope, new, &held, &owners, metric)?;
    change.enter(&rule).await?;
    let detail = rules::entered_text(scope, &rule);
    change.commit("allocation.entered", &detail).await
}

/// What a rule would change by team and month, over the last twelve months, before it counts.
///
/// # Errors
/// As [`enter`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn preview(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<AllocationRule>,
) -> Result<AllocationPreview, Error> {
    scope.require(Permission::ManagePrices)?;
    let today = scope.zone().day_of(backend.clock.now());
    let first = month_of(today).checked_sub_months(Months::new(PREVIEWED_MONTHS - 1)).unwrap_or(today);
    let days = whole_months(Period { from: first, to: Period::month_of(today).to });
    let months: Vec<NaiveDate> =
        (0..PREVIEWED_MONTHS).filter_map(|month| first.checked_add_months(Months::new(month))).collect();
    let _permit = backend.readers.permit(scope).await?;
    let mut snapshot = sql::snapshot(&backend.pool).await?;
    let (owners, _) = sql::owners(&mut snapshot, scope, days).await?;
    let before = usage::rules_in_order(&mut snapshot, scope).await?;
    let metric = unknown_metric(&mut snapshot, scope, &new.rule).await?;
    let rule = placed(scope, new, &before, &owners, metric)?;
    let after = usage::in_order(entered(before.clone(), rule));
    // The new one is the only one without a number.
    let number = before.len() + after.iter().position(|rule| rule.rule_id == 0).unwrap_or_default();
    let usage = Usage::read(&mut snapshot, scope, &[before, after], (days, days), |_| Kept::Together).await?;
    drop(snapshot);
    let settled = [0, 1].map(|list| usage.plan.settle(list, usage.cells(list), days, month_of));
    Ok(AllocationPreview::of(&usage.owners, &months, settled.each_ref(), number))
}

/// Moves a rule, with the parts of other days that have its name, to a place among the others: 1 is the first.
///
/// # Errors
/// [`Problem::NotFound`] for a rule that does not count; `Forbidden` without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn reorder(backend: &Backend, scope: &OrgScope, rule_id: u64, place: usize) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let mut change = Change::begin(backend, scope).await?;
    let held = usage::rules_in_order(change.connection(), scope).await?;
    let moved = held.iter().find(|rule| rule.rule_id == rule_id).ok_or(Problem::NotFound)?;
    let mut names: Vec<&str> = Vec::new();
    for rule in held.iter().filter(|rule| rule.name != moved.name) {
        if !names.contains(&rule.name.as_str()) {
            names.push(&rule.name);
        }
    }
    let place = place.clamp(1, names.len() + 1);
    names.insert(place - 1, &moved.name);
    for rule in &held {
        let at = (1..).zip(&names).find(|(_, name)| **name == rule.name).map_or(rule.position, |(at, _)| at);
        if at != rule.position {
            change.enter(&AllocationRule { position: at, ..rule.clone() }).await?;
        }
    }
    let detail = format!("Moved the allocation rule {} to place {place} of {}.", moved.name, names.len());
    change.commit("allocation.reordered", &detail).await
}

/// The rule at its time and in its place among those that count, if it may stand beside them.
fn placed(
    scope: &OrgScope,
    new: &NewRule<AllocationRule>,
    held: &[AllocationRule],
    owners: &Owners,
    metric: Option<FieldProblem>,
) -> Result<AllocationRule, Problem> {
    let rule = new.dated(scope.zone()).map_err(|problem| Problem::invalid(vec![problem]))?;
    let mut wrong = unknown(&rule, owners);
    wrong.extend(metric);
    wrong.extend(check(held, &rule).err());
    if held.len() >= MAX_RULES {
        let detail = format!("At most {MAX_RULES} rules count at a time. End one first.");
        wrong.push(FieldProblem::new("name", "too_many", detail));
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let same = held.iter().find(|of| of.name == rule.name).map(|of| of.position);
    let last = held.iter().map(|rule| rule.position).max().unwrap_or_default();
    Ok(AllocationRule { position: same.unwrap_or(last + 1), ..rule })
}

/// The name of a business metric that there is none of.
async fn unknown_metric(
    connection: &mut PgConnection,
    scope: &OrgScope,
    rule: &AllocationRule,
) -> Result<Option<FieldProblem>, Error> {
    let Some(metric) = &rule.metric else { return Ok(None) };
    let is_known = business_metrics::is_known(connection, scope, metric).await?;
    Ok((!is_known).then(|| FieldProblem::new("metric", "unknown", format!("There is no business metric {metric}."))))
}

/// Names of projects, teams and product lines that there are none of.
fn unknown(rule: &AllocationRule, owners: &Owners) -> Vec<FieldProblem> {
    let known = |target: &Target| match target {
        Target::Project(slug) => owners.projects.contains(slug),
        Target::Team(slug) => owners.teams.contains(slug),
    };
    let problem = |field: String, target: &Target| {
        FieldProblem::new(field, "unknown", format!("There is no {}.", target.label()))
    };
    let to = rule.targets().enumerate().filter(|(_, target)| !known(target));
    let to = to.map(|(at, target)| problem(row_field("targets", at, "to"), target));
    let asked = rule.conditions.iter().enumerate().flat_map(|(at, condition)| {
        let there_are = match condition.dimension {
            Dimension::Project => Some(&owners.projects),
            Dimension::Team => Some(&owners.teams),
            Dimension::ProductLine => Some(&owners.lines),
            _ => None,
        };
        let is_exact = matches!(condition.test, Test::Is | Test::IsNot);
        let named = there_are.filter(|_| is_exact).into_iter();
        let unknown = named.flat_map(|known| condition.values.iter().filter(|value| !known.contains(value)));
        let what = condition.dimension.label().to_lowercase();
        let detail = move |value: &String| format!("There is no {what} {value}.");
        unknown.map(move |value| FieldProblem::new(row_field("conditions", at, "values"), "unknown", detail(value)))
    });
    asked.chain(to).collect()
}
