//! Queries of `budget_periods`.

use super::budgets::{number, revision, seen};
use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::budget::BudgetUsage;
use domain::ids::BudgetId;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use std::collections::BTreeMap;

/// A month of a budget.
pub(in crate::budgets) struct Month {
    /// First day.
    pub(in crate::budgets) month: NaiveDate,
    /// Its first instant and its end.
    pub(in crate::budgets) instants: (DateTime<Utc>, DateTime<Utc>),
}

/// The amount in force in a month.
#[derive(Clone, Copy)]
pub(in crate::budgets) struct InForce {
    pub(in crate::budgets) amount: Decimal,
    /// Which of the budget's amounts.
    pub(in crate::budgets) revision: u32,
}

/// Makes the month's row with this amount if it is not there, and locks it: evaluations of one month come one after another, so that the last one has read the newest spend.
pub(in crate::budgets) async fn lock_month(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: &Month,
    usual: InForce,
) -> Result<InForce, Error> {
    let row = sqlx::query(
        "insert into budget_periods (org_id, budget_id, month, starts_at, ends_at, amount, revision)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint budget_periods_pkey do update set month = excluded.month
         returning amount, revision",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(month.month)
    .bind(month.instants.0)
    .bind(month.instants.1)
    .bind(usual.amount)
    .bind(number(usual.revision))
    .fetch_one(connection)
    .await?;
    in_force(&row)
}

fn in_force(row: &PgRow) -> Result<InForce, Error> {
    let amount: Decimal = row.try_get("amount")?;
    Ok(InForce { amount: amount.normalize(), revision: revision("budget_periods", row)? })
}

pub(in crate::budgets) async fn set_month_amount(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: NaiveDate,
    new: InForce,
) -> Result<(), Error> {
    sqlx::query(
        "update budget_periods set amount = $4, revision = $5 where org_id = $1 and budget_id = $2 and month = $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(month)
    .bind(new.amount)
    .bind(number(new.revision))
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::budgets) async fn evaluated(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    month: NaiveDate,
    usage: &BudgetUsage,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update budget_periods set evaluated_at = $4, evaluated_spend = $5, evaluated_estimated = $6
         where org_id = $1 and budget_id = $2 and month = $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(month)
    .bind(now)
    .bind(usage.used)
    .bind(usage.estimate.amount)
    .execute(connection)
    .await?;
    Ok(())
}

/// Every budget's amount in force and last evaluation in a month, where it has a row.
pub(in crate::budgets) async fn months(
    pool: &PgPool,
    scope: &OrgScope,
    month: NaiveDate,
) -> Result<BTreeMap<BudgetId, (InForce, Option<DateTime<Utc>>)>, Error> {
    let rows = sqlx::query(
        "select budget_id, amount, revision, evaluated_at from budget_periods where org_id = $1 and month = $2",
    )
    .bind(scope.org_id().0)
    .bind(month)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| Ok((BudgetId(row.try_get("budget_id")?), (in_force(row)?, row.try_get("evaluated_at")?))))
        .collect()
}

/// Active, visible budgets whose last evaluation of the month found more than the amount.
pub(in crate::budgets) async fn over(pool: &PgPool, scope: &OrgScope, month: NaiveDate) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(concat!(
        "select count(*)
         from budget_periods m
         join budgets b on b.org_id = m.org_id and b.budget_id = m.budget_id
         where m.org_id = $1 and m.month = $3 and m.evaluated_spend > m.amount
             and b.archived_at is null and ",
        seen!("$4", "m.month")
    ))
    .bind(scope.org_id().0)
    .bind(scope.visible_owners())
    .bind(month)
    .bind(scope.limiting_teams())
    .fetch_one(pool)
    .await?)
}
