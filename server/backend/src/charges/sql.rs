//! Queries of the sums by day that draw prepaid credits.

use crate::{Error, OrgScope};
use chrono::NaiveDate;
use domain::model::canonical_provider;
use domain::period::Period;
use rust_decimal::Decimal;
use sqlx::{PgPool, Row};
use std::collections::BTreeMap;

/// What providers, by their canonical names, cost on each day: of all projects, whoever asks, because credits are drawn by all.
pub(super) async fn provider_days(
    pool: &PgPool,
    scope: &OrgScope,
    period: Period,
) -> Result<BTreeMap<String, BTreeMap<NaiveDate, Decimal>>, Error> {
    let rows = sqlx::query(
        "select provider, day, sum(booked + adjusted) as spend from spend_by_coarse_day
         where org_id = $1 and day >= $2 and day < $3 group by provider, day",
    )
    .bind(scope.org_id().0)
    .bind(period.from)
    .bind(period.to)
    .fetch_all(pool)
    .await?;
    let mut found: BTreeMap<String, BTreeMap<NaiveDate, Decimal>> = BTreeMap::new();
    for row in rows {
        let days = found.entry(canonical_provider(row.try_get("provider")?).into_owned()).or_default();
        *days.entry(row.try_get("day")?).or_default() += row.try_get::<Decimal, _>("spend")?;
    }
    Ok(found)
}
