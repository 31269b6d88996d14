//! What budgets and forecasts count: known spend, and for unpriced usage what it would have cost at the organization's own prices.

use super::answers::Asker;
use crate::scope::{Actor, Visible};
use crate::{Backend, Error, OrgScope};
use chrono::{Days, NaiveDate};
use domain::budget::SpendScope;
use domain::identity::Permission;
use domain::period::Period;
use domain::spend::{PaidMeter, PaidPrices, ProjectDay, estimate_days};
use rust_decimal::Decimal;

/// Days that count first when the organization's own prices are looked for, and days in all.
const PAID_DAYS: (u64, u64) = (30, 90);

/// Every visible project's spend and estimate on every day on which it used anything, with that day's owner.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn project_days(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<ProjectDay>, Error> {
    scope.require(Permission::Read)?;
    let _permit = backend.readers.permit(scope).await?;
    let asker = Asker { backend, scope, part: SpendScope::Organization };
    let mut days = Box::pin(asker.project_days(period)).await?;
    let bounded = || days.iter().filter(|day| !day.estimate.upper_bound.is_zero()).map(|day| day.day);
    if let (Some(from), Some(last)) = (bounded().min(), bounded().max()) {
        let unpriced = Box::pin(asker.unpriced(Period { from, to: last.succ_opt().unwrap_or(last) })).await?;
        let (recent, all) = paid(backend, scope).await?;
        estimate_days(&mut days, &unpriced, &PaidPrices::of(&[&recent, &all]));
    }
    Ok(days)
}

/// What the usage of a period that has no price can have cost at most, in US dollars, by the price book.
///
/// # Errors
/// As [`project_days`].
pub(crate) async fn unpriced_at_most(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Decimal, Error> {
    scope.require(Permission::Read)?;
    let _permit = backend.readers.permit(scope).await?;
    let days = Box::pin(Asker { backend, scope, part: SpendScope::Organization }.project_days(period)).await?;
    Ok(days.iter().map(|day| day.estimate.upper_bound).sum())
}

/// What the organization paid for in the last days and in all that count: of every project, because an estimate is the same for everybody who sees the usage.
async fn paid(backend: &Backend, scope: &OrgScope) -> Result<(Vec<PaidMeter>, Vec<PaidMeter>), Error> {
    let whole = OrgScope::new(scope.org_id(), scope.zone(), Actor::System, Visible::All);
    let asker = Asker { backend, scope: &whole, part: SpendScope::Organization };
    let today = scope.zone().day_of(backend.clock.now());
    let first = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN);
    let (recent, all) = (first(PAID_DAYS.0), first(PAID_DAYS.1));
    let tomorrow = today.succ_opt().unwrap_or(today);
    let newer = Box::pin(asker.paid(Period { from: recent, to: tomorrow })).await?;
    let mut older = Box::pin(asker.paid(Period { from: all, to: recent })).await?;
    older.extend(newer.iter().cloned());
    Ok((newer, older))
}
