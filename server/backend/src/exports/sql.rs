//! Queries of sums by meter, and of whose projects they are.

use crate::ledger::push_seen_days;
use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::ids::ProjectId;
use domain::meter::Meter;
use domain::period::Period;
use rust_decimal::Decimal;
use sqlx::{PgPool, QueryBuilder, Row};

/// What a meter of a model cost on a day.
pub(super) struct MeterSum {
    pub(super) project_id: ProjectId,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) meter: Meter,
    pub(super) quantity: Decimal,
    pub(super) billed: Decimal,
}

/// What a day's meters cost. What cost nothing is left out: sums do not tell a price of zero from none.
pub(super) async fn sums(pool: &PgPool, scope: &OrgScope, day: NaiveDate) -> Result<Vec<MeterSum>, Error> {
    let mut sql = QueryBuilder::new(
        "select project_id, provider, model, meter, sum(quantity) as quantity, sum(booked + adjusted) as billed
         from spend_by_coarse_meter where org_id = ",
    );
    sql.push_bind(scope.org_id().0).push(" and day = ").push_bind(day);
    push_seen_days(&mut sql, scope, "project_id", "day");
    sql.push(" group by project_id, provider, model, meter having sum(booked + adjusted) <> 0");
    let rows = sql.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let word: &str = row.try_get("meter")?;
            Ok(MeterSum {
                project_id: ProjectId(row.try_get("project_id")?),
                provider: row.try_get("provider")?,
                model: row.try_get("model")?,
                meter: Meter::parse(word).ok_or_else(|| Error::inconsistent("rollup_meter_day", "meter", word))?,
                quantity: row.try_get("quantity")?,
                billed: row.try_get("billed")?,
            })
        })
        .collect()
}

/// How many sums by day and meter a span has.
pub(super) async fn meter_days(pool: &PgPool, scope: &OrgScope, period: Period) -> Result<u64, Error> {
    let mut sql = QueryBuilder::new("select count(*) from spend_by_coarse_meter where org_id = ");
    sql.push_bind(scope.org_id().0).push(" and day >= ").push_bind(period.from);
    sql.push(" and day < ").push_bind(period.to);
    push_seen_days(&mut sql, scope, "project_id", "day");
    let rows: i64 = sql.build_query_scalar().fetch_one(pool).await?;
    Ok(rows.unsigned_abs())
}
