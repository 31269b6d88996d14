//! What rules moved, as statements show it: usage, and charges beside events.

use super::usage::{self, Kept, Usage};
use super::{has_rules, sql, whole_months};
use crate::spend::answers::Asker;
use crate::{Backend, Error, OrgScope, charges, identity};
use chrono::NaiveDate;
use domain::allocation::{Allocation, Amounts, Flow, Holder, SharedLine, flows};
use domain::budget::SpendScope;
use domain::charge::{ChargeCost, ChargeOwner};
use domain::identity::Permission;
use domain::period::Period;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A flow with its two lines: that of whoever had it, and that of whoever has it now.
pub(crate) type SharedFlow = (Flow, [SharedLine; 2]);

/// What rules moved of the usage and the charges of some days; nothing without rules.
///
/// It is everybody's, whatever the caller sees, for shares go by what all used: whoever shows it keeps to the lines that the caller sees.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub(crate) async fn shared(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<SharedFlow>, Error> {
    scope.require(Permission::Read)?;
    let scope = &identity::system_scope(backend, scope.org_id()).await?;
    if !has_rules(backend, scope).await? {
        return Ok(Vec::new());
    }
    let costs = charges::costs(backend, scope, period).await?;
    let asker = Asker { backend, scope, part: SpendScope::Organization };
    let read = async |period| work_out(backend, scope, period, &costs).await;
    Ok(match asker.shared(period, hash_of(&costs, period), read).await? {
        Some(known) => known.to_vec(),
        None => work_out(backend, scope, period, &costs).await?,
    })
}

/// Of what each day costs whom: what rules moved of charges is another where any of it is.
fn hash_of(costs: &[ChargeCost], period: Period) -> u64 {
    let mut hasher = DefaultHasher::new();
    for cost in costs {
        cost.charge.owner.hash(&mut hasher);
        period.iter().for_each(|day| cost.amount_in(one(day)).hash(&mut hasher));
    }
    hasher.finish()
}

async fn work_out(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
    costs: &[ChargeCost],
) -> Result<Vec<SharedFlow>, Error> {
    let _permit = backend.readers.permit(scope).await?;
    let mut snapshot = sql::snapshot(&backend.pool).await?;
    let lists = [usage::rules_in_order(&mut snapshot, scope).await?];
    let spans = (whole_months(period), period);
    let usage = Usage::read(&mut snapshot, scope, &lists, spans, |_| Kept::Together).await?;
    drop(snapshot);
    let made = usage.plan.settle(0, usage.cells(0), period, |_| period.from);
    let effects: HashMap<u64, String> = lists[0].iter().map(|rule| (rule.rule_id, rule.effect_words())).collect();
    let line = |is_charge: bool| {
        let effects = &effects;
        move |flow: Flow| {
            let effect = effects.get(&flow.rule_id).map_or("", String::as_str);
            let lines = SharedLine::pair(&flow, effect, is_charge);
            (flow, lines)
        }
    };
    let of_usage = flows(&usage.plan, &usage.owners, &made).into_iter().map(line(false));
    let of_charges = charged(&usage, &made, costs, period).into_iter().map(line(true));
    // What has no price yet moves no money.
    let has_amount = |(flow, _): &SharedFlow| flow.amounts.units != 0;
    Ok(of_usage.chain(of_charges).filter(has_amount).collect())
}

/// What rules moved of charges, as they shared out usage.
pub(super) fn charged(usage: &Usage, made: &Allocation, costs: &[ChargeCost], period: Period) -> Vec<Flow> {
    let daily = costs.iter().flat_map(|cost| {
        let holder = holder(usage, &cost.charge.owner);
        period.iter().map(move |day| (day, holder, cost.amount_in(one(day))))
    });
    let daily = daily.map(|(day, holder, amount)| (day, holder, Amounts::new(amount, 0, 0)));
    let moved = usage.plan.settle_charges(0, daily.filter(|(.., amounts)| !amounts.is_empty()), made, |_| period.from);
    flows(&usage.plan, &usage.owners, &moved)
}

fn one(day: NaiveDate) -> Period {
    Period { from: day, to: day.succ_opt().unwrap_or(day) }
}

fn holder(usage: &Usage, owner: &ChargeOwner) -> Holder {
    let at = |names: &[String], slug: &str| names.iter().position(|name| name == slug);
    let found = match owner {
        ChargeOwner::Project(slug) => at(&usage.owners.projects, slug.as_str()).map(Holder::Project),
        ChargeOwner::Team(slug) => at(&usage.owners.teams, slug.as_str()).map(Holder::Team),
        ChargeOwner::Unallocated => None,
    };
    found.unwrap_or(Holder::Nobody)
}
