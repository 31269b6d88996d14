//! Business metrics: what was sent of them, and what one unit cost.

mod sql;

use crate::{Backend, Error, OrgScope, file_imports, identity, projects, spend};
use chrono::NaiveDate;
use domain::allocation::MetricValues;
use domain::business_metric::{
    BusinessMetric, DIMENSIONS, MAX_METRICS, MAX_VALUES, MetricEntry, MetricForm, MetricValue, NewValue, RecordedValue,
    Selection, UnitCost, selected, unit_costs,
};
use domain::identity::{KeyScope, Permission};
use domain::ids::ImportId;
use domain::import::{FileImport, FileRow, ImportKind};
use domain::period::Period;
use domain::problem::Problem;
use domain::project::Slug;
use domain::spend::{Dimension, Granularity, SpendQuery};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Values whose history a page shows.
const MAX_HISTORY: i64 = 200;

/// What became of values that were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// New ones.
    pub recorded: usize,
    /// Those that took the place of another value for the same days and labels.
    pub superseded: usize,
    /// Those that were recorded before.
    pub duplicates: usize,
}

/// Records values: all of them, or none. A later value for the same days and labels supersedes the one before.
///
/// A key that is bound to one project records values with the label `project` of this project.
///
/// # Errors
/// [`Problem::Forbidden`] for keys without the scope `ingest` and members without the permission; [`Problem::Invalid`] naming each wrong field as `<number>/<field>`; [`Problem::Conflict`] for another unit than the metric has; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn record(backend: &Backend, scope: &OrgScope, values: &[NewValue]) -> Result<Recorded, Error> {
    require_record(scope)?;
    if values.len() > MAX_VALUES {
        return Err(Problem::field("values", "too_many", format!("Send at most {MAX_VALUES} values.")).into());
    }
    if let Some(seen) = projects::visible_slugs(backend, scope).await? {
        let is_seen = |new: &NewValue| new.value.labels.get("project").is_some_and(|slug| seen.contains(slug));
        if let Some(at) = values.iter().position(|new| !is_seen(new)) {
            let detail = "This API key records values of its own project: send its slug as the label `project`.";
            return Err(Problem::field(format!("{at}/labels"), "project", detail).into());
        }
    }
    let mut transaction = backend.pool.begin().await?;
    let recorded = record_in(backend, scope, &mut transaction, values).await?;
    transaction.commit().await?;
    Ok(recorded)
}

fn require_record(scope: &OrgScope) -> Result<(), Problem> {
    if scope.key_id().is_some() {
        return scope.require_key_scope(KeyScope::Ingest);
    }
    scope.require(Permission::ManagePrices)
}

async fn record_in(
    backend: &Backend,
    scope: &OrgScope,
    connection: &mut PgConnection,
    values: &[NewValue],
) -> Result<Recorded, Error> {
    identity::lock_organization(connection, scope).await?;
    let known = sql::units(&mut *connection, scope).await?;
    let mut new: BTreeMap<String, String> = BTreeMap::new();
    for (at, sent) in values.iter().enumerate() {
        let (name, unit) = (sent.metric.name.as_str(), &sent.metric.unit);
        match known.get(name).or_else(|| new.get(name)) {
            Some(has) if has != unit => {
                let detail = format!("{name} counts {has}, not {unit}. Send it under another name.");
                return Err(Problem::field(format!("{at}/unit"), "differs", detail).into());
            }
            Some(_) => {}
            None => {
                new.insert(name.to_owned(), unit.clone());
            }
        }
    }
    if known.len() + new.len() > MAX_METRICS {
        return Err(Problem::conflict(format!("An organization has at most {MAX_METRICS} metrics.")).into());
    }
    let now = backend.clock.now();
    sql::insert_metrics(connection, scope, &new, now).await?;
    // Of values for the same days and labels in one request the last counts.
    let mut last: BTreeMap<_, &NewValue> = BTreeMap::new();
    for new in values {
        let days = (new.value.period.from, new.value.period.to);
        last.insert((new.metric.name.as_str(), days, &new.value.labels), new);
    }
    let last: Vec<NewValue> = last.into_values().cloned().collect();
    let present = sql::present(connection, scope, &last).await?;
    let superseded =
        present.iter().zip(&last).filter(|(held, new)| held.is_some_and(|held| held != new.value.value)).count();
    let differs = |(new, held): (NewValue, Option<_>)| (held != Some(new.value.value)).then_some(new);
    let changed: Vec<NewValue> = last.into_iter().zip(present).filter_map(differs).collect();
    sql::record(connection, scope, &changed, now).await?;
    Ok(Recorded { recorded: changed.len() - superseded, superseded, duplicates: values.len() - changed.len() })
}

/// All metrics with values that the caller sees: for keys of one project those with its slug as the label `project`.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<Vec<MetricEntry>, Error> {
    scope.require(Permission::Read)?;
    sql::entries(&backend.pool, scope, projects::visible_slugs(backend, scope).await?.as_deref()).await
}

/// A metric with its newest values, superseded ones among them.
///
/// # Errors
/// [`Problem::NotFound`], also where the caller sees no value of it; [`Problem::Forbidden`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn find(backend: &Backend, scope: &OrgScope, name: &str) -> Result<(MetricEntry, Vec<RecordedValue>), Error> {
    let entry = list(backend, scope).await?.into_iter().find(|entry| entry.metric.name.as_str() == name);
    let entry = entry.ok_or(Problem::NotFound)?;
    let seen = projects::visible_slugs(backend, scope).await?;
    Ok((entry, sql::history(&backend.pool, scope, name, seen.as_deref(), MAX_HISTORY).await?))
}

/// All metrics, each with what its units cost in a period; none where no value lies in it.
///
/// # Errors
/// As [`list`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn totals(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
) -> Result<Vec<(MetricEntry, Option<UnitCost>)>, Error> {
    let entries = list(backend, scope).await?;
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let seen = projects::visible_slugs(backend, scope).await?;
    let mut values = sql::values(&backend.pool, scope, None, period, seen.as_deref()).await?;
    let spend = days(backend, scope, period, &Selection::new()).await?;
    let total = |entry: MetricEntry| {
        let values = values.remove(entry.metric.name.as_str()).unwrap_or_default();
        let cost = unit_costs(&[period], &selected(&values, &Selection::new()), &spend).into_iter().flatten().next();
        (entry, cost)
    };
    Ok(entries.into_iter().map(total).collect())
}

/// What the units of a metric cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitCosts {
    /// By step, in order; none where no value lies in one.
    pub steps: Vec<(Period, Option<UnitCost>)>,
    /// Over the whole period.
    pub total: Option<UnitCost>,
}

/// What the units of a metric cost in a period and in each of its steps: spend of the days that have values, over these values.
///
/// The selection narrows the values by their labels, and spend by those of its labels that are dimensions of it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn costs(
    backend: &Backend,
    scope: &OrgScope,
    metric: &BusinessMetric,
    (period, steps): (Period, &[Period]),
    selection: &Selection,
) -> Result<UnitCosts, Error> {
    scope.require(Permission::Read)?;
    let values = selected(&seen_values(backend, scope, metric.name.as_str(), period).await?, selection);
    let spend = days(backend, scope, period, selection).await?;
    let total = unit_costs(&[period], &values, &spend).into_iter().flatten().next();
    Ok(UnitCosts { steps: steps.iter().copied().zip(unit_costs(steps, &values, &spend)).collect(), total })
}

/// The values of a metric that lie in a period, as far as the caller sees them.
///
/// # Errors
/// A field problem for `measure` where there is no such metric, or the caller sees no value of it; [`Error::Database`].
pub(crate) async fn values_of(
    backend: &Backend,
    scope: &OrgScope,
    metric: &Slug,
    period: Period,
) -> Result<Vec<MetricValue>, Error> {
    let entries = list(backend, scope).await?;
    if !entries.iter().any(|entry| entry.metric.name == *metric) {
        return Err(Problem::field("measure", "unknown", format!("There is no business metric {metric}.")).into());
    }
    seen_values(backend, scope, metric.as_str(), period).await
}

async fn seen_values(
    backend: &Backend,
    scope: &OrgScope,
    name: &str,
    period: Period,
) -> Result<Vec<MetricValue>, Error> {
    let seen = projects::visible_slugs(backend, scope).await?;
    let mut values = sql::values(&backend.pool, scope, Some(&[name]), period, seen.as_deref()).await?;
    Ok(values.remove(name).unwrap_or_default())
}

/// The values of some metrics that lie in a period, as of a transaction: for splits, which concern the whole organization.
pub(crate) async fn values_in(
    connection: &mut PgConnection,
    scope: &OrgScope,
    names: &[&str],
    period: Period,
) -> Result<MetricValues, Error> {
    if names.is_empty() {
        return Ok(MetricValues::new());
    }
    sql::values(connection, scope, Some(names), period, None).await
}

/// Whether there is a metric of this name.
pub(crate) async fn is_known(connection: &mut PgConnection, scope: &OrgScope, name: &str) -> Result<bool, Error> {
    Ok(sql::units(connection, scope).await?.contains_key(name))
}

/// What each day of a period cost, of the parts of the selection that spend knows.
async fn days(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
    selection: &Selection,
) -> Result<BTreeMap<NaiveDate, Decimal>, Error> {
    let asked = SpendQuery::over(period).per(Granularity::Day);
    let known = selection.iter().filter(|(name, _)| DIMENSIONS.contains(&name.as_str()));
    let asked = known.fold(asked, |asked, (name, is)| match name.parse::<Dimension>() {
        Ok(dimension) => asked.only(dimension, is.as_str()),
        Err(_) => asked,
    });
    let days = spend::query(backend, scope, &asked).await?.rows;
    Ok(days.into_iter().filter_map(|row| Some((row.bucket?.day(), row.sums.spend))).collect())
}

/// Keeps a file of values until somebody has looked at it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `file`; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn draft_import(
    backend: &Backend,
    scope: &OrgScope,
    file_name: &str,
    bytes: &[u8],
) -> Result<ImportId, Error> {
    scope.require(Permission::ManagePrices)?;
    file_imports::draft::<MetricForm>(backend, scope, ImportKind::BusinessMetrics, (file_name, bytes)).await
}

/// A row of a file with what it says, where that can be read.
pub type ImportRow = (FileRow<MetricForm>, Option<NewValue>);

/// A file of values, each row read or with what is wrong with it.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn import(
    backend: &Backend,
    scope: &OrgScope,
    import_id: ImportId,
) -> Result<(FileImport, Vec<ImportRow>), Error> {
    scope.require(Permission::ManagePrices)?;
    file_imports::read(backend, scope, ImportKind::BusinessMetrics, import_id, |form: &MetricForm| form.parse()).await
}

/// Records the values of a file; none while any row is wrong.
///
/// # Errors
/// As [`import`] and [`record`]; [`Problem::Conflict`] where it was entered before.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn enter_import(backend: &Backend, scope: &OrgScope, import_id: ImportId) -> Result<Recorded, Error> {
    let (_, rows) = import(backend, scope, import_id).await?;
    let values = file_imports::all_right(rows)?;
    let mut transaction = backend.pool.begin().await?;
    file_imports::entered(&mut transaction, scope, import_id, backend.clock.now()).await?;
    let recorded = record_in(backend, scope, &mut transaction, &values).await?;
    transaction.commit().await?;
    Ok(recorded)
}
