//! Terms of the organization's contracts that count over a month: entered, and how far each month is settled.
//!
//! They are rules ([`crate::rules`]). A run of the kind `contract` (see [`super::runs`]) applies them; nothing else moves money.

mod sql;

use super::own::dated;
use super::runs;
use crate::rules::{self, MAX_LISTED};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Months, Utc};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::model::canonical_provider;
use domain::period::Period;
use domain::price::contract::{ContractTerm, MonthStatus, MonthSums};
use domain::rule::{Dated, History, NewRule, RuleKind};
use sql::ProviderMonth;
use sqlx::PgConnection;

/// Most months that [`months`] lists.
const MAX_MONTHS: u32 = 24;

/// All terms: those that count, the one that goes first at the top, then superseded ones.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read, and for callers who do not see the whole organization; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn terms(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<ContractTerm>>, Error> {
    scope.require_whole(Permission::Read)?;
    rules::listed(&backend.pool, scope, MAX_LISTED).await
}

/// Enters a term. Where it counts the same as an older one, it goes before that.
///
/// Nothing moves until a run applies it to a month.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn add_term(backend: &Backend, scope: &OrgScope, new: &NewRule<ContractTerm>) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    rules::enter(backend, scope, &[dated(scope, new)?]).await
}

/// Terms that counted at an instant and hold in a month.
pub(super) async fn known_at(
    connection: &mut PgConnection,
    scope: &OrgScope,
    known_at: DateTime<Utc>,
    month: Period,
) -> Result<Vec<ContractTerm>, Error> {
    let rules = rules::known(connection, scope, &[RuleKind::ContractTerm], Some(known_at)).await?;
    let mut terms: Vec<ContractTerm> = rules::of_kind(&rules)?;
    terms.retain(|term| term.holds_in(month));
    Ok(terms)
}

/// The months under the contract, newest first: whether it is applied to each, and what it moves there.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] for callers who do not see the whole organization; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn months(backend: &Backend, scope: &OrgScope) -> Result<Vec<MonthStatus>, Error> {
    let today = scope.zone().day_of(backend.clock.now());
    let this = Period::month_of(today);
    let first = this.from.checked_sub_months(Months::new(MAX_MONTHS - 1)).unwrap_or(this.from);
    let runs = runs::of_contract(backend, scope, first).await?;
    let terms = terms(backend, scope).await?;
    let sums = sql::provider_months(&backend.pool, scope, Period { from: first, to: this.to }).await?;
    let status = |month: Period| {
        let of_month = || sums.iter().filter(|row| row.month == month.from);
        let counts = |row: &&ProviderMonth| {
            let is_live = |term: &&Dated<ContractTerm>| term.is_live() && term.row.holds_in(month);
            row.effect.is_some() || terms.iter().filter(is_live).any(|term| sells(&term.row, &row.provider))
        };
        let sums = MonthSums {
            month,
            calls: of_month().filter(counts).map(|row| row.calls.unsigned_abs()).sum(),
            effect: of_month().filter_map(|row| row.effect).sum(),
        };
        MonthStatus::of(sums, today, &runs, &terms)
    };
    let before = |month: &Period| Period::month_of(month.from.pred_opt().unwrap_or(month.from));
    let newest_first = std::iter::successors(Some(this), |month| Some(before(month)));
    let under_contract = |status: &MonthStatus| {
        let holds = |term: &Dated<ContractTerm>| term.is_live() && term.row.holds_in(status.month);
        status.applied.is_some() || !status.effect.is_zero() || terms.iter().any(holds)
    };
    Ok(newest_first.take_while(|month| month.from >= first).map(status).filter(under_contract).collect())
}

/// Providers, as sent, whose calls of a month a run has to look at: the terms count them, or terms that no longer hold moved them.
///
/// # Errors
/// [`Error::Database`].
pub(super) async fn providers(
    connection: &mut PgConnection,
    scope: &OrgScope,
    month: Period,
    terms: &[ContractTerm],
) -> Result<Vec<String>, Error> {
    let rows = sql::provider_months(connection, scope, month).await?;
    let concerned = |row: &ProviderMonth| row.effect.is_some() || terms.iter().any(|term| sells(term, &row.provider));
    Ok(rows.into_iter().filter(concerned).map(|row| row.provider).collect())
}

/// Whether a term counts calls of a provider, as sent.
fn sells(term: &ContractTerm, provider: &str) -> bool {
    term.provider.as_deref().is_none_or(|wanted| wanted == canonical_provider(provider))
}
