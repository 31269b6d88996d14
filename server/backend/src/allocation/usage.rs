//! Sums of the ledger by the ways that rules give them, as of one moment.

use super::sql::{self, GroupSums, Grouping};
use crate::{Error, OrgScope, business_metrics, rules};
use chrono::NaiveDate;
use domain::allocation::{AllocationRule, Amounts, Cell, Lane, Owners, Plan, Route, RouteId, SeriesWords, Test};
use domain::period::Period;
use domain::rule::RuleKind;
use domain::spend::Dimension;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Rules over some whole calendar months, and the sums of these.
pub(super) struct Usage {
    pub(super) owners: Owners,
    pub(super) plan: Plan,
    series: Vec<(i64, SeriesWords)>,
    cells: Vec<WayCell>,
    groups: Groups,
    /// The group of each series.
    members: HashMap<i64, i32>,
    /// Whether sums have the series as their part, or one of those that are told apart from others as it is.
    told: bool,
}

/// Sums of a day, or of all days from it on on which nothing changes.
struct WayCell {
    day: NaiveDate,
    /// The route by each list of rules.
    routes: Vec<RouteId>,
    /// The series, where it is kept apart.
    series: Option<usize>,
    amounts: Amounts,
}

/// Sums of a series that is kept apart.
pub(super) struct Apart<'a> {
    pub(super) day: NaiveDate,
    pub(super) series: &'a SeriesWords,
    pub(super) amounts: Amounts,
}

/// Whether sums of series are kept apart on a route, and by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Together,
    Apart,
    ApartByDay,
}

/// What is asked of sums beyond where they go.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// By which words series are told apart; labels, teams and what rules find out are none.
    pub(super) words: Vec<Dimension>,
    /// Whether every day is a sum of its own.
    pub(super) by_day: bool,
}

impl Usage {
    /// Reads what lists of rules need, over whole calendar months; `kept` says of which routes of the first list series are kept apart.
    pub(super) async fn read(
        connection: &mut PgConnection,
        scope: &OrgScope,
        lists: &[Vec<AllocationRule>],
        (days, wanted): (Period, Period),
        kept: impl Fn(&Route) -> Kept,
    ) -> Result<Self, Error> {
        Self::told(connection, scope, lists, (days, wanted), kept, None).await
    }

    /// As [`Self::read`], with every sum telling its series where something is asked of it.
    pub(super) async fn told(
        connection: &mut PgConnection,
        scope: &OrgScope,
        lists: &[Vec<AllocationRule>],
        (days, wanted): (Period, Period),
        kept: impl Fn(&Route) -> Kept,
        told: Option<&Told>,
    ) -> Result<Self, Error> {
        let (owners, projects) = sql::owners(connection, scope, days).await?;
        let lists = counted(&sql::aliases(connection, scope).await?, lists);
        let plan = Plan::new(&owners, &lists, days, wanted);
        let metrics: Vec<&str> = plan.metrics().into_iter().collect();
        let values = business_metrics::values_in(connection, scope, &metrics, days).await?;
        let mut plan = plan.with_metrics(&owners, &values);
        let series = sql::series(connection, scope, &projects).await?;
        let mut grouping =
            Grouping { parts: plan.parts().iter().map(|(from, _)| *from).collect(), ..Grouping::default() };
        for (label_id, key, value) in sql::labels(connection, scope, &plan.label_keys()).await? {
            let key: Dimension = key.parse().map_err(|_| Error::inconsistent("labels", "label", key))?;
            let class = plan.class(&key, &value);
            grouping.labels.extend((class > 0).then(|| (label_id, small(class))));
        }
        let mut alike: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, (_, words)) in series.iter().enumerate() {
            alike.entry(plan.group(words)).or_default().push(number);
        }
        let is_told = told.is_some_and(|told| !told.words.is_empty());
        let mut groups = Groups::default();
        // Groups that other rules tell apart may go the same ways here.
        let mut together: BTreeMap<Vec<Lane>, Vec<usize>> = BTreeMap::new();
        for (group, members) in alike {
            together.entry(plan.lanes(group)).or_default().extend(members);
        }
        for (lanes, members) in together {
            let kept_of = |lane: &Lane| lane.routes.first().map_or(Kept::Together, |route| kept(plan.route(*route)));
            let is_split = |lane: &Lane| lane.routes.iter().any(|route| plan.route(*route).split.is_some());
            let is_split = lanes.iter().any(is_split);
            let by_day = is_split
                || told.is_some_and(|told| told.by_day)
                || lanes.iter().any(|lane| kept_of(lane) == Kept::ApartByDay);
            let is_apart = lanes.iter().any(|lane| kept_of(lane) != Kept::Together);
            let way = |lane: &Lane| {
                let is_apart = is_told || kept_of(lane) != Kept::Together;
                ((lane.class, lane.epoch), (is_apart, lane.routes.clone()))
            };
            let ways: Arc<Ways> = Arc::new(lanes.iter().map(way).collect());
            // What is split is cut to the last place series by series, so that it does not matter what is asked of them.
            let parts = match told {
                Some(told) if is_told && !is_split => told.parts(&series, members),
                _ if is_told || is_apart => members.into_iter().map(|member| vec![member]).collect(),
                _ => vec![members],
            };
            for part in parts {
                let number = small(groups.0.len());
                grouping.series.extend(part.iter().map(|member| (series[*member].0, number, by_day)));
                groups.0.push((Arc::clone(&ways), part.first().copied()));
            }
        }
        let sums = sql::sums(connection, scope, days, &grouping).await?;
        let cells = sums.iter().flat_map(|sums| groups.cells(&plan, sums)).collect();
        let members = grouping.series.iter().map(|(series, group, _)| (*series, *group)).collect();
        Ok(Self { owners, plan, series, cells, groups, members, told: is_told })
    }

    /// The sums on the routes of one list of rules.
    pub(super) fn cells(&self, list: usize) -> impl Iterator<Item = Cell> {
        let part = |cell: &WayCell| cell.series.filter(|_| self.told).map_or(0, |series| series + 1);
        let cell = move |cell: &WayCell| {
            Some(Cell { day: cell.day, route: *cell.routes.get(list)?, part: part(cell), amounts: cell.amounts })
        };
        self.cells.iter().filter_map(cell)
    }

    /// Which way usage of a series goes on a day by the first list of rules; `label` is the value of each label.
    pub(super) fn route<'a>(
        &self,
        series: i64,
        day: NaiveDate,
        label: impl Fn(&Dimension) -> &'a str,
    ) -> Option<RouteId> {
        let (ways, _) = self.groups.0.get(usize::try_from(*self.members.get(&series)?).ok()?)?;
        let epoch = self.plan.epoch(day);
        let classes = self.plan.label_keys().into_iter().map(|key| self.plan.known_class(&key, label(&key)));
        let own = classes.filter(|class| *class > 0).find_map(|class| ways.get(&(class, epoch)));
        own.or_else(|| ways.get(&(0, epoch))).and_then(|(_, routes)| routes.first().copied())
    }

    /// The series that a part of the settled sums is of.
    pub(super) fn series_of(&self, part: usize) -> Option<&SeriesWords> {
        self.series.get(part.checked_sub(1)?).map(|(_, words)| words)
    }

    /// The sums of series that are kept apart.
    pub(super) fn apart(&self) -> impl Iterator<Item = Apart<'_>> {
        self.cells.iter().filter_map(|cell| {
            let (_, series) = self.series.get(cell.series?)?;
            Some(Apart { day: cell.day, series, amounts: cell.amounts })
        })
    }
}

impl Told {
    /// Series with the same words together.
    fn parts(&self, series: &[(i64, SeriesWords)], members: Vec<usize>) -> Vec<Vec<usize>> {
        let mut alike: BTreeMap<(usize, Vec<&str>), Vec<usize>> = BTreeMap::new();
        for member in members {
            let (_, of) = &series[member];
            let project = if self.words.contains(&Dimension::Project) { of.project } else { 0 };
            let words = self.words.iter().map(|dimension| of.word(dimension)).collect();
            alike.entry((project, words)).or_default().push(member);
        }
        alike.into_values().collect()
    }
}

/// Rules whose conditions name values as they count: one that was entered before its value became an alias takes what it took.
fn counted(aliases: &HashMap<(String, String), String>, lists: &[Vec<AllocationRule>]) -> Vec<Vec<AllocationRule>> {
    let mut lists = lists.to_vec();
    let conditions = lists.iter_mut().flatten().flat_map(|rule| &mut rule.conditions);
    for condition in conditions.filter(|condition| matches!(condition.test, Test::Is | Test::IsNot)) {
        let name = condition.dimension.name();
        for value in &mut condition.values {
            if let Some(canonical) = aliases.get(&(name.clone(), value.clone())) {
                value.clone_from(canonical);
            }
        }
    }
    lists
}

/// By class and epoch: whether series are kept apart there, and the routes.
type Ways = HashMap<(usize, usize), (bool, Vec<RouteId>)>;

/// Groups of series that go the same ways, each with its first member.
#[derive(Default)]
struct Groups(Vec<(Arc<Ways>, Option<usize>)>);

impl Groups {
    /// Sums on their way. What has a label that goes another way is not with the rest.
    fn cells(&self, plan: &Plan, sums: &GroupSums) -> Vec<WayCell> {
        let at = |number: i32| usize::try_from(number).unwrap_or_default();
        let (class, epoch) = (at(sums.class), plan.epoch(sums.day));
        let Some((ways, member)) = self.0.get(at(sums.group)) else { return Vec::new() };
        let cell = |class: usize, amounts: Amounts| {
            let (is_apart, routes) = ways.get(&(class, epoch))?;
            let series = member.filter(|_| *is_apart);
            Some(WayCell { day: sums.day, routes: routes.clone(), series, amounts })
        };
        let own = cell(class, sums.amounts);
        let rest = own.as_ref().filter(|_| class > 0).and_then(|_| cell(0, -sums.amounts));
        own.into_iter().chain(rest).collect()
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

/// Numbers of classes and groups are those of some hundred rules and a few thousand series.
fn small(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
