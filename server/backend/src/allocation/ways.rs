//! Which way single charges go, for datasets that list them one by one.

use super::usage::{self, Kept, Usage};
use super::{has_rules, sql, whole_months};
use crate::{Backend, Error, OrgScope, projects};
use chrono::NaiveDate;
use domain::allocation::{Allocation, Method, Party, RouteId, month_of};
use domain::focus::row::AllocatedCharge;
use domain::period::Period;
use domain::spend::Dimension;
use std::collections::HashMap;
use std::sync::Arc;

/// The parts that a charge goes to, each with its weight.
pub(crate) type Parts = Arc<Vec<(AllocatedCharge, i128)>>;

/// The ways of some days, as of one moment.
pub(crate) struct Ways {
    usage: Usage,
    made: Allocation,
    names: HashMap<Party, String>,
    effects: HashMap<u64, String>,
    /// By route, month, and when the same rules hold.
    parts: HashMap<(RouteId, NaiveDate, usize), Parts>,
}

impl Ways {
    /// Nothing without rules, and for callers who do not see all projects.
    pub(crate) async fn read(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Option<Self>, Error> {
        if !has_rules(backend, scope).await? {
            return Ok(None);
        }
        let teams = projects::list_teams(backend, scope).await?;
        let all = projects::list_projects(backend, scope).await?;
        let teams = teams.into_iter().map(|team| (Party::Team(team.slug.into()), team.name));
        let all = all.into_iter().map(|project| (Party::Project(project.slug.into()), project.name));
        let _permit = backend.readers.permit(scope).await?;
        let mut snapshot = sql::snapshot(&backend.pool).await?;
        let lists = [usage::rules_in_order(&mut snapshot, scope).await?];
        let spans = (whole_months(period), period);
        let usage = Usage::read(&mut snapshot, scope, &lists, spans, |_| Kept::Together).await?;
        let made = usage.plan.settle(0, usage.cells(0), period, |_| period.from);
        let effects = lists[0].iter().map(|rule| (rule.rule_id, rule.effect_words())).collect();
        Ok(Some(Self { usage, made, names: teams.chain(all).collect(), effects, parts: HashMap::new() }))
    }

    /// The way of a charge of a series on a day, where rules move it; `label` is the value of each label, empty where it has none.
    pub(crate) fn route<'a>(
        &self,
        series: i64,
        day: NaiveDate,
        label: impl Fn(&Dimension) -> &'a str,
    ) -> Option<RouteId> {
        let route = self.usage.route(series, day, label)?;
        let of = self.usage.plan.route(route);
        (of.split.is_some() || !of.moves.is_empty()).then_some(route)
    }

    /// Where a charge on a route goes on a day.
    pub(crate) fn parts(&mut self, route: RouteId, day: NaiveDate) -> Parts {
        let key = (route, month_of(day), self.usage.plan.epoch(day));
        if let Some(known) = self.parts.get(&key) {
            return Arc::clone(known);
        }
        let parts: Parts = Arc::new(self.find(route, day));
        self.parts.insert(key, Arc::clone(&parts));
        parts
    }

    fn find(&self, route: RouteId, day: NaiveDate) -> Vec<(AllocatedCharge, i128)> {
        let plan = &self.usage.plan;
        let portions = plan.portions(0, day, route, &self.made);
        let part = |portion: domain::allocation::Portion| {
            let rule = plan.rule(portion.rule?);
            let to = Party::of(&self.usage.owners, portion.place.holder);
            let charge = AllocatedCharge {
                rule_id: rule.rule_id,
                rule: rule.name.clone(),
                effect: self.effects.get(&rule.rule_id).cloned().unwrap_or_default(),
                unit: match rule.method {
                    Method::Spend => Some("US Dollars"),
                    Method::Requests => Some("Requests"),
                    Method::Tokens => Some("Tokens"),
                    _ => None,
                },
                ratio: portion.ratio(),
                name: self.names.get(&to).cloned(),
                to,
                team: portion.place.team.and_then(|team| self.usage.owners.teams.get(team)).cloned(),
            };
            Some((charge, portion.weight))
        };
        portions.into_iter().filter_map(part).collect()
    }
}
