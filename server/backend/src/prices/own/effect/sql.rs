//! Queries of the sums of meters by the model that was used on a day.

use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::meter::Meter;
use domain::period::Period;
use domain::price::EffectRow;
use sqlx::{PgPool, Row};

/// A model as sent, on a day on which it was used.
pub(super) struct DayModel {
    pub(super) day: NaiveDate,
    pub(super) provider: String,
    pub(super) model: String,
}

pub(super) async fn used(pool: &PgPool, scope: &OrgScope, period: Period) -> Result<Vec<DayModel>, Error> {
    let rows = sqlx::query(
        "select distinct day, provider, model from spend_by_coarse_meter where org_id = $1 and day >= $2 and day < $3",
    )
    .bind(scope.org_id().0)
    .bind(period.from)
    .bind(period.to)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(DayModel { day: row.try_get("day")?, provider: row.try_get("provider")?, model: row.try_get("model")? })
        })
        .collect()
}

/// What these models were charged on these meters, without what a contract took off.
pub(super) async fn charged(
    pool: &PgPool,
    scope: &OrgScope,
    names: Vec<DayModel>,
    meters: Vec<Meter>,
) -> Result<Vec<EffectRow>, Error> {
    let rows = sqlx::query(
        "select projects.slug as project, r.provider, r.model, sum(r.booked + r.adjusted - coalesce(contract.adjusted, 0)) as before
         from unnest($2::date[], $3::text[], $4::text[]) as used (day, provider, model)
         join spend_by_meter as r on r.org_id = $1 and r.day = used.day and r.provider = used.provider and r.model = used.model
            and r.meter = any($5)
         join projects on projects.org_id = r.org_id and projects.project_id = r.project_id
         left join lateral (
             select sum(adjusted) as adjusted from rollup_term_day as t
             where t.org_id = r.org_id and t.day = r.day and t.series_id = r.series_id and t.meter = r.meter
         ) as contract on true
         group by 1, 2, 3
         having sum(r.booked + r.adjusted - coalesce(contract.adjusted, 0)) <> 0
         order by before desc, 1, 2, 3",
    )
    .bind(scope.org_id().0)
    .bind(names.iter().map(|name| name.day).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.provider.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.model.as_str()).collect::<Vec<_>>())
    .bind(meters.iter().map(|meter| meter.as_str()).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(EffectRow {
                project: row.try_get("project")?,
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                before: row.try_get("before")?,
            })
        })
        .collect()
}
