//! Which cost counts where a provider reports one: a dated choice of the organization, and what it is about.
//!
//! The choices are a part of the organization's own book, so they are read, pinned by runs and forgotten together with its prices.

mod sql;

pub(super) use sql::rows;

use super::own;
use crate::ledger::adjust::{self, Recorded};
use crate::{Backend, Error, OrgScope, audit};
use chrono::{DateTime, Duration, Utc};
use domain::event::ReportedCost;
use domain::identity::Permission;
use domain::price::{BasisBook, BasisChoice, BasisInput, COMPARED_DAYS, CostBasis, Drift, MAX_COMPARED, basis_at};
use domain::rating::LineSource;
use std::collections::BTreeMap;

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
    let mut connection = backend.pool.acquire().await?;
    let compared = adjust::read_reported(&mut connection, scope, since, most).await?;
    drop(connection);
    let mut drift = drift_of(&compared);
    drift.iter_mut().for_each(|drift| drift.basis = basis_at(&rows, &drift.provider, now));
    Ok(BasisBook {
        choices: sql::listed(&backend.pool, scope, None, MAX_LISTED).await?,
        compared: drift.iter().map(|drift| drift.events + drift.uncomputed_events).sum(),
        drift,
    })
}

/// By provider, what events say that the provider reported, beside the computed lines of their present receipts; the most reported first.
fn drift_of(compared: &[Recorded]) -> Vec<Drift> {
    let mut by_provider: BTreeMap<&str, Drift> = BTreeMap::new();
    for Recorded { event, current, .. } in compared {
        let Some(reported) = event.sent.reported_cost.as_ref().and_then(ReportedCost::usd) else { continue };
        let provider = &*event.sent.provider;
        let drift = by_provider.entry(provider).or_insert_with(|| Drift::of(provider));
        let lines = current.lines.iter().filter(|line| line.source != LineSource::Reported);
        match lines.map(|line| line.amount).reduce(|sum, amount| sum + amount) {
            Some(computed) => {
                drift.events += 1;
                drift.reported += reported;
                drift.computed += computed;
            }
            None => {
                drift.uncomputed_events += 1;
                drift.uncomputed += reported;
            }
        }
    }
    let mut drift: Vec<Drift> = by_provider.into_values().collect();
    drift.sort_by_key(|drift| std::cmp::Reverse(drift.reported + drift.uncomputed));
    drift
}
