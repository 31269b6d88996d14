//! Labels that events should carry, and how much of the usage does. No event is rejected for want of one.

use super::sql;
use crate::{Backend, Error, OrgScope, audit, identity, keys, projects, spend};
use domain::identity::Permission;
use domain::ids::ProjectId;
use domain::label::{Coverage, Fallen, MAX_REQUIRED, RequiredLabel, Sent};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Dimension, SpendQuery};
use std::collections::{BTreeSet, HashMap};

/// Days that are compared with as many before, to see whether coverage fell.
const COMPARED: u64 = 7;

/// The labels that events should carry, of all projects and of those that the caller sees.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn required(backend: &Backend, scope: &OrgScope) -> Result<Vec<RequiredLabel>, Error> {
    scope.require(Permission::Read)?;
    sql::required(&backend.pool, scope).await
}

/// Says that events should carry a label.
///
/// # Errors
/// `Forbidden` without the permission; [`Problem::Invalid`] naming `project` where there is none; [`Problem::Conflict`] when there are too many; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn require(backend: &Backend, scope: &OrgScope, label: &RequiredLabel) -> Result<(), Error> {
    scope.require(Permission::ManagePrices)?;
    let project = project_of(backend, scope, label).await?;
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    if sql::count_required(&mut transaction, scope).await? >= i64::try_from(MAX_REQUIRED).unwrap_or(i64::MAX) {
        return Err(Problem::conflict(format!("An organization requires at most {MAX_REQUIRED} labels.")).into());
    }
    if sql::require(&mut transaction, scope, &label.dimension, project, backend.clock.now()).await? {
        let detail = format!("Events of {} should carry {}.", whose(label), label.dimension);
        audit::record(backend, scope, &mut transaction, "label.required", &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Takes that back.
///
/// # Errors
/// `Forbidden` without the permission; [`Problem::NotFound`] where it was not required; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn release(backend: &Backend, scope: &OrgScope, label: &RequiredLabel) -> Result<(), Error> {
    scope.require(Permission::ManagePrices)?;
    let project = project_of(backend, scope, label).await?;
    let mut transaction = backend.pool.begin().await?;
    if !sql::release(&mut transaction, scope, &label.dimension, project).await? {
        return Err(Problem::NotFound.into());
    }
    let detail = format!("Events of {} need not carry {} any more.", whose(label), label.dimension);
    audit::record(backend, scope, &mut transaction, "label.released", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

fn whose(label: &RequiredLabel) -> String {
    label.project.as_ref().map_or_else(|| "all projects".to_owned(), |slug| format!("the project {slug}"))
}

async fn project_of(backend: &Backend, scope: &OrgScope, label: &RequiredLabel) -> Result<Option<ProjectId>, Error> {
    let Some(slug) = &label.project else { return Ok(None) };
    let found = projects::by_slug(backend, scope, slug).await.map_err(Error::into_problem);
    match found {
        Ok(project) => Ok(Some(project.project_id)),
        Err(Problem::NotFound) => {
            Err(Problem::field("project", "unknown", format!("There is no project {slug}.")).into())
        }
        Err(other) => Err(other.into()),
    }
}

/// How much of the usage of some days carries the labels that it should, down to the project and key that sent it without.
///
/// # Errors
/// As [`required`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn coverage(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Coverage, Error> {
    let required = required(backend, scope).await?;
    let mut coverage = covered(backend, scope, &required, period).await?;
    if !coverage.rows.is_empty() {
        let names = keys::list(backend, scope).await?.into_iter();
        let names: HashMap<String, String> = names.map(|key| (key.key_id.to_string(), key.name)).collect();
        for row in &mut coverage.rows {
            row.key_name = names.get(&row.api_key).unwrap_or(&row.api_key).clone();
        }
    }
    Ok(coverage)
}

async fn covered(
    backend: &Backend,
    scope: &OrgScope,
    required: &[RequiredLabel],
    period: Period,
) -> Result<Coverage, Error> {
    if required.is_empty() {
        return Ok(Coverage::default());
    }
    let total = sent(backend, scope, period, None).await?;
    let mut missing = Vec::new();
    for dimension in required.iter().map(|label| &label.dimension).collect::<BTreeSet<_>>() {
        missing.push((dimension.clone(), sent(backend, scope, period, Some(dimension)).await?));
    }
    Ok(Coverage::of(required, &total, &missing))
}

/// What each key sent of each project; only what lacks a label, where one is named.
async fn sent(
    backend: &Backend,
    scope: &OrgScope,
    period: Period,
    without: Option<&Dimension>,
) -> Result<Vec<Sent>, Error> {
    let query = SpendQuery::over(period).by([Dimension::Project, Dimension::ApiKey]);
    let query = match without {
        Some(label) => query.only(label.clone(), ""),
        None => query,
    };
    let rows = spend::query(backend, scope, &query).await?.rows.into_iter();
    let sent = |row: domain::spend::SpendRow| {
        let [project, api_key] = <[_; 2]>::try_from(row.keys).ok()?;
        Some(Sent { project: project?, api_key: api_key?, amount: (&row.sums).into() })
    };
    Ok(rows.filter_map(sent).collect())
}

/// Required labels that less of the last seven whole days' spend carries than of the seven days before.
///
/// # Errors
/// As [`required`].
pub(crate) async fn fallen(backend: &Backend, scope: &OrgScope) -> Result<Vec<Fallen>, Error> {
    let required = required(backend, scope).await?;
    if required.is_empty() {
        return Ok(Vec::new());
    }
    let today = scope.zone().day_of(backend.clock.now());
    let yesterday = today.pred_opt().unwrap_or(today);
    let now = Period::last_days(yesterday, COMPARED);
    let before = Period::last_days(now.from.pred_opt().unwrap_or(now.from), COMPARED);
    let (now, before) = (
        covered(backend, scope, &required, now).await?.labels,
        covered(backend, scope, &required, before).await?.labels,
    );
    let pairs = now.into_iter().zip(before);
    let fallen = pairs.filter_map(|((label, missing, total), (_, missing_before, total_before))| {
        Fallen::of(&label, (missing_before, total_before), (missing, total))
    });
    Ok(fallen.collect())
}
