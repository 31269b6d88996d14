//! Sums of the ledger by the ways that rules give them, as of one moment.

use super::sql::{self, Lanes};
use crate::{Error, OrgScope, rules};
use chrono::NaiveDate;
use domain::allocation::{AllocationRule, Amounts, Cell, Owners, Plan, Route, RouteId, SeriesWords};
use domain::period::Period;
use domain::rule::RuleKind;
use domain::spend::Dimension;
use sqlx::PgConnection;
use std::collections::HashMap;

/// Rules over some whole calendar months, and the sums of these.
pub(super) struct Usage {
    pub(super) owners: Owners,
    pub(super) plan: Plan,
    pub(super) series: Vec<(i64, SeriesWords)>,
    ways: Vec<Way>,
    sums: Vec<(NaiveDate, i32, Amounts)>,
}

/// One route by each list of rules, and the series where its sums are kept apart.
type Way = (Vec<RouteId>, Option<usize>);

/// Sums of one day of a series.
pub(super) struct Apart<'a> {
    pub(super) day: NaiveDate,
    pub(super) series: &'a SeriesWords,
    pub(super) amounts: Amounts,
}

impl Usage {
    /// Reads what rules and their variants need; sums of series are kept apart on routes where `apart` says so.
    pub(super) async fn read(
        connection: &mut PgConnection,
        scope: &OrgScope,
        lists: &[Vec<AllocationRule>],
        days: Period,
        apart: impl Fn(&Route) -> bool,
    ) -> Result<Self, Error> {
        let (owners, projects) = sql::owners(connection, scope, days).await?;
        let mut plan = Plan::new(&owners, lists, days);
        let series = sql::series(connection, scope, &projects).await?;
        let mut lanes = Lanes::default();
        for (label_id, key, value) in sql::labels(connection, scope, &plan.label_keys()).await? {
            let key: Dimension = key.parse().map_err(|_| Error::inconsistent("labels", "label", key))?;
            let class = plan.class(&key, &value);
            if class > 0 {
                lanes.labels.push(label_id);
                lanes.label_classes.push(small(class));
            }
        }
        let mut ways: Vec<Way> = Vec::new();
        let mut known: HashMap<Way, i32> = HashMap::new();
        for (number, (series_id, words)) in series.iter().enumerate() {
            for (class, (period, routes)) in plan.lanes(words) {
                let is_apart = routes.first().is_some_and(|route| apart(plan.route(*route)));
                let way: Way = (routes, is_apart.then_some(number));
                lanes.series.push(*series_id);
                lanes.classes.push(small(class));
                lanes.from.push(period.from);
                lanes.to.push(period.to);
                lanes.ways.push(*known.entry(way.clone()).or_insert_with(|| {
                    ways.push(way);
                    small(ways.len() - 1)
                }));
            }
        }
        let sums = sql::sums(connection, scope, days, &lanes).await?;
        Ok(Self { owners, plan, series, ways, sums })
    }

    /// The sums on the routes of one list of rules.
    pub(super) fn cells(&self, list: usize) -> impl Iterator<Item = Cell> {
        let routes = |way: i32| Some(&self.ways.get(usize::try_from(way).ok()?)?.0);
        self.sums.iter().filter_map(move |(day, way, amounts)| {
            Some(Cell { day: *day, route: *routes(*way)?.get(list)?, amounts: *amounts })
        })
    }

    /// The sums of series that are kept apart.
    pub(super) fn apart(&self) -> impl Iterator<Item = Apart<'_>> {
        self.sums.iter().filter_map(|(day, way, amounts)| {
            let (_, series) = self.ways.get(usize::try_from(*way).ok()?)?;
            let (_, series) = self.series.get((*series)?)?;
            Some(Apart { day: *day, series, amounts: *amounts })
        })
    }
}

/// The rules that count, in their order.
pub(super) async fn rules_in_order(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Vec<AllocationRule>, Error> {
    let stored = rules::known(connection, scope, &[RuleKind::Allocation], None).await?;
    Ok(in_order(rules::of_kind(&stored)?))
}

/// In the order in which they apply.
pub(super) fn in_order(mut rules: Vec<AllocationRule>) -> Vec<AllocationRule> {
    rules.sort_by_key(|rule| (rule.position, rule.rule_id));
    rules
}

/// Numbers of classes and ways are those of a handful of rules times a few thousand series.
fn small(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
