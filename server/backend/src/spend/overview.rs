//! Overview: one span of days taken apart, beside the span before it.

use super::answers::Asker;
use super::{grouped, last_hour, newest_event_at, sql};
use crate::forecast::ForecastInputs;
use crate::{Backend, Error, OrgScope, budgets, charges, prices, projects};
use chrono::NaiveDate;
use domain::budget::{Crossing, SpendScope};
use domain::identity::Permission;
use domain::meter::Meter;
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{
    CellKey, Changes, ComparisonLine, Dimension, Filter, Granularity, Metered, ModelPart, MonthOutlook, Overview,
    ProjectPart, SpendQuery, SpendRow, Step, Sums, TeamPart, Used, bucket_for, changes, starts,
};
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Most models of projects, and most steps of projects, that are read: far more than a page can show.
const MAX_CELLS: usize = 200_000;
/// Movers listed under "What changed".
const MOVERS: usize = 4;

/// Spend of a part of the organization in a span, by step, project and model, with what changed since `previous`.
///
/// # Errors
/// `Unprocessable` for filters that no rollup carries together; `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn overview(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    period: Period,
    previous: Option<Period>,
    filters: &[Filter],
) -> Result<Overview, Error> {
    scope.require(Permission::Read)?;
    let now = scope.zone().local(backend.clock.now());
    let bucket = bucket_for(period.days());
    let (shown, shown_before) = shown(period, previous, now.date_naive());
    let line = shown_before.filter(|_| bucket == Granularity::Day).map(|before| ComparisonLine::of_days(shown, before));
    let ask = Ask { backend, scope, part, filters };
    let has_before = previous.is_some();
    let (
        (steps, teams_before, under),
        (cells, cells_before),
        known,
        orders,
        team_names,
        newest,
        hour,
        mut crossings,
        unread,
        charged,
    ) = futures::try_join!(
        async {
            futures::try_join!(
                ask.steps(shown, bucket),
                ask.teams_before(previous),
                ask.line(line.map(|(_, days)| days))
            )
        },
        async { futures::try_join!(ask.cells(Some(period), true), ask.cells(previous, has_before)) },
        projects::list_projects(backend, scope),
        sql::orders(&backend.pool, scope, &Dimension::Project, None),
        ask.team_names(),
        newest_event_at(backend, scope, part),
        ask.last_hour(),
        ask.crossings(shown),
        ask.unread_requests(period),
        ask.charged(period),
    )?;
    let (from, to) = scope.zone().instants(period);
    let reported_costs = prices::books(backend, scope).await?.books().reported_counts(from, to);
    crossings.sort_by_key(|crossing| crossing.day);
    let names: BTreeMap<_, _> = known.iter().map(|project| (project.slug.as_str(), project.name.as_str())).collect();
    let included = included(&cells);
    let (by_cell, by_cell_before) = (sums(&cells), sums(&cells_before));
    let projects: Vec<_> = merge_periods(&by_cell, &by_cell_before, has_before, |key| key[0].clone())
        .into_iter()
        .map(|(slug, sums, before)| ProjectPart {
            name: names.get(slug.as_str()).map_or_else(|| slug.clone(), |name| (*name).to_owned()),
            order: orders.get(&slug).copied().unwrap_or_default(),
            slug,
            sums,
            before,
        })
        .collect();
    let models: Vec<_> = merge_periods(&by_cell, &by_cell_before, has_before, |key| (key[1].clone(), key[2].clone()))
        .into_iter()
        .map(|((provider, model), sums, before)| ModelPart { provider, model, sums, before })
        .collect();
    let teams = match part {
        SpendScope::Organization => {
            let before = previous.map(|days| by_team(&teams_before, 0, Granularity::None, days));
            teams(&by_team(&steps, 1, bucket, period), before.as_deref(), &team_names)
        }
        // Within a team or a project the question has one answer.
        SpendScope::Team(_) | SpendScope::Project(_) => Vec::new(),
    };
    Ok(Overview {
        now,
        period,
        previous,
        total: sum(&cells),
        before: has_before.then(|| sum(&cells_before)),
        bucket,
        steps: build_steps(&starts(shown, bucket), &steps, &under, &projects),
        line: line.map(|(line, _)| line),
        crossings,
        projects,
        teams,
        models,
        changes: has_before.then(|| changes(cells, cells_before, MOVERS)),
        reported_costs,
        newest_event_at: newest.map(|at| scope.zone().local(at)),
        last_hour: hour,
        unread_requests: unread,
        charged,
        included,
    })
}

/// What changed in a span of days against `previous`, with the models that moved most, at most `movers`.
///
/// # Errors
/// As [`overview`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn compare(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
    previous: Period,
    filters: &[Filter],
    movers: usize,
) -> Result<Changes, Error> {
    scope.require(Permission::Read)?;
    let ask = Ask { backend, scope, part: SpendScope::Organization, filters };
    let (now, before) = futures::try_join!(ask.cells(Some(period), true), ask.cells(Some(previous), true))?;
    Ok(changes(now, before, movers))
}

/// Where the present month of a part is going: forecast, budget, and what waits in the alert history.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn outlook(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    ahead: &ForecastInputs,
) -> Result<MonthOutlook, Error> {
    let (budgets, open_alerts) =
        futures::try_join!(budgets::list_ahead(backend, scope, ahead), budgets::open_alerts(backend, scope))?;
    let own = budgets.into_iter().filter(|state| state.budget.scope == part);
    let budget = own.max_by_key(|state| state.usage.percent());
    Ok(MonthOutlook { forecast: ahead.month_end(part), budget, open_alerts: open_alerts.unsigned_abs() })
}

/// The chart of the month so far shows the whole month, so that what is expected has its place.
fn shown(period: Period, previous: Option<Period>, today: NaiveDate) -> (Period, Option<Period>) {
    if period == Period::month_to_date(today) {
        (Period::month_of(today), previous.map(|before| Period::month_of(before.from)))
    } else {
        (period, previous)
    }
}

/// One model of one project, with what was used.
type Cell = (CellKey, Used);

struct Ask<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    part: SpendScope,
    filters: &'a [Filter],
}

impl Ask<'_> {
    async fn rows(&self, mut query: SpendQuery) -> Result<Vec<SpendRow>, Error> {
        query.filters = self.filters.to_vec();
        let (rows, _) = super::grouped(self.backend, self.scope, self.part, &query, MAX_CELLS + 1).await?;
        if rows.len() > MAX_CELLS {
            let detail = "There is too much to show at once. Choose fewer days or a filter.".to_owned();
            return Err(Problem::Unprocessable { detail }.into());
        }
        Ok(rows)
    }

    /// By step and project; of the whole organization by team too.
    async fn steps(&self, period: Period, bucket: Granularity) -> Result<Vec<SpendRow>, Error> {
        let query = SpendQuery::over(period).per(bucket);
        self.rows(match self.part {
            SpendScope::Organization => query.by([Dimension::Project, Dimension::Team]),
            SpendScope::Team(_) | SpendScope::Project(_) => query.by([Dimension::Project]),
        })
        .await
    }

    /// The teams of the span before; nothing of them within a team or a project.
    async fn teams_before(&self, period: Option<Period>) -> Result<Vec<SpendRow>, Error> {
        match period.filter(|_| self.part == SpendScope::Organization) {
            Some(period) => self.rows(SpendQuery::over(period).by([Dimension::Team])).await,
            None => Ok(Vec::new()),
        }
    }

    /// Spend of each day that the chart lays under its own.
    async fn line(&self, days: Option<Period>) -> Result<Vec<Decimal>, Error> {
        let Some(days) = days else { return Ok(Vec::new()) };
        let rows = self.rows(SpendQuery::over(days).per(Granularity::Day)).await?;
        let known: BTreeMap<_, _> = rows.iter().filter_map(|row| Some((row.bucket?.day(), row.sums.spend))).collect();
        Ok(days.iter().map(|day| known.get(&day).copied().unwrap_or_default()).collect())
    }

    /// Every model of every project; its meters, too, where they are wanted and the filters leave them known.
    async fn cells(&self, period: Option<Period>, meters: bool) -> Result<Vec<Cell>, Error> {
        let Some(period) = period else { return Ok(Vec::new()) };
        let by = [Dimension::Project, Dimension::Provider, Dimension::Model];
        let (rows, mut meters) = futures::try_join!(
            self.rows(SpendQuery::over(period).by(by)),
            self.meters(period, meters && !self.filters.iter().any(|filter| filter.dimension.is_label())),
        )?;
        let cell = |row: SpendRow| {
            let mut keys = row.keys.into_iter().map(Option::unwrap_or_default);
            let key = [(); 3].map(|()| keys.next().unwrap_or_default());
            let meters = meters.remove(&key).unwrap_or_default();
            (key, Used { sums: row.sums, meters })
        };
        Ok(rows.into_iter().map(cell).collect())
    }

    async fn meters(&self, period: Period, known: bool) -> Result<BTreeMap<CellKey, BTreeMap<Meter, Metered>>, Error> {
        if !known {
            return Ok(BTreeMap::new());
        }
        let mut query = SpendQuery::over(period);
        query.filters = self.filters.to_vec();
        let _permit = self.backend.readers.permit(self.scope).await?;
        let asker = Asker { backend: self.backend, scope: self.scope, part: self.part };
        let rows = Box::pin(asker.meters(&query, period)).await?;
        let mut cells: BTreeMap<CellKey, BTreeMap<_, _>> = BTreeMap::new();
        for (key, meter, metered) in rows {
            cells.entry(key).or_default().insert(meter, metered);
        }
        Ok(cells)
    }

    /// Names of teams by slug, where teams are shown.
    async fn team_names(&self) -> Result<BTreeMap<String, String>, Error> {
        if self.part != SpendScope::Organization {
            return Ok(BTreeMap::new());
        }
        let known = projects::list_teams(self.backend, self.scope).await?;
        Ok(known.into_iter().map(|team| (team.slug.to_string(), team.name)).collect())
    }

    /// Budgets know no filters, so under one their thresholds say nothing about the chart.
    async fn crossings(&self, shown: Period) -> Result<Vec<Crossing>, Error> {
        if !self.filters.is_empty() {
            return Ok(Vec::new());
        }
        budgets::crossings(self.backend, self.scope, self.part, shown).await
    }

    async fn last_hour(&self) -> Result<Option<Decimal>, Error> {
        if self.filters.iter().any(|filter| filter.dimension.is_label()) {
            return Ok(None);
        }
        Ok(Some(last_hour(self.backend, self.scope, self.part, self.filters).await?.spend))
    }

    /// Charges have no model, key or label: under filters nothing is said of them.
    async fn charged(&self, period: Period) -> Result<Option<Decimal>, Error> {
        if !self.filters.is_empty() {
            return Ok(None);
        }
        charges::total(self.backend, self.scope, self.part, period).await.map(Some)
    }

    async fn unread_requests(&self, period: Period) -> Result<Option<i64>, Error> {
        if self.filters.iter().any(|filter| filter.dimension.is_label()) {
            return Ok(None);
        }
        let mut unread = SpendQuery::over(period);
        unread.filters = self.filters.to_vec();
        unread.filters.push(Filter::present(Dimension::UnreadUsage));
        Ok(Some(grouped(self.backend, self.scope, self.part, &unread, 1).await?.1.requests))
    }
}

/// What teams spent in a span, from rows by step that have the team at a place among their keys.
///
/// Steps of days may reach beyond the span, where the chart shows more of the month than is over; longer steps are of the span alone.
fn by_team(rows: &[SpendRow], place: usize, bucket: Granularity, span: Period) -> Vec<(Option<String>, Sums)> {
    let is_inside = |row: &&SpendRow| {
        bucket != Granularity::Day || row.bucket.is_some_and(|start| (span.from..span.to).contains(&start.day()))
    };
    let mut teams: BTreeMap<Option<String>, Sums> = BTreeMap::new();
    for row in rows.iter().filter(is_inside) {
        teams.entry(row.keys.get(place).cloned().flatten()).or_default().add(&row.sums);
    }
    teams.into_iter().collect()
}

/// Teams with their names, by falling spend.
fn teams(
    now: &[(Option<String>, Sums)],
    before: Option<&[(Option<String>, Sums)]>,
    names: &BTreeMap<String, String>,
) -> Vec<TeamPart> {
    let part = |(slug, sums, before): (Option<String>, Sums, Option<Sums>)| {
        let name = slug.as_ref().map(|slug| names.get(slug).unwrap_or(slug).clone());
        TeamPart { name: name.unwrap_or_else(|| "no team".to_owned()), slug, sums, before }
    };
    merge_periods(now, before.unwrap_or_default(), before.is_some(), Clone::clone).into_iter().map(part).collect()
}

fn sum(cells: &[Cell]) -> Sums {
    let mut total = Sums::default();
    cells.iter().for_each(|(_, used)| total.add(&used.sums));
    total
}

/// What plans include, taken away by its meter.
fn included(cells: &[Cell]) -> Decimal {
    let taken = |(_, used): &Cell| used.meters.get(&Meter::Included).map(|metered| metered.spend);
    Decimal::ZERO - cells.iter().filter_map(taken).sum::<Decimal>()
}

fn sums(cells: &[Cell]) -> Vec<(CellKey, Sums)> {
    cells.iter().map(|(key, used)| (key.clone(), used.sums.clone())).collect()
}

/// Sums by a part of the key, now and before, by falling spend; what was only before comes last.
fn merge_periods<C, K: Ord + Clone>(
    now: &[(C, Sums)],
    before: &[(C, Sums)],
    has_before: bool,
    key: impl Fn(&C) -> K,
) -> Vec<(K, Sums, Option<Sums>)> {
    let mut both: BTreeMap<K, (Sums, Sums)> = BTreeMap::new();
    for (cell, sums) in now {
        both.entry(key(cell)).or_default().0.add(sums);
    }
    for (cell, sums) in before {
        both.entry(key(cell)).or_default().1.add(sums);
    }
    let mut rows: Vec<_> =
        both.into_iter().map(|(key, (now, before))| (key, now, has_before.then_some(before))).collect();
    rows.sort_by_key(|(_, now, before)| {
        (Reverse(now.spend), Reverse(now.requests), Reverse(before.as_ref().map(|before| before.spend)))
    });
    rows
}

fn build_steps(starts: &[NaiveDate], rows: &[SpendRow], before: &[Decimal], projects: &[ProjectPart]) -> Vec<Step> {
    let places: BTreeMap<_, _> =
        projects.iter().enumerate().map(|(place, project)| (Some(project.slug.as_str()), place)).collect();
    let at = |row: &SpendRow| starts.binary_search(&row.bucket?.day()).ok();
    let mut spend = vec![vec![Decimal::ZERO; projects.len()]; starts.len()];
    for row in rows {
        let project = places.get(&row.keys.first().and_then(|key| key.as_deref()));
        if let (Some(step), Some(project)) = (at(row), project) {
            spend[step][*project] += row.sums.spend;
        }
    }
    starts
        .iter()
        .zip(spend)
        .enumerate()
        .map(|(place, (start, by_project))| Step { start: *start, by_project, before: before.get(place).copied() })
        .collect()
}
