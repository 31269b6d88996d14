//! Queries of the rollups by month and provider.

use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::period::Period;
use rust_decimal::Decimal;
use sqlx::{PgExecutor, Row};

/// The calls of a provider in a month, and what terms moved of them.
pub(super) struct ProviderMonth {
    pub(super) month: NaiveDate,
    /// As sent.
    pub(super) provider: String,
    /// Without answers from the sender's own cache.
    pub(super) calls: i64,
    /// None where no term moved anything.
    pub(super) effect: Option<Decimal>,
}

pub(super) async fn provider_months(
    db: impl PgExecutor<'_>,
    scope: &OrgScope,
    period: Period,
) -> Result<Vec<ProviderMonth>, Error> {
    let rows = sqlx::query(
        "select month, provider, coalesce(used.calls, 0) as calls, moved.effect
         from (
             select date_trunc('month', day::timestamp)::date as month, provider, sum(requests - cache_hits)::bigint as calls
             from spend_by_coarse_day where org_id = $1 and day >= $2 and day < $3 group by 1, 2
         ) as used
         full join (
             select date_trunc('month', day::timestamp)::date as month, provider, sum(adjusted) as effect
             from spend_by_term where org_id = $1 and day >= $2 and day < $3 group by 1, 2
         ) as moved using (month, provider)
         order by 1, 2",
    )
    .bind(scope.org_id().0)
    .bind(period.from)
    .bind(period.to)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(ProviderMonth {
                month: row.try_get("month")?,
                provider: row.try_get("provider")?,
                calls: row.try_get("calls")?,
                effect: row.try_get("effect")?,
            })
        })
        .collect()
}
