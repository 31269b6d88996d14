//! Explore: one or two dimensions over time. Groups are found first, then only the largest are asked step by step.

use super::minutes::Passed;
use super::sql;
use crate::{Backend, Error, OrgScope, keys, projects};
use chrono::{DateTime, Duration, Timelike, Utc};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::{Period, Zone};
use domain::spend::{
    BucketStart, ChartKind, ComparisonLine, Dimension, Explore, ExploreQuery, ExploreStep, Filter, Granularity, Group,
    HeatMap, MAX_ROWS, SpendQuery, SpendRange, SpendRow, Sums, starts,
};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Answers Explore.
///
/// # Errors
/// `Unprocessable` for dimensions or a measure that no rollup carries together; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn explore(backend: &Backend, scope: &OrgScope, query: ExploreQuery) -> Result<Explore, Error> {
    scope.require(Permission::Read)?;
    let ask = Ask { backend, scope, query: &query };
    let ((groups, total), before, names) =
        futures::try_join!(ask.groups(query.range), ask.before(), all_names(backend, scope, &query.group_by))?;
    let (before_groups, before_total) = before.unzip();
    let mut groups = merge_periods(groups, before_groups, &names);
    groups.sort_by_key(|group| (Reverse(query.rank(&group.sums)), Reverse(group.sums.requests)));
    let used = groups.iter().filter(|group| !group.sums.is_empty()).count();
    let chart = query.effective_chart();
    let drawn = drawn(&query, &groups);
    let bucket = query.effective_bucket();
    let line = if chart.is_over_time() { line(&query, bucket) } else { None };
    let (by_group, all, all_before, orders, heat) = futures::try_join!(
        ask.drawn(&drawn, bucket),
        ask.all_steps(bucket),
        ask.steps_before(line.map(|(_, range)| range), bucket),
        ask.orders(&groups),
        ask.heat(),
    )?;
    let steps = ask.build_steps(bucket, &drawn, &by_group, &all, &all_before);
    number(&query, &drawn, &orders, &mut groups);
    let mut rank = 0..;
    groups.retain(|group| rank.next().is_some_and(|rank| rank < query.groups()) || group.order.is_some());
    Ok(Explore {
        now: scope.zone().local(backend.clock.now()),
        more_groups: count(used.saturating_sub(groups.len())),
        other_groups: count(used.saturating_sub(drawn.len())),
        groups,
        steps,
        heat,
        line: line.map(|(line, _)| line),
        total,
        before: before_total,
        minutes: ask.passed(query.range).minutes(None),
        minutes_before: query.previous.map_or(Decimal::ZERO, |range| ask.passed(range).minutes(None)),
        query,
    })
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The groups with colours of their own, of those in order: the first, and those without a value.
fn drawn(query: &ExploreQuery, groups: &[Group]) -> Vec<Vec<Option<String>>> {
    let over_time = query.effective_chart().is_over_time();
    let is_drawn = |(rank, group): &(usize, &Group)| {
        !group.sums.is_empty() && over_time && (*rank < query.top || group.is_missing())
    };
    groups.iter().enumerate().filter(is_drawn).map(|(_, group)| group.keys.clone()).collect()
}

/// Gives the groups that are drawn the numbers by which they keep their colours.
fn number(query: &ExploreQuery, drawn: &[Vec<Option<String>>], orders: &BTreeMap<String, usize>, groups: &mut [Group]) {
    for (rank, group) in groups.iter_mut().enumerate() {
        let is_field = query.effective_chart() == ChartKind::Treemap && rank < domain::spend::TREEMAP_GROUPS;
        let number = || orders.get(group.key().unwrap_or_default()).copied().unwrap_or_default();
        group.order = (drawn.contains(&group.keys) || is_field).then(number);
    }
}

/// The same for a small chart over time with its total: of the span one reading, of the span before its total alone.
///
/// # Errors
/// As [`explore`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn glance(backend: &Backend, scope: &OrgScope, query: ExploreQuery) -> Result<Explore, Error> {
    scope.require(Permission::Read)?;
    let chart = if query.chart.is_over_time() { query.chart } else { ChartKind::Bars };
    let query = ExploreQuery { chart, ..query };
    let ask = Ask { backend, scope, query: &query };
    let bucket = query.effective_bucket();
    let steps = ask.over(query.range).per(bucket).by(query.group_by.clone());
    let ((rows, total), before, names) = futures::try_join!(
        grouped(backend, scope, &steps, MAX_ROWS + 1),
        ask.total(query.previous),
        all_names(backend, scope, &query.group_by)
    )?;
    // Peaks and customers do not follow from parts, and a chart of so many groups needs its largest first.
    if rows.len() > MAX_ROWS || query.measure.needs().is_of_the_whole() {
        return Box::pin(explore(backend, scope, query)).await;
    }
    let all = summed(&rows, |row| (row.bucket, Vec::new()));
    let mut groups = merge_periods(summed(&rows, |row| (None, row.keys.clone())), None, &names);
    groups.sort_by_key(|group| (Reverse(query.rank(&group.sums)), Reverse(group.sums.requests)));
    let (drawn, orders) = (drawn(&query, &groups), ask.orders(&groups).await?);
    number(&query, &drawn, &orders, &mut groups);
    Ok(Explore {
        now: scope.zone().local(backend.clock.now()),
        more_groups: 0,
        other_groups: count(groups.len().saturating_sub(drawn.len())),
        steps: ask.build_steps(bucket, &drawn, &rows, &all, &[]),
        groups,
        heat: None,
        line: None,
        total,
        before,
        minutes: ask.passed(query.range).minutes(None),
        minutes_before: query.previous.map_or(Decimal::ZERO, |range| ask.passed(range).minutes(None)),
        query,
    })
}

/// Rows that share what they are told apart by, as one.
fn summed(rows: &[SpendRow], by: impl Fn(&SpendRow) -> (Option<BucketStart>, Vec<Option<String>>)) -> Vec<SpendRow> {
    let mut sums: HashMap<_, Sums> = HashMap::new();
    for row in rows {
        sums.entry(by(row)).or_default().add(&row.sums);
    }
    sums.into_iter().map(|((bucket, keys), sums)| SpendRow { bucket, keys, sums }).collect()
}

/// The values of a dimension in a span, by falling spend: what a filter offers.
///
/// # Errors
/// As [`explore`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn values(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
    dimension: Dimension,
    limit: usize,
) -> Result<Vec<Group>, Error> {
    scope.require(Permission::Read)?;
    let query = SpendQuery::over(period).by([dimension.clone()]);
    let (rows, _) = grouped(backend, scope, &query, limit).await?;
    let mut groups = merge_periods(rows, None, &all_names(backend, scope, &[dimension]).await?);
    groups.sort_by_key(|group| Reverse(group.sums.spend));
    Ok(groups)
}

async fn grouped(
    backend: &Backend,
    scope: &OrgScope,
    query: &SpendQuery,
    limit: usize,
) -> Result<(Vec<SpendRow>, Sums), Error> {
    super::grouped(backend, scope, SpendScope::Organization, query, limit).await
}

struct Ask<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    query: &'a ExploreQuery,
}

impl Ask<'_> {
    fn over(&self, range: SpendRange) -> SpendQuery {
        let query = SpendQuery::over(range).measuring(self.query.measures());
        SpendQuery { filters: self.query.filters.clone(), metric: self.query.metric.clone(), ..query }
    }

    fn passed(&self, range: SpendRange) -> Passed {
        Passed { zone: self.scope.zone(), range, now: self.backend.clock.now() }
    }

    async fn groups(&self, range: SpendRange) -> Result<(Vec<SpendRow>, Sums), Error> {
        let query = self.over(range).by(self.query.group_by.clone());
        grouped(self.backend, self.scope, &query, MAX_ROWS).await
    }

    async fn before(&self) -> Result<Option<(Vec<SpendRow>, Sums)>, Error> {
        match self.query.previous {
            Some(range) => self.groups(range).await.map(Some),
            None => Ok(None),
        }
    }

    async fn total(&self, range: Option<SpendRange>) -> Result<Option<Sums>, Error> {
        let Some(range) = range else { return Ok(None) };
        Ok(Some(grouped(self.backend, self.scope, &self.over(range), 1).await?.1))
    }

    /// The largest groups step by step; of two dimensions with every other pair of their values.
    async fn drawn(&self, drawn: &[Vec<Option<String>>], bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        if drawn.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = self.over(self.query.range).per(bucket).by(self.query.group_by.clone());
        for (position, dimension) in self.query.group_by.iter().enumerate() {
            let mut values: Vec<String> =
                drawn.iter().filter_map(|keys| keys.get(position)).map(|key| key.clone().unwrap_or_default()).collect();
            values.sort_unstable();
            values.dedup();
            query.filters.push(Filter::only(dimension.clone(), values));
        }
        Ok(grouped(self.backend, self.scope, &query, usize::MAX).await?.0)
    }

    async fn steps(&self, range: SpendRange, bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        Ok(grouped(self.backend, self.scope, &self.over(range).per(bucket), usize::MAX).await?.0)
    }

    async fn all_steps(&self, bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        if self.query.effective_chart().is_over_time() {
            self.steps(self.query.range, bucket).await
        } else {
            Ok(Vec::new())
        }
    }

    async fn steps_before(
        &self,
        range: Option<SpendRange>,
        bucket: Granularity,
    ) -> Result<Vec<Option<Decimal>>, Error> {
        let Some(range) = range else { return Ok(Vec::new()) };
        let rows = self.steps(range, bucket).await?;
        let known = by_bucket(&rows);
        let buckets = buckets(self.scope.zone(), range, bucket);
        Ok(buckets.iter().map(|bucket| self.value(range, *bucket, known.get(bucket).copied())).collect())
    }

    /// The measure of a bucket's sums; where there are none, of sums that are zero.
    fn value(&self, range: SpendRange, bucket: BucketStart, sums: Option<&Sums>) -> Option<Decimal> {
        let measure = self.query.measure;
        let per_minute = measure.is_per_minute().then(|| self.passed(range).minutes(Some(bucket)));
        sums.unwrap_or(&Sums::nothing(measure.needs())).of(measure, per_minute.unwrap_or_default())
    }

    /// Every hour of the span, by weekday.
    async fn heat(&self) -> Result<Option<HeatMap>, Error> {
        if self.query.effective_chart() != ChartKind::Heatmap {
            return Ok(None);
        }
        let range = self.query.range;
        let rows = self.steps(range, Granularity::Hour).await?;
        let (known, nothing) = (by_bucket(&rows), Sums::nothing(self.query.measure.needs()));
        let mut heat = HeatMap::default();
        for bucket in buckets(self.scope.zone(), range, Granularity::Hour) {
            let sums = known.get(&bucket).copied().unwrap_or(&nothing);
            if let Some(at) = bucket.hour() {
                heat.add(at, sums, self.passed(range).minutes(Some(bucket)));
            }
        }
        Ok(Some(heat))
    }

    /// By what each value of the first dimension keeps its colour.
    async fn orders(&self, groups: &[Group]) -> Result<BTreeMap<String, usize>, Error> {
        let most = domain::spend::TREEMAP_GROUPS;
        let words = groups.iter().take(most).map(|group| group.key().unwrap_or_default().to_owned()).collect();
        sql::orders(&self.backend.pool, self.scope, self.query.dimension(), Some(words)).await
    }

    fn build_steps(
        &self,
        bucket: Granularity,
        drawn: &[Vec<Option<String>>],
        by_group: &[SpendRow],
        all: &[SpendRow],
        before: &[Option<Decimal>],
    ) -> Vec<ExploreStep> {
        let range = self.query.range;
        if !self.query.effective_chart().is_over_time() {
            return Vec::new();
        }
        let (totals, nothing) = (by_bucket(all), Sums::nothing(self.query.measure.needs()));
        let cells: HashMap<_, _> = by_group.iter().map(|row| ((row.bucket, &row.keys), &row.sums)).collect();
        let step = |(index, bucket): (usize, BucketStart)| {
            let total = totals.get(&bucket).copied().unwrap_or(&nothing);
            let parts: Vec<_> = drawn.iter().map(|keys| cells.get(&(Some(bucket), keys)).copied()).collect();
            let rest = parts.iter().flatten().fold(total.clone(), |left, part| left.less(part));
            ExploreStep {
                drawn: parts.into_iter().map(|part| self.value(range, bucket, part)).collect(),
                rest: self.value(range, bucket, Some(&rest)),
                total: self.value(range, bucket, Some(total)),
                before: before.get(index).copied().flatten(),
                bucket,
            }
        };
        buckets(self.scope.zone(), range, bucket).into_iter().enumerate().map(step).collect()
    }
}

/// What the steps are compared with, where they correspond: days weekday by weekday, hours of equally long spans.
fn line(query: &ExploreQuery, bucket: Granularity) -> Option<(ComparisonLine, SpendRange)> {
    let before = query.previous?;
    match (bucket, query.range, before) {
        (Granularity::Hour, ..) => Some((ComparisonLine::Before(before), before)),
        (Granularity::Day, SpendRange::Days { from, to }, SpendRange::Days { from: from_before, to: to_before }) => {
            let before = Period { from: from_before, to: to_before };
            let (line, days) = ComparisonLine::of_days(Period { from, to }, before);
            Some((line, days.into()))
        }
        _ => None,
    }
}

fn by_bucket(rows: &[SpendRow]) -> HashMap<BucketStart, &Sums> {
    rows.iter().filter_map(|row| Some((row.bucket?, &row.sums))).collect()
}

/// What people call the values of each dimension.
async fn all_names(
    backend: &Backend,
    scope: &OrgScope,
    dimensions: &[Dimension],
) -> Result<Vec<HashMap<String, String>>, Error> {
    futures::future::try_join_all(dimensions.iter().map(|dimension| names(backend, scope, dimension))).await
}

/// What people call the values of a dimension, where that is not the value itself.
pub(super) async fn names(
    backend: &Backend,
    scope: &OrgScope,
    dimension: &Dimension,
) -> Result<HashMap<String, String>, Error> {
    Ok(match dimension {
        Dimension::Project => {
            let projects = projects::list_projects(backend, scope).await?;
            projects.into_iter().map(|project| (project.slug.into(), project.name)).collect()
        }
        Dimension::Team | Dimension::AllocatedTeam => {
            let teams = projects::list_teams(backend, scope).await?;
            teams.into_iter().map(|team| (team.slug.into(), team.name)).collect()
        }
        Dimension::ProductLine => {
            let lines = projects::list_product_lines(backend, scope).await?;
            lines.into_iter().map(|line| (line.slug.into(), line.name)).collect()
        }
        Dimension::ApiKey => {
            let keys = keys::list(backend, scope).await?;
            keys.into_iter().map(|key| (key.key_id.to_string(), key.name)).collect()
        }
        _ => HashMap::new(),
    })
}

/// Groups of now and before under one key each.
fn merge_periods(now: Vec<SpendRow>, before: Option<Vec<SpendRow>>, names: &[HashMap<String, String>]) -> Vec<Group> {
    let has_before = before.is_some();
    let mut both: BTreeMap<Vec<Option<String>>, (Sums, Sums)> = BTreeMap::new();
    for row in now {
        both.entry(row.keys).or_default().0 = row.sums;
    }
    for row in before.into_iter().flatten() {
        both.entry(row.keys).or_default().1 = row.sums;
    }
    let name = |(key, names): (&Option<String>, &HashMap<String, String>)| {
        key.as_ref().and_then(|key| names.get(key)).filter(|name| Some(*name) != key.as_ref()).cloned()
    };
    let group = |(keys, (sums, before)): (Vec<Option<String>>, (Sums, Sums))| Group {
        names: keys.iter().zip(names).map(name).collect(),
        keys,
        sums,
        before: has_before.then_some(before),
        order: None,
    };
    both.into_iter().map(group).collect()
}

/// Every step of a span, also those without usage.
pub(super) fn buckets(zone: Zone, range: SpendRange, bucket: Granularity) -> Vec<BucketStart> {
    let hours = |(from, to)| hours(zone, from, to);
    match range {
        SpendRange::Instants { from, to } => hours((from, to)),
        SpendRange::Days { from, to } if bucket == Granularity::Hour => hours(zone.instants(Period { from, to })),
        SpendRange::Days { from, to } => {
            starts(Period { from, to }, bucket).into_iter().filter_map(|day| BucketStart::of(bucket, day)).collect()
        }
    }
}

/// Quarter by quarter, so that hours of half-hour zones and repeated hours come out as they are.
fn hours(zone: Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<BucketStart> {
    let mut hours: Vec<BucketStart> = std::iter::successors(Some(from), |at| Some(*at + Duration::minutes(15)))
        .take_while(|at| *at < to)
        .map(|at| {
            let local = zone.local(at);
            BucketStart::Hour(local - Duration::minutes(local.minute().into()))
        })
        .collect();
    hours.dedup();
    hours
}
