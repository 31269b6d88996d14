//! Queries of `statement_mails` and `statement_mails_sent`.

use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::identity::Email;
use domain::ids::{MailId, OrgId, UserId};
use domain::statement::{MailSchedule, StatementMails, StatementRecipient};
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A statement that somebody is to get.
pub(super) struct Due {
    pub(super) month: NaiveDate,
    pub(super) user_id: UserId,
    pub(super) recipient: StatementRecipient,
}

impl Due {
    fn team(&self) -> &str {
        self.recipient.team.as_ref().map_or("", |team| team.as_str())
    }
}

pub(super) async fn settings(db: impl PgExecutor<'_>, scope: &OrgScope) -> Result<StatementMails, Error> {
    let row = sqlx::query("select schedule, recipients from statement_mails where org_id = $1")
        .bind(scope.org_id().0)
        .fetch_optional(db)
        .await?;
    let Some(row) = row else { return Ok(StatementMails::default()) };
    let word: &str = row.try_get("schedule")?;
    let schedule = MailSchedule::ALL.into_iter().find(|schedule| schedule.as_str() == word);
    let schedule = schedule.ok_or_else(|| Error::inconsistent("statement_mails", "schedule", word))?;
    let recipients = serde_json::from_value(row.try_get("recipients")?);
    let recipients = recipients.map_err(|error| Error::inconsistent("statement_mails", "recipients", error))?;
    Ok(StatementMails { schedule, recipients })
}

/// With a new beginning where one is given.
pub(super) async fn set(
    connection: &mut PgConnection,
    scope: &OrgScope,
    mails: &StatementMails,
    since: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into statement_mails (org_id, schedule, recipients, since) values ($1, $2, $3, coalesce($4, 'infinity'))
         on conflict on constraint statement_mails_pkey do update
         set schedule = excluded.schedule, recipients = excluded.recipients,
             since = coalesce($4, statement_mails.since)",
    )
    .bind(scope.org_id().0)
    .bind(mails.schedule.as_str())
    .bind(sqlx::types::Json(&mails.recipients))
    .bind(since)
    .execute(connection)
    .await?;
    Ok(())
}

/// Addresses of all members.
pub(super) async fn members(pool: &PgPool, scope: &OrgScope) -> Result<BTreeSet<Email>, Error> {
    let found: Vec<String> =
        sqlx::query_scalar("select users.email from members join users using (user_id) where org_id = $1")
            .bind(scope.org_id().0)
            .fetch_all(pool)
            .await?;
    let email = |text: String| Email::parse(&text).map_err(|_| Error::inconsistent("users", "email", text));
    found.into_iter().map(email).collect()
}

/// Organizations with a schedule.
pub(super) async fn scheduled(pool: &PgPool) -> Result<Vec<OrgId>, Error> {
    let found: Vec<Uuid> =
        sqlx::query_scalar("select org_id from statement_mails where schedule <> 'off' order by org_id")
            .fetch_all(pool)
            .await?;
    Ok(found.into_iter().map(OrgId).collect())
}

/// What members were to get and have not: of the last month once it was over, or of months that were closed, since the schedule holds.
pub(super) async fn due(
    pool: &PgPool,
    scope: &OrgScope,
    (last_month, over_at): (NaiveDate, DateTime<Utc>),
) -> Result<Vec<Due>, Error> {
    let rows = sqlx::query(
        "with months as (
             select $2::date as month from statement_mails
             where org_id = $1 and schedule = 'over' and since <= $3
             union all
             select v.month from statement_mails s
             join statement_versions v on v.org_id = s.org_id and v.closed and v.made_at >= s.since
             where s.org_id = $1 and s.schedule = 'closed'
         )
         select months.month, members.user_id, r.email, r.team
         from statement_mails s
         cross join months
         cross join jsonb_to_recordset(s.recipients) as r (email text, team text)
         join users on users.email = r.email
         join members on members.org_id = s.org_id and members.user_id = users.user_id
         where s.org_id = $1 and not exists (
             select 1 from statement_mails_sent sent
             where sent.org_id = s.org_id and sent.month = months.month and sent.email = r.email
               and sent.team = coalesce(r.team, '')
         )
         order by months.month, r.email, r.team",
    )
    .bind(scope.org_id().0)
    .bind(last_month)
    .bind(over_at)
    .fetch_all(pool)
    .await?;
    let due = |row: &sqlx::postgres::PgRow| {
        let (email, team): (&str, Option<String>) = (row.try_get("email")?, row.try_get("team")?);
        let email = Email::parse(email).map_err(|_| Error::inconsistent("statement_mails", "recipients", email))?;
        let team = team.map(TryInto::try_into).transpose();
        let team = team.map_err(|error: String| Error::inconsistent("statement_mails", "recipients", error))?;
        let recipient = StatementRecipient { email, team };
        Ok(Due { month: row.try_get("month")?, user_id: UserId(row.try_get("user_id")?), recipient })
    };
    rows.iter().map(due).collect()
}

/// Whether it was put into the outbox; asked while nobody else writes mails about the organization.
pub(super) async fn was_sent(connection: &mut PgConnection, scope: &OrgScope, due: &Due) -> Result<bool, Error> {
    let sent =
        sqlx::query("select 1 from statement_mails_sent where org_id = $1 and month = $2 and email = $3 and team = $4")
            .bind(scope.org_id().0)
            .bind(due.month)
            .bind(due.recipient.email.as_str())
            .bind(due.team())
            .fetch_optional(connection)
            .await?;
    Ok(sent.is_some())
}

pub(super) async fn sent(
    connection: &mut PgConnection,
    scope: &OrgScope,
    due: &Due,
    mail_id: MailId,
) -> Result<(), Error> {
    sqlx::query("insert into statement_mails_sent (org_id, month, email, team, mail_id) values ($1, $2, $3, $4, $5)")
        .bind(scope.org_id().0)
        .bind(due.month)
        .bind(due.recipient.email.as_str())
        .bind(due.team())
        .bind(mail_id.0)
        .execute(connection)
        .await?;
    Ok(())
}
