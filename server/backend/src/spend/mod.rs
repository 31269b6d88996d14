//! Spend: sums of the rollups, never of raw events.

mod explore;
mod overview;
mod sql;
#[cfg(test)]
mod tests;

pub use explore::{explore, values};
pub use overview::{compare, outlook, overview};
pub(crate) use sql::{SUMS, months_with_spend, sums_of};

use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::Period;
use domain::spend::{Filter, MAX_ROWS, ProjectDay, SpendAnswer, SpendQuery, SpendRange, Sums};
use std::collections::BTreeMap;

/// Answers the spend query: rows by bucket and falling spend, at most [`MAX_ROWS`], and the total over everything that matches.
///
/// # Errors
/// `Unprocessable` for a combination that no rollup carries; `Forbidden` without the right to read; [`Error::Database`].
pub async fn query(backend: &Backend, scope: &OrgScope, query: &SpendQuery) -> Result<SpendAnswer, Error> {
    scope.require(Permission::Read)?;
    let source = query.source()?;
    let whole = SpendScope::Organization;
    let (mut rows, total) = sql::grouped(&backend.pool, scope, whole, query, &source, MAX_ROWS + 1).await?;
    let truncated = rows.len() > MAX_ROWS;
    rows.truncate(MAX_ROWS);
    Ok(SpendAnswer {
        currency: "USD".to_owned(),
        time_zone: scope.zone().name().to_owned(),
        group_by: query.group_by.clone(),
        rows,
        total,
        truncated,
    })
}

/// The sums of every day of the period, zero where nothing happened.
///
/// A project that the caller does not see sums to zero.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
pub async fn daily_series(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    period: Period,
) -> Result<Vec<(NaiveDate, Sums)>, Error> {
    scope.require(Permission::Read)?;
    let mut known: BTreeMap<_, _> = sql::by_day(&backend.pool, scope, part, period).await?.into_iter().collect();
    Ok(period.iter().map(|day| (day, known.remove(&day).unwrap_or_default())).collect())
}

/// The sums of a period: for budgets, [`Sums::with_estimate`] counts unpriced usage with its upper bound.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
pub async fn period_sums(backend: &Backend, scope: &OrgScope, part: SpendScope, period: Period) -> Result<Sums, Error> {
    scope.require(Permission::Read)?;
    sql::over(&backend.pool, scope, part, period).await
}

/// Every visible project's sums on every day on which it had any, with that day's owner: one query for many series.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
pub async fn project_days(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<ProjectDay>, Error> {
    scope.require(Permission::Read)?;
    sql::by_project_day(&backend.pool, scope, period).await
}

/// When the newest visible event of a part happened; none before the first.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
pub async fn newest_event_at(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
) -> Result<Option<DateTime<Utc>>, Error> {
    scope.require(Permission::Read)?;
    let today = scope.zone().day_of(backend.clock.now());
    sql::newest_event_at(&backend.pool, scope, part, today).await
}

/// The burn rate: the sums of the last four whole quarters of an hour.
///
/// # Errors
/// `Unprocessable` for filters that are kept by day only; `Forbidden` without the right to read; [`Error::Database`].
pub async fn last_hour(
    backend: &Backend,
    scope: &OrgScope,
    part: SpendScope,
    filters: &[Filter],
) -> Result<Sums, Error> {
    scope.require(Permission::Read)?;
    let now = backend.clock.now();
    let since_quarter = Duration::seconds(now.timestamp().rem_euclid(15 * 60));
    let to = now - Duration::nanoseconds(now.timestamp_subsec_nanos().into()) - since_quarter;
    let mut hour = SpendQuery::over(Period::month_of(to.date_naive()));
    hour.filters = filters.to_vec();
    hour.range = SpendRange::Instants { from: to - Duration::hours(1), to };
    let source = hour.source()?;
    Ok(sql::grouped(&backend.pool, scope, part, &hour, &source, 1).await?.1)
}
