//! Terms of the organization's contracts that count over a month: entered, ended, and how far each month is settled.
//!
//! A run of the kind `contract` (see [`super::runs`]) applies them; nothing else moves money.

mod sql;

pub(crate) use sql::by_ids;
pub(super) use sql::{entered_by, insert, is_applied, known_at, supersede, superseded_by};

use super::own::Change;
use super::runs;
use crate::{Backend, Error, OrgScope};
use chrono::Months;
use domain::identity::Permission;
use domain::ids::PriceChangeId;
use domain::model::canonical_provider;
use domain::period::Period;
use domain::price::contract::{MonthStatus, MonthSums, OwnTerm, TermInput, TermRow};
use domain::problem::Problem;
use domain::statement::month_text;
use sql::ProviderMonth;
use sqlx::PgConnection;

/// Most terms that [`terms`] lists.
const MAX_LISTED: i64 = 2_000;
/// Most months that [`months`] lists.
const MAX_MONTHS: u32 = 24;

/// All terms: those that count, the one that goes first at the top, then superseded ones.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
pub async fn terms(backend: &Backend, scope: &OrgScope) -> Result<Vec<OwnTerm>, Error> {
    scope.require(Permission::Read)?;
    sql::listed(&backend.pool, scope, MAX_LISTED).await
}

/// Enters a term. Where it counts the same as an older one, it goes before that.
///
/// Nothing moves until a run applies it to a month.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission; [`Error::Database`].
pub async fn add_term(backend: &Backend, scope: &OrgScope, input: TermInput) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let row = TermRow {
        // The database numbers it.
        term_id: 0,
        rank: 0,
        kind: input.kind,
        provider: input.provider,
        models: input.models,
        meters: input.meters,
        tiers: input.tiers,
        from: input.from.from,
        to: input.to.map(|to| to.from),
        source: input.source,
        source_url: input.source_url,
    };
    let change = Change::new(backend, scope);
    let mut transaction = backend.pool.begin().await?;
    change.lock(&mut transaction).await?;
    sql::insert(&mut transaction, scope, &row, change.change_id, change.now).await?;
    let detail = format!("Entered the term {} from {} on.", row.words(), month_text(row.from));
    change.record(&mut transaction, "contract.term_entered", &detail, None).await?;
    transaction.commit().await?;
    Ok(change.change_id)
}

/// Ends a term with a month; with its first month or before, it is withdrawn altogether.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Invalid`] for an end after the term's own; [`Error::Database`].
pub async fn end_term(backend: &Backend, scope: &OrgScope, term_id: u64, end: Period) -> Result<PriceChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let end = end.from;
    let change = Change::new(backend, scope);
    let mut transaction = backend.pool.begin().await?;
    change.lock(&mut transaction).await?;
    let row = sql::live(&mut transaction, scope, term_id).await?.ok_or(Problem::NotFound)?;
    if row.to.is_some_and(|to| to <= end) {
        return Err(Problem::field("to", "after_end", "It ends before that already.").into());
    }
    sql::supersede(&mut transaction, scope, &[term_id], change.change_id, change.now).await?;
    if row.from < end {
        let rest = TermRow { to: Some(end), ..row.clone() };
        sql::insert(&mut transaction, scope, &rest, change.change_id, change.now).await?;
    }
    let detail = format!("Ended the term {} before {}.", row.words(), month_text(end));
    change.record(&mut transaction, "contract.term_ended", &detail, None).await?;
    transaction.commit().await?;
    Ok(change.change_id)
}

/// The months under the contract, newest first: whether it is applied to each, and what it moves there.
///
/// # Errors
/// [`Problem::Forbidden`] for callers who do not see the whole organization; [`Error::Database`].
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
            let is_live = |term: &&OwnTerm| term.entry.superseded_at.is_none() && term.row.holds_in(month);
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
        let holds = |term: &OwnTerm| term.entry.superseded_at.is_none() && term.row.holds_in(status.month);
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
    terms: &[TermRow],
) -> Result<Vec<String>, Error> {
    let rows = sql::provider_months(connection, scope, month).await?;
    let concerned = |row: &ProviderMonth| row.effect.is_some() || terms.iter().any(|term| sells(term, &row.provider));
    Ok(rows.into_iter().filter(concerned).map(|row| row.provider).collect())
}

/// Whether a term counts calls of a provider, as sent.
fn sells(term: &TermRow, provider: &str) -> bool {
    term.provider.as_deref().is_none_or(|wanted| wanted == canonical_provider(provider))
}
