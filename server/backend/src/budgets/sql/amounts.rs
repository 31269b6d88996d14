//! Queries of `budget_amounts`.

use super::budgets::number;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::budget::BudgetAmount;
use domain::ids::BudgetId;
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool, Row};

pub(in crate::budgets) async fn insert_amount(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    revision: u32,
    amount: Decimal,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into budget_amounts (org_id, budget_id, revision, amount, since, entered_by)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(number(revision))
    .bind(amount)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest first.
pub(in crate::budgets) async fn amounts(
    pool: &PgPool,
    scope: &OrgScope,
    budget_id: BudgetId,
    limit: i64,
) -> Result<Vec<BudgetAmount>, Error> {
    let rows = sqlx::query(
        "select a.amount, a.since, u.email
         from budget_amounts a
         left join users u on u.user_id = a.entered_by
         where a.org_id = $1 and a.budget_id = $2
         order by a.revision desc
         limit $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let (amount, since): (Decimal, DateTime<Utc>) = (row.try_get("amount")?, row.try_get("since")?);
            Ok(BudgetAmount { amount: amount.normalize(), since: scope.zone().local(since), by: row.try_get("email")? })
        })
        .collect()
}
