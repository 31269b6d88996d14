//! Queries of test mails.

use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::identity::Email;
use domain::ids::{BudgetId, MailId};
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

/// Presses of the button since `since`: for this budget, and for the organization.
pub(in crate::budgets) async fn tests_since(
    connection: &mut PgConnection,
    scope: &OrgScope,
    budget_id: BudgetId,
    since: DateTime<Utc>,
) -> Result<(i64, i64), Error> {
    let row = sqlx::query(
        "select count(distinct test_id) filter (where budget_id = $2) as budget, count(distinct test_id) as organization
         from budget_tests
         where org_id = $1 and created_at > $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(since)
    .fetch_one(connection)
    .await?;
    Ok((row.try_get("budget")?, row.try_get("organization")?))
}

pub(in crate::budgets) async fn insert_test(
    connection: &mut PgConnection,
    scope: &OrgScope,
    test_id: Uuid,
    mail_id: MailId,
    budget_id: BudgetId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into budget_tests (org_id, test_id, mail_id, budget_id, created_at, user_id, key_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.org_id().0)
    .bind(test_id)
    .bind(mail_id.0)
    .bind(budget_id.0)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest test mails: which mail, when and by whom.
pub(in crate::budgets) async fn tests(
    pool: &PgPool,
    scope: &OrgScope,
    budget_id: BudgetId,
    limit: i64,
) -> Result<Vec<(MailId, DateTime<Utc>, String)>, Error> {
    let rows = sqlx::query(
        "select t.mail_id, t.created_at, coalesce(u.email, 'API key ' || k.name, 'somebody who left') as asked_by
         from budget_tests t
         left join users u on u.user_id = t.user_id
         left join api_keys k on k.org_id = t.org_id and k.key_id = t.key_id
         where t.org_id = $1 and t.budget_id = $2
         order by t.created_at desc, t.test_id, t.mail_id
         limit $3",
    )
    .bind(scope.org_id().0)
    .bind(budget_id.0)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| Ok((MailId(row.try_get("mail_id")?), row.try_get("created_at")?, row.try_get("asked_by")?)))
        .collect()
}

/// The address of the person who asks.
pub(in crate::budgets) async fn own_address(
    connection: &mut PgConnection,
    scope: &OrgScope,
) -> Result<Option<Email>, Error> {
    let text: Option<String> = sqlx::query_scalar("select email from users where user_id = $1")
        .bind(scope.user_id().map(|id| id.0))
        .fetch_optional(connection)
        .await?;
    Ok(text.and_then(|text| Email::parse(&text).ok()))
}
