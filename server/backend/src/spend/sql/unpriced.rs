//! Queries of what was used without a price, and of the prices that the organization itself paid.

use super::{Query, meter, push_days};
use crate::{Error, OrgScope};
use domain::ids::ProjectId;
use domain::period::Period;
use domain::spend::{PaidMeter, UnpricedUsage};
use rust_decimal::Decimal;
use sqlx::{PgPool, Row};

/// The operation of a model of a project of organization `$1`: of several the first by name, for sums by day do not tell them apart.
const OPERATIONS: &str =
    "(select org_id, coarse_id, min(operation) as operation from series where org_id = $1 group by org_id, coarse_id)";

/// Requests of a day's sums `r` that used something at a provider.
const USED: &str = "nullif(r.requests - r.cache_hits, 0)";

/// What was used without a price, where it has an upper bound: by day, project and model, the share of its requests of each meter's quantity.
pub(in crate::spend) async fn unpriced(
    pool: &PgPool,
    scope: &OrgScope,
    period: Period,
) -> Result<Vec<UnpricedUsage>, Error> {
    let mut sql = Query::new(format!(
        "select r.day, r.project_id, r.provider, r.model, coalesce(o.operation, '') as operation, r.unpriced_upper_bound,
            array_remove(array_agg(m.meter order by m.meter), null) as meters,
            array_remove(array_agg(round(m.quantity * r.unpriced_requests / {USED}, 12) order by m.meter), null) as quantities
         from spend_by_coarse_day as r
         left join {OPERATIONS} as o on o.org_id = r.org_id and o.coarse_id = r.coarse_id
         left join rollup_coarse_meter_day as m on m.org_id = r.org_id and m.day = r.day and m.coarse_id = r.coarse_id
            and m.meter not in ('reported', 'included') and m.quantity > 0
         where r.unpriced_requests > 0 and r.unpriced_upper_bound > 0 and "
    ));
    push_days(&mut sql, scope, period, "r.");
    sql.push(
        " group by r.day, r.coarse_id, r.project_id, r.provider, r.model, r.status, o.operation, r.unpriced_upper_bound
         order by r.day, r.project_id, r.provider, r.model, r.status",
    );
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let (meters, quantities): (Vec<String>, Vec<Decimal>) =
                (row.try_get("meters")?, row.try_get("quantities")?);
            let meters = meters.iter().map(|word| meter(word));
            Ok(UnpricedUsage {
                day: row.try_get("day")?,
                project_id: ProjectId(row.try_get("project_id")?),
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                operation: row.try_get("operation")?,
                meters: meters
                    .zip(quantities)
                    .map(|(meter, quantity)| Ok((meter?, quantity)))
                    .collect::<Result<_, Error>>()?,
                upper_bound: row.try_get("unpriced_upper_bound")?,
            })
        })
        .collect()
}

/// What meters of models cost, and how much of them was paid for: the share of priced requests, on days on which they cost anything.
pub(in crate::spend) async fn paid(pool: &PgPool, scope: &OrgScope, period: Period) -> Result<Vec<PaidMeter>, Error> {
    let sql = format!(
        "select r.provider, r.model, coalesce(o.operation, '') as operation, m.meter, sum(m.booked + m.adjusted) as spend,
            round(sum(m.quantity * (1 - coalesce(r.unpriced_requests::numeric / {USED}, 0))), 12) as quantity
         from spend_by_coarse_day as r
         left join {OPERATIONS} as o on o.org_id = r.org_id and o.coarse_id = r.coarse_id
         join rollup_coarse_meter_day as m on m.org_id = r.org_id and m.day = r.day and m.coarse_id = r.coarse_id
         where r.org_id = $1 and r.day >= $2 and r.day < $3 and m.booked + m.adjusted > 0 and m.meter not in ('reported', 'included')
         group by r.provider, r.model, o.operation, m.meter"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(scope.org_id().0).bind(period.from).bind(period.to);
    let rows = rows.fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(PaidMeter {
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                operation: row.try_get("operation")?,
                meter: meter(row.try_get("meter")?)?,
                quantity: row.try_get("quantity")?,
                spend: row.try_get("spend")?,
            })
        })
        .collect()
}
