//! Which cost counts where a provider reports one: a dated choice of the organization, and what it is about.
//!
//! The choices are rules and a part of the organization's own book, so they are read, pinned by runs and forgotten together with its prices.

use super::own::{dated, rows};
use crate::ledger::adjust::{self, CostState};
use crate::{Backend, Error, OrgScope, rules};
use chrono::Duration;
use domain::event::ReportedCost;
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::price::{BasisBook, COMPARED_DAYS, CostBasisRule, Drift, MAX_COMPARED, basis_at};
use domain::rule::NewRule;
use std::collections::BTreeMap;

/// Most choices that are listed.
const MAX_LISTED: i64 = 200;

/// Chooses which cost counts: from its begin on, in place of whatever was chosen before for the same providers.
///
/// Events that were recorded already keep their cost until somebody reprices them.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn choose_basis(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<CostBasisRule>,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    rules::enter(backend, scope, &[dated(scope, new)?]).await
}

/// What was chosen, and what providers reported lately beside what was computed, in the projects that the caller sees.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn basis(backend: &Backend, scope: &OrgScope) -> Result<BasisBook, Error> {
    scope.require(Permission::Read)?;
    let now = backend.clock.now();
    let since = now - Duration::days(COMPARED_DAYS);
    let most = i64::try_from(MAX_COMPARED).unwrap_or(i64::MAX);
    let bases = rows(&backend.pool, scope, None).await?.bases;
    let mut connection = backend.pool.acquire().await?;
    let compared = adjust::read_reported(&mut connection, scope, since, most).await?;
    drop(connection);
    let mut drift = drift_of(&compared);
    drift.iter_mut().for_each(|drift| drift.basis = basis_at(&bases, &drift.provider, now));
    Ok(BasisBook {
        choices: rules::listed(&backend.pool, scope, MAX_LISTED).await?,
        compared: drift.iter().map(|drift| drift.events + drift.uncomputed_events).sum(),
        drift,
    })
}

/// By provider, what events say that the provider reported, beside the computed lines of their present receipts; the most reported first.
fn drift_of(compared: &[CostState]) -> Vec<Drift> {
    let mut by_provider: BTreeMap<&str, Drift> = BTreeMap::new();
    for CostState { event, current, .. } in compared {
        let Some(reported) = event.counted().reported_cost.as_ref().and_then(ReportedCost::usd) else { continue };
        let provider = &*event.sent.provider;
        let drift = by_provider.entry(provider).or_insert_with(|| Drift::of(provider));
        let lines = current.lines.iter().filter(|line| line.source.is_computed());
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
