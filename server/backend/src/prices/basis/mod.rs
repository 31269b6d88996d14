//! Which cost counts where a provider reports one: a dated choice of the organization, and what it is about.
//!
//! The choices are a part of the organization's own book, so they are read, pinned by runs and forgotten together with its prices.

mod sql;

pub(super) use sql::rows;

use super::own;
use crate::{Backend, Error, OrgScope, audit};
use chrono::{DateTime, Duration, Utc};
use domain::identity::Permission;
use domain::price::{BasisBook, BasisChoice, BasisInput, COMPARED_DAYS, CostBasis, Drift, MAX_COMPARED, basis_at};

/// Most choices that are listed.
const MAX_LISTED: i64 = 200;

/// Chooses which cost counts: from its begin on, in place of whatever was chosen before for the same providers.
///
/// Events that were recorded already keep their cost until somebody reprices them.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission; [`Error::Database`].
pub async fn choose_basis(backend: &Backend, scope: &OrgScope, input: &BasisInput) -> Result<BasisChoice, Error> {
    scope.require(Permission::ManagePrices)?;
    let valid_from = input.from.map(|edge| own::instant(scope, edge));
    let mut transaction = backend.pool.begin().await?;
    own::lock(&mut transaction, scope).await?;
    let position = sql::insert(&mut transaction, scope, input, valid_from, backend.clock.now()).await?;
    let choice = sql::listed(&mut *transaction, scope, Some(position), 1).await?.into_iter().next();
    let detail = said(scope, input, valid_from);
    audit::record(backend, scope, &mut transaction, "cost_basis.chosen", &detail).await?;
    own::notify(&mut transaction).await?;
    transaction.commit().await?;
    own::changed(backend);
    choice.ok_or_else(|| Error::inconsistent("cost_basis_choices", "position", position))
}

fn said(scope: &OrgScope, input: &BasisInput, from: Option<DateTime<Utc>>) -> String {
    let what = match input.basis {
        CostBasis::Computed => "the computed cost",
        CostBasis::Reported => "the cost that the provider reports",
    };
    let provider = input.provider.as_deref().unwrap_or("every provider");
    let since = from.map_or_else(String::new, |from| format!(", from {} on", scope.zone().day_of(from)));
    format!("Of {provider} {what} counts{since}: {}", input.reason)
}

/// What was chosen, and what providers reported lately beside what was computed, in the projects that the caller sees.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
pub async fn basis(backend: &Backend, scope: &OrgScope) -> Result<BasisBook, Error> {
    scope.require(Permission::Read)?;
    let now = backend.clock.now();
    let since = now - Duration::days(COMPARED_DAYS);
    let most = i64::try_from(MAX_COMPARED).unwrap_or(i64::MAX);
    let rows = sql::rows(&backend.pool, scope, None).await?;
    let found = sql::drift(&backend.pool, scope, since, most).await?;
    let drift = found.into_iter().map(|drift| Drift { basis: basis_at(&rows, &drift.provider, now), ..drift });
    let drift: Vec<Drift> = drift.collect();
    Ok(BasisBook {
        choices: sql::listed(&backend.pool, scope, None, MAX_LISTED).await?,
        compared: drift.iter().map(|drift| drift.events + drift.uncomputed_events).sum(),
        drift,
    })
}
