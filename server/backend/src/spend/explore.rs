//! Explore: one dimension over time. Groups are found first, then only the largest are asked step by step.

use super::sql;
use crate::{Backend, Error, OrgScope, keys, projects};
use chrono::{DateTime, Duration, Timelike, Utc};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::{Period, Zone};
use domain::spend::{
    BucketStart, ComparisonLine, DRAWN_GROUPS, Dimension, Explore, ExploreQuery, ExploreStep, Filter, Granularity,
    Group, MAX_ROWS, Measure, SpendQuery, SpendRange, SpendRow, Sums, starts,
};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Answers Explore.
///
/// # Errors
/// `Unprocessable` for dimensions that no rollup carries together; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn explore(backend: &Backend, scope: &OrgScope, query: ExploreQuery) -> Result<Explore, Error> {
    scope.require(Permission::Read)?;
    let ask = Ask { backend, scope, query: &query };
    let ((groups, total), before, names) =
        futures::try_join!(ask.groups(query.range), ask.before(), names(backend, scope, &query.dimension))?;
    let (before_groups, before_total) = before.unzip();
    let mut groups = merge_periods(groups, before_groups, &names);
    groups.sort_by_key(|group| (Reverse(group.sums.of(query.measure)), Reverse(group.sums.requests)));
    let used = groups.iter().filter(|group| !group.sums.is_empty()).count();
    let bucket = query.effective_bucket();
    let drawn: Vec<_> = groups.iter().take(DRAWN_GROUPS).map(|group| group.key.clone()).collect();
    let line = line(&query, bucket);
    let (by_group, all, all_before, orders) = futures::try_join!(
        ask.drawn(&drawn, bucket),
        ask.steps(query.range, bucket),
        ask.steps_before(line.map(|(_, range)| range), bucket),
        ask.orders(&drawn),
    )?;
    for group in groups.iter_mut().take(DRAWN_GROUPS) {
        group.order = orders.get(group.key.as_deref().unwrap_or_default()).copied();
    }
    let buckets = buckets(scope.zone(), query.range, bucket);
    let steps = build_steps(buckets, &drawn, &by_group, &all, &all_before, query.measure);
    groups.truncate(query.groups());
    Ok(Explore {
        now: scope.zone().local(backend.clock.now()),
        more_groups: u64::try_from(used.saturating_sub(query.groups())).unwrap_or(u64::MAX),
        groups,
        steps,
        line: line.map(|(line, _)| line),
        total,
        before: before_total,
        query,
    })
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
    Ok(merge_periods(rows, None, &names(backend, scope, &dimension).await?))
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
        let mut query = SpendQuery::over(range);
        query.filters.clone_from(&self.query.filters);
        query
    }

    async fn groups(&self, range: SpendRange) -> Result<(Vec<SpendRow>, Sums), Error> {
        let query = self.over(range).by([self.query.dimension.clone()]);
        grouped(self.backend, self.scope, &query, MAX_ROWS).await
    }

    async fn before(&self) -> Result<Option<(Vec<SpendRow>, Sums)>, Error> {
        match self.query.previous {
            Some(range) => self.groups(range).await.map(Some),
            None => Ok(None),
        }
    }

    /// The largest groups step by step.
    async fn drawn(&self, drawn: &[Option<String>], bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        if drawn.is_empty() {
            return Ok(Vec::new());
        }
        let dimension = self.query.dimension.clone();
        let mut query = self.over(self.query.range).per(bucket).by([dimension.clone()]);
        let values = drawn.iter().map(|key| key.clone().unwrap_or_default()).collect();
        query.filters.push(Filter { dimension, values, exclude: false });
        Ok(grouped(self.backend, self.scope, &query, usize::MAX).await?.0)
    }

    async fn steps(&self, range: SpendRange, bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        Ok(grouped(self.backend, self.scope, &self.over(range).per(bucket), usize::MAX).await?.0)
    }

    async fn steps_before(&self, range: Option<SpendRange>, bucket: Granularity) -> Result<Vec<Decimal>, Error> {
        let Some(range) = range else { return Ok(Vec::new()) };
        let rows = self.steps(range, bucket).await?;
        let known = by_bucket(&rows, self.query.measure);
        let buckets = buckets(self.scope.zone(), range, bucket);
        Ok(buckets.iter().map(|bucket| known.get(bucket).copied().unwrap_or_default()).collect())
    }

    /// By what each drawn value keeps its colour.
    async fn orders(&self, drawn: &[Option<String>]) -> Result<BTreeMap<String, usize>, Error> {
        let words = drawn.iter().map(|key| key.clone().unwrap_or_default()).collect();
        sql::orders(&self.backend.pool, self.scope, &self.query.dimension, Some(words)).await
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

fn by_bucket(rows: &[SpendRow], measure: Measure) -> HashMap<BucketStart, Decimal> {
    rows.iter().filter_map(|row| Some((row.bucket?, row.sums.of(measure)))).collect()
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
        Dimension::Team => {
            let teams = projects::list_teams(backend, scope).await?;
            teams.into_iter().map(|team| (team.slug.into(), team.name)).collect()
        }
        Dimension::ApiKey => {
            let keys = keys::list(backend, scope).await?;
            keys.into_iter().map(|key| (key.key_id.to_string(), key.name)).collect()
        }
        _ => HashMap::new(),
    })
}

/// Groups of now and before under one key each.
fn merge_periods(now: Vec<SpendRow>, before: Option<Vec<SpendRow>>, names: &HashMap<String, String>) -> Vec<Group> {
    let has_before = before.is_some();
    let mut both: BTreeMap<Option<String>, (Sums, Sums)> = BTreeMap::new();
    for row in now {
        both.entry(row.keys.into_iter().next().flatten()).or_default().0.add(&row.sums);
    }
    for row in before.into_iter().flatten() {
        both.entry(row.keys.into_iter().next().flatten()).or_default().1.add(&row.sums);
    }
    let mut groups: Vec<_> = both
        .into_iter()
        .map(|(key, (sums, before))| Group {
            name: key.as_ref().and_then(|key| names.get(key)).filter(|name| Some(*name) != key.as_ref()).cloned(),
            key,
            sums,
            before: has_before.then_some(before),
            order: None,
        })
        .collect();
    groups.sort_by_key(|group| Reverse(group.sums.spend));
    groups
}

/// Every step of a span, also those without usage.
fn buckets(zone: Zone, range: SpendRange, bucket: Granularity) -> Vec<BucketStart> {
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

fn build_steps(
    buckets: Vec<BucketStart>,
    drawn: &[Option<String>],
    by_group: &[SpendRow],
    all: &[SpendRow],
    before: &[Decimal],
    measure: Measure,
) -> Vec<ExploreStep> {
    let totals = by_bucket(all, measure);
    let mut cells: HashMap<(BucketStart, &Option<String>), Decimal> = HashMap::new();
    for row in by_group {
        if let (Some(bucket), Some(key)) = (row.bucket, row.keys.first()) {
            cells.insert((bucket, key), row.sums.of(measure));
        }
    }
    let cell = |bucket, key| cells.get(&(bucket, key)).copied().unwrap_or_default();
    buckets
        .into_iter()
        .enumerate()
        .map(|(place, bucket)| ExploreStep {
            drawn: drawn.iter().map(|key| cell(bucket, key)).collect(),
            total: totals.get(&bucket).copied().unwrap_or_default(),
            before: before.get(place).copied(),
            bucket,
        })
        .collect()
}
