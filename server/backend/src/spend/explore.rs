//! Explore: one dimension over time. Groups are found first, then only the largest are asked step by step.

use crate::{Backend, Error, OrgScope, keys, projects};
use chrono::{Duration, Timelike};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::{Period, Zone};
use domain::spend::{
    BucketStart, DRAWN_GROUPS, Dimension, Explore, ExploreQuery, ExploreStep, Filter, Granularity, Group, MAX_ROWS,
    Measure, SpendQuery, SpendRow, Sums, starts,
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
        futures::try_join!(ask.groups(query.period), ask.before(), names(backend, scope, &query.dimension))?;
    let (before_groups, before_total) = before.unzip();
    let mut groups = merge_periods(groups, before_groups, &names);
    groups.sort_by_key(|group| (Reverse(group.sums.of(query.measure)), Reverse(group.sums.requests)));
    let used = groups.iter().filter(|group| !group.sums.is_empty()).count();
    let bucket = query.effective_bucket();
    let drawn: Vec<_> = groups.iter().take(DRAWN_GROUPS).map(|group| group.key.clone()).collect();
    let (by_group, all, all_before) =
        futures::try_join!(ask.drawn(&drawn, bucket), ask.steps(query.period, bucket), ask.steps_before(bucket),)?;
    let buckets = buckets(scope.zone(), query.period, bucket);
    let steps = build_steps(buckets, &drawn, &by_group, &all, &all_before, query.measure);
    groups.truncate(query.groups());
    Ok(Explore {
        now: scope.zone().local(backend.clock.now()),
        more_groups: u64::try_from(used.saturating_sub(query.groups())).unwrap_or(u64::MAX),
        groups,
        steps,
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
    fn over(&self, period: Period) -> SpendQuery {
        let mut query = SpendQuery::over(period);
        query.filters.clone_from(&self.query.filters);
        query
    }

    async fn groups(&self, period: Period) -> Result<(Vec<SpendRow>, Sums), Error> {
        let query = self.over(period).by([self.query.dimension.clone()]);
        grouped(self.backend, self.scope, &query, MAX_ROWS).await
    }

    async fn before(&self) -> Result<Option<(Vec<SpendRow>, Sums)>, Error> {
        match self.query.previous {
            Some(period) => self.groups(period).await.map(Some),
            None => Ok(None),
        }
    }

    /// The largest groups step by step.
    async fn drawn(&self, drawn: &[Option<String>], bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        if drawn.is_empty() {
            return Ok(Vec::new());
        }
        let dimension = self.query.dimension.clone();
        let mut query = self.over(self.query.period).per(bucket).by([dimension.clone()]);
        let values = drawn.iter().map(|key| key.clone().unwrap_or_default()).collect();
        query.filters.push(Filter { dimension, values, exclude: false });
        Ok(grouped(self.backend, self.scope, &query, usize::MAX).await?.0)
    }

    async fn steps(&self, period: Period, bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        Ok(grouped(self.backend, self.scope, &self.over(period).per(bucket), usize::MAX).await?.0)
    }

    /// The span before, place by place: only days and hours of equally long spans correspond.
    async fn steps_before(&self, bucket: Granularity) -> Result<Vec<Decimal>, Error> {
        let Some(period) = self.query.previous.filter(|_| bucket == Granularity::Day) else { return Ok(Vec::new()) };
        let rows = self.steps(period, bucket).await?;
        let known = by_bucket(&rows, self.query.measure);
        Ok(period.iter().map(|day| known.get(&BucketStart::Day(day)).copied().unwrap_or_default()).collect())
    }
}

fn by_bucket(rows: &[SpendRow], measure: Measure) -> HashMap<BucketStart, Decimal> {
    rows.iter().filter_map(|row| Some((row.bucket?, row.sums.of(measure)))).collect()
}

/// What people call the values of a dimension, where that is not the value itself.
async fn names(backend: &Backend, scope: &OrgScope, dimension: &Dimension) -> Result<HashMap<String, String>, Error> {
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
        })
        .collect();
    groups.sort_by_key(|group| Reverse(group.sums.spend));
    groups
}

/// Every step of a span, also those without usage.
fn buckets(zone: Zone, period: Period, bucket: Granularity) -> Vec<BucketStart> {
    match bucket {
        Granularity::Hour => hours(zone, period),
        _ => starts(period, bucket).into_iter().filter_map(|day| BucketStart::of(bucket, day)).collect(),
    }
}

/// Quarter by quarter, so that hours of half-hour zones and repeated hours come out as they are.
fn hours(zone: Zone, period: Period) -> Vec<BucketStart> {
    let (from, to) = zone.instants(period);
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
