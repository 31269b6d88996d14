//! Queries of `mails`. The outbox serves all organizations: the worker takes no scope.

use super::{Claimed, DELETION, NewMail};
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::budget::{Delivery, DeliveryState};
use domain::delivery::ShownMail;
use domain::ids::{AlertId, MailId, OrgId};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) async fn insert(
    connection: &mut PgConnection,
    mail_id: MailId,
    mail: &NewMail,
    message_id: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into mails (mail_id, org_id, alert_id, kind, recipient, subject, body_text, body_html, message_id,
                            next_attempt_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
    )
    .bind(mail_id.0)
    .bind(mail.org_id.map(|id| id.0))
    .bind(mail.alert_id.map(|id| id.0))
    .bind(mail.kind)
    .bind(mail.recipient.as_str())
    .bind(&mail.subject)
    .bind(&mail.text)
    .bind(&mail.html)
    .bind(message_id)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    // Delivered at the commit; several in one transaction become one.
    sqlx::query("select pg_notify($1, '')").bind(super::CHANNEL).execute(connection).await?;
    Ok(())
}

pub(super) async fn is_sample(connection: &mut PgConnection, org_id: OrgId) -> Result<bool, Error> {
    let sample = sqlx::query_scalar("select exists (select 1 from organizations where org_id = $1 and is_sample)");
    Ok(sample.bind(org_id.0).fetch_one(connection).await?)
}

pub(super) async fn mark_sample(connection: &mut PgConnection, mail_id: MailId) -> Result<(), Error> {
    sqlx::query("update mails set state = 'sample' where mail_id = $1").bind(mail_id.0).execute(connection).await?;
    Ok(())
}

/// Mails about an organization since then, those aside that were never to be sent.
pub(super) async fn count_since(
    connection: &mut PgConnection,
    org_id: OrgId,
    since: DateTime<Utc>,
) -> Result<i64, Error> {
    let count = sqlx::query_scalar(
        "select count(*) from mails
         where org_id = $1 and created_at > $2 and state <> 'sample'
             and not (state = 'failed' and attempts = 0)",
    );
    Ok(count.bind(org_id.0).bind(since).fetch_one(connection).await?)
}

/// Mails about an organization that failed for good since then.
pub(super) async fn count_failed(pool: &PgPool, scope: &OrgScope, since: DateTime<Utc>) -> Result<u64, Error> {
    let count: i64 =
        sqlx::query_scalar("select count(*) from mails where org_id = $1 and state = 'failed' and created_at > $2")
            .bind(scope.org_id().0)
            .bind(since)
            .fetch_one(pool)
            .await?;
    Ok(count.unsigned_abs())
}

/// Whether a mail may go out: about an organization that is going to be deleted only the kind in `$1` does.
const MAY_GO: &str = "(kind = $1 or not exists (
        select 1 from organizations where organizations.org_id = mails.org_id and deletes_at is not null))";

/// Takes due mails for one attempt: each claim counts as an attempt and moves the next one behind the lease.
/// What was never tried goes first, so that old failures do not hold up a new alert.
pub(super) async fn claim(
    pool: &PgPool,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<Claimed>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "with due as (
             select mail_id from mails
             where state = 'queued' and next_attempt_at <= $2 and {MAY_GO}
             order by attempts > 0, next_attempt_at
             limit $4
             for update skip locked
         )
         update mails
         set attempts = attempts + 1, last_attempt_at = $2, next_attempt_at = $3
         from due
         where mails.mail_id = due.mail_id
         returning mails.mail_id, kind, recipient, subject, body_text, body_html, message_id, created_at, attempts",
    )))
    .bind(DELETION)
    .bind(now)
    .bind(lease_until)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    rows.iter().map(claimed).collect()
}

fn claimed(row: &PgRow) -> Result<Claimed, Error> {
    let attempts: i32 = row.try_get("attempts")?;
    Ok(Claimed {
        mail_id: MailId(row.try_get("mail_id")?),
        kind: row.try_get("kind")?,
        recipient: row.try_get("recipient")?,
        subject: row.try_get("subject")?,
        text: row.try_get("body_text")?,
        html: row.try_get("body_html")?,
        message_id: row.try_get("message_id")?,
        created_at: row.try_get("created_at")?,
        attempts: u32::try_from(attempts).map_err(|_| Error::inconsistent("mails", "attempts", attempts))?,
    })
}

pub(super) async fn next_due(pool: &PgPool) -> Result<Option<DateTime<Utc>>, Error> {
    let next = format!("select min(next_attempt_at) from mails where state = 'queued' and {MAY_GO}");
    Ok(sqlx::query_scalar(AssertSqlSafe(next)).bind(DELETION).fetch_one(pool).await?)
}

/// Bodies go with the last attempt: links in them are secrets, and nobody reads them here any more.
pub(super) async fn sent(pool: &PgPool, mail_id: MailId, answer: &str, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update mails
         set state = 'sent', sent_at = $3, last_attempt_at = $3, last_answer = $2, body_text = '', body_html = ''
         where mail_id = $1 and state = 'queued'",
    )
    .bind(mail_id.0)
    .bind(answer)
    .bind(now)
    .execute(pool)
    .await?;
    Ok(())
}

/// For good; with the bodies, as [`sent`].
pub(super) async fn failed(
    connection: &mut PgConnection,
    mail_id: MailId,
    answer: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update mails set state = 'failed', last_attempt_at = $3, last_answer = $2, body_text = '', body_html = ''
         where mail_id = $1 and state = 'queued'",
    )
    .bind(mail_id.0)
    .bind(answer)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn deferred(
    pool: &PgPool,
    mail_id: MailId,
    answer: &str,
    now: DateTime<Utc>,
    next: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update mails set next_attempt_at = $4, last_attempt_at = $3, last_answer = $2
         where mail_id = $1 and state = 'queued'",
    )
    .bind(mail_id.0)
    .bind(answer)
    .bind(now)
    .bind(next)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn mark_shown(pool: &PgPool, now: DateTime<Utc>) -> Result<(), Error> {
    let shown = format!("update mails set state = 'shown', last_attempt_at = $2 where state = 'queued' and {MAY_GO}");
    sqlx::query(AssertSqlSafe(shown)).bind(DELETION).bind(now).execute(pool).await?;
    Ok(())
}

/// Deletes at most `limit` mails from before an instant; how many.
pub(super) async fn delete_before(pool: &PgPool, before: DateTime<Utc>, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query(
        "delete from mails where mail_id = any(array(select mail_id from mails where created_at < $1 limit $2))",
    )
    .bind(before)
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn newest_unsent(pool: &PgPool, limit: i64) -> Result<Vec<ShownMail>, Error> {
    let rows = sqlx::query(
        "select mail_id, created_at, recipient, subject, body_text, body_html
         from mails
         where state in ('queued', 'shown')
         order by mail_id desc
         limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(shown).collect()
}

pub(super) async fn unsent(pool: &PgPool, mail_id: MailId) -> Result<Option<ShownMail>, Error> {
    let row = sqlx::query(
        "select mail_id, created_at, recipient, subject, body_text, body_html
         from mails
         where mail_id = $1 and state in ('queued', 'shown')",
    )
    .bind(mail_id.0)
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(shown).transpose()
}

fn shown(row: &PgRow) -> Result<ShownMail, Error> {
    Ok(ShownMail {
        mail_id: MailId(row.try_get("mail_id")?),
        created_at: row.try_get("created_at")?,
        recipient: row.try_get("recipient")?,
        subject: row.try_get("subject")?,
        text: row.try_get("body_text")?,
        html: row.try_get("body_html")?,
    })
}

pub(super) async fn of_alerts(
    pool: &PgPool,
    scope: &OrgScope,
    alerts: &[AlertId],
) -> Result<BTreeMap<AlertId, Vec<Delivery>>, Error> {
    let ids: Vec<Uuid> = alerts.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "select alert_id, recipient, state, attempts, last_answer, last_attempt_at
         from mails
         where org_id = $1 and alert_id = any($2)
         order by recipient",
    )
    .bind(scope.org_id().0)
    .bind(ids)
    .fetch_all(pool)
    .await?;
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in &rows {
        found.entry(AlertId(row.try_get("alert_id")?)).or_default().push(delivery(row, scope)?);
    }
    Ok(found)
}

pub(super) async fn of_mails(
    pool: &PgPool,
    scope: &OrgScope,
    mails: &[MailId],
) -> Result<BTreeMap<MailId, Delivery>, Error> {
    let ids: Vec<Uuid> = mails.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "select mail_id, recipient, state, attempts, last_answer, last_attempt_at
         from mails
         where org_id = $1 and mail_id = any($2)",
    )
    .bind(scope.org_id().0)
    .bind(ids)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((MailId(row.try_get("mail_id")?), delivery(row, scope)?))).collect()
}

fn delivery(row: &PgRow, scope: &OrgScope) -> Result<Delivery, Error> {
    let word: String = row.try_get("state")?;
    let state = DeliveryState::ALL.into_iter().find(|state| state.as_str() == word);
    let attempts: i32 = row.try_get("attempts")?;
    let last: Option<DateTime<Utc>> = row.try_get("last_attempt_at")?;
    Ok(Delivery {
        recipient: row.try_get("recipient")?,
        state: state.ok_or_else(|| Error::inconsistent("mails", "state", word))?,
        attempts: u32::try_from(attempts).map_err(|_| Error::inconsistent("mails", "attempts", attempts))?,
        answer: row.try_get("last_answer")?,
        last_attempt_at: last.map(|at| scope.zone().local(at)),
    })
}
