//! Queries of `recipients`: addresses that are no members and were asked whether they want mail.

use crate::identity::tokens::LinkToken;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::budget::RecipientOffer;
use domain::identity::Email;
use domain::ids::{OrgId, UserId};
use sqlx::{PgConnection, PgExecutor, Row};

/// A question to an address.
pub(in crate::budgets) struct Question<'a> {
    pub(in crate::budgets) email: &'a Email,
    pub(in crate::budgets) token: &'a LinkToken,
    pub(in crate::budgets) now: DateTime<Utc>,
    pub(in crate::budgets) expires_at: DateTime<Utc>,
    /// Whoever was asked since then is left alone.
    pub(in crate::budgets) not_since: DateTime<Utc>,
}

/// Notes the question; false when it was answered, or asked a short while ago.
pub(in crate::budgets) async fn ask_recipient(
    connection: &mut PgConnection,
    scope: &OrgScope,
    question: Question<'_>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into recipients (org_id, email, token_hash, asked_by, asked_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict on constraint recipients_pkey do update
         set token_hash = excluded.token_hash, asked_by = excluded.asked_by, asked_at = excluded.asked_at,
             expires_at = excluded.expires_at
         where recipients.confirmed_at is null and recipients.asked_at <= $7",
    )
    .bind(scope.org_id().0)
    .bind(question.email.as_str())
    .bind(question.token.hash)
    .bind(scope.user_id().map(|id| id.0))
    .bind(question.now)
    .bind(question.expires_at)
    .bind(question.not_since)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes somebody who leaves off all budgets, and takes back what addresses confirmed that they entered; names of those budgets.
pub(in crate::budgets) async fn forget_recipient(
    connection: &mut PgConnection,
    scope: &OrgScope,
    user_id: UserId,
    email: &Email,
) -> Result<Vec<String>, Error> {
    sqlx::query("delete from recipients where org_id = $1 and (email = $2 or asked_by = $3)")
        .bind(scope.org_id().0)
        .bind(email.as_str())
        .bind(user_id.0)
        .execute(&mut *connection)
        .await?;
    Ok(sqlx::query_scalar(
        "update budgets set recipients = array_remove(recipients, $2)
         where org_id = $1 and $2 = any(recipients)
         returning name",
    )
    .bind(scope.org_id().0)
    .bind(email.as_str())
    .fetch_all(connection)
    .await?)
}

/// By the secret of its link, which works until it expires and, once it was used, goes on to say so. It knows no scope yet: it leads to one.
pub(in crate::budgets) async fn recipient_offer(
    executor: impl PgExecutor<'_>,
    slug: &str,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<(OrgId, RecipientOffer)>, Error> {
    let row = sqlx::query(
        "select o.org_id, o.name, r.email, r.confirmed_at is not null as confirmed
         from organizations o
         join recipients r on r.org_id = o.org_id
         where o.slug = $1 and r.token_hash = $2 and (r.confirmed_at is not null or r.expires_at > $3)",
    )
    .bind(slug)
    .bind(token_hash)
    .bind(now)
    .fetch_optional(executor)
    .await?;
    row.map(|row| {
        let email: String = row.try_get("email")?;
        let offer = RecipientOffer {
            organization: row.try_get("name")?,
            email: Email::parse(&email).map_err(|_| Error::inconsistent("recipients", "email", "not an address"))?,
            confirmed: row.try_get("confirmed")?,
        };
        Ok((OrgId(row.try_get("org_id")?), offer))
    })
    .transpose()
}

/// False when it was confirmed before, or another link took the place of this one.
pub(in crate::budgets) async fn confirm_recipient(
    connection: &mut PgConnection,
    scope: &OrgScope,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update recipients set confirmed_at = $3 where org_id = $1 and token_hash = $2 and confirmed_at is null",
    )
    .bind(scope.org_id().0)
    .bind(token_hash)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
