//! How much of a month can be charged back, by answers that are kept: what the close gathers to the same end sums the month anew.

use super::{close, sql};
use crate::{Backend, Error, OrgScope, allocation, charges, spend};
use domain::allocation::{Flow, Party};
use domain::charge::charged;
use domain::identity::Permission;
use domain::period::Period;
use domain::spend::{Dimension, SpendQuery};
use domain::statement::Readiness;
use rust_decimal::Decimal;

/// How much of a month can be charged back as it stands; none for callers who do not see the whole organization.
///
/// It is what [`super::closing`] says, without any sum that is not kept: spend by team, the bound of unpriced usage, and what rules moved are answers that only days, rules or charges that moved make anew.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn readiness(backend: &Backend, scope: &OrgScope, month: Period) -> Result<Option<Readiness>, Error> {
    scope.require(Permission::Read)?;
    if !scope.sees_all() {
        return Ok(None);
    }
    if let Some(body) = close::closed_body(backend, scope, month.from).await? {
        return Ok(Some(Readiness::of_closed(&body.statement)));
    }
    let by_team = SpendQuery::over(month).by([Dimension::Team]);
    let (used, parts, shared, waiver, replies) = futures::try_join!(
        spend::query(backend, scope, &by_team),
        charges::parts(backend, scope, month),
        Box::pin(allocation::shared(backend, scope, month)),
        sql::versions::waiver(&backend.pool, scope, month.from),
        async {
            let mut connection = backend.pool.acquire().await?;
            sql::replies::of_month(&mut connection, scope, month.from, None).await
        },
    )?;
    let (open_disputes, disputed) = close::open_disputes(backend, scope, month, &replies).await?;
    let unpriced = used.total.unpriced_requests;
    let nobodys = used.rows.iter().filter(|row| row.keys.first().is_some_and(Option::is_none));
    let of_usage: Decimal = nobodys.map(|row| row.sums.spend).sum();
    let of_charges = charged(parts.iter().filter(|part| part.team_id.is_none()).map(|part| &part.line));
    let of_rules: Decimal = shared.iter().map(|(flow, _)| made_nobodys(flow)).sum();
    let readiness = Readiness {
        known: used.total.spend + charged(parts.iter().map(|part| &part.line)),
        unpriced_at_most: close::unpriced_at_most(backend, scope, month, unpriced).await?,
        unpriced_requests: unpriced,
        requests: used.total.requests,
        unallocated: (of_usage + of_charges + of_rules).abs(),
        disputed,
        open_disputes,
    };
    Ok(Some(readiness.waived_by(waiver.as_ref())))
}

/// What a flow takes from teams, less what it brings to them.
fn made_nobodys(flow: &Flow) -> Decimal {
    let amount = |team: &Party| if *team == Party::Nobody { flow.amounts.spend() } else { Decimal::ZERO };
    amount(&flow.to_team) - amount(&flow.from_team)
}
