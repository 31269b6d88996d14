//! Labels: values that are one, and labels that events should carry.
//!
//! An alias is read, never written into what was recorded: the views of sums say as which value each counts, so it holds at once for days that are over too, and is gone when it is removed.

mod required;
mod sql;

pub(crate) use required::fallen;
pub use required::{coverage, release, require, required};

use crate::{Backend, Error, OrgScope, audit, identity, ledger, spend};
use domain::identity::Permission;
use domain::label::{AliasProposal, MAX_ALIASES, NewAlias, ValueAlias, proposals as alike};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Dimension, SpendQuery};

/// Values of so many days are looked through for those that look like one.
const LOOKED_THROUGH: u64 = 90;
/// Labels whose values are looked through.
const MAX_LABELS: usize = 30;

/// All aliases by label.
///
/// # Errors
/// `Forbidden` without the right to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn aliases(backend: &Backend, scope: &OrgScope) -> Result<Vec<ValueAlias>, Error> {
    scope.require_whole(Permission::Read)?;
    sql::aliases(&backend.pool, scope).await
}

/// Lets a value count as another one, at once and for days that are over too. What counted as it follows, and the other one may be an alias itself.
///
/// # Errors
/// `Forbidden` without the permission; [`Problem::Invalid`] naming `canonical` where it counts as the value; [`Problem::Conflict`] when there are too many; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn enter_alias(backend: &Backend, scope: &OrgScope, new: &NewAlias) -> Result<(), Error> {
    scope.require(Permission::ManagePrices)?;
    let mut transaction = backend.pool.begin().await?;
    identity::lock_organization(&mut transaction, scope).await?;
    let counts_as = sql::canonical(&mut transaction, scope, &new.dimension, &new.canonical).await?;
    let alias = NewAlias { canonical: counts_as.unwrap_or_else(|| new.canonical.clone()), ..new.clone() };
    let NewAlias { dimension, value, canonical } = &alias;
    if canonical == value {
        let detail = format!("{} counts as {value} already. Remove that alias first.", new.canonical);
        return Err(Problem::field("canonical", "circle", detail).into());
    }
    if sql::count_aliases(&mut transaction, scope).await? >= i64::try_from(MAX_ALIASES).unwrap_or(i64::MAX) {
        return Err(Problem::conflict(format!("An organization has at most {MAX_ALIASES} aliases.")).into());
    }
    sql::enter(&mut transaction, scope, &alias, backend.clock.now()).await?;
    let detail = format!("Values of {dimension}: {value} counts as {canonical}.");
    audit::record(backend, scope, &mut transaction, "label.alias_entered", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Lets a value count as itself again.
///
/// # Errors
/// `Forbidden` without the permission; [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn remove_alias(backend: &Backend, scope: &OrgScope, label: &Dimension, value: &str) -> Result<(), Error> {
    scope.require(Permission::ManagePrices)?;
    let mut transaction = backend.pool.begin().await?;
    let canonical = sql::remove(&mut transaction, scope, label, value).await?.ok_or(Problem::NotFound)?;
    let detail = format!("Values of {label}: {value} counts as itself, and no more as {canonical}.");
    audit::record(backend, scope, &mut transaction, "label.alias_removed", &detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Values of the last 90 days that look like one, by label.
///
/// # Errors
/// As [`aliases`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn proposals(backend: &Backend, scope: &OrgScope) -> Result<Vec<AliasProposal>, Error> {
    scope.require_whole(Permission::Read)?;
    let days = Period::last_days(scope.zone().day_of(backend.clock.now()), LOOKED_THROUGH);
    let known = ledger::dimensions(backend, scope).await?.into_iter();
    let labels = known.filter(|known| known.dimension.is_chosen_by_senders() && known.values.unwrap_or_default() > 1);
    let mut found = Vec::new();
    for label in labels.map(|known| known.dimension).take(MAX_LABELS) {
        let query = SpendQuery::over(days).by([label.clone()]);
        let rows = spend::query(backend, scope, &query).await?.rows.into_iter();
        let used: Vec<(String, i64)> =
            rows.filter_map(|row| Some((row.keys.into_iter().next().flatten()?, row.sums.requests))).collect();
        found.extend(alike(&label, &used));
    }
    Ok(found)
}
