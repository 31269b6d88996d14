//! Queries of what teams say about their statements, and of answers.

use crate::{Error, OrgScope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::identity::{Email, Permission, Role};
use domain::ids::DisputeId;
use domain::statement::{Dispute, DisputeAnswer, TeamReply};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// What teams said about any version of a month, oldest first; of one team where it is told.
pub(in crate::statements) async fn of_month(
    connection: &mut PgConnection,
    scope: &OrgScope,
    month: NaiveDate,
    team: Option<&str>,
) -> Result<Vec<TeamReply>, Error> {
    let rows = sqlx::query(
        "select r.*, a.accepted, a.text, a.created_at as answered_at,
            coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as made_by,
            coalesce(answerer.email, 'API key ' || answering.name, 'Tallystick') as answered_by
         from statement_replies r
         left join statement_answers a on a.org_id = r.org_id and a.reply_id = r.reply_id
         left join users on users.user_id = r.user_id
         left join api_keys on api_keys.org_id = r.org_id and api_keys.key_id = r.key_id
         left join users as answerer on answerer.user_id = a.user_id
         left join api_keys as answering on answering.org_id = a.org_id and answering.key_id = a.key_id
         where r.org_id = $1 and r.month = $2 and ($3::text is null or r.team = $3)
         order by r.reply_id",
    )
    .bind(scope.org_id().0)
    .bind(month)
    .bind(team)
    .fetch_all(connection)
    .await?;
    rows.iter().map(reply_of).collect()
}

fn reply_of(row: &PgRow) -> Result<TeamReply, Error> {
    let answer = match row.try_get::<Option<bool>, _>("accepted")? {
        None => None,
        Some(accepted) => Some(DisputeAnswer {
            accepted,
            text: row.try_get("text")?,
            at: row.try_get("answered_at")?,
            by: row.try_get("answered_by")?,
        }),
    };
    let dispute = match row.try_get::<Option<String>, _>("reason")? {
        None => None,
        Some(reason) => Some(Dispute {
            dispute_id: DisputeId(row.try_get("reply_id")?),
            line: row.try_get("line")?,
            amount: row.try_get("amount")?,
            reason,
            answer,
        }),
    };
    let number: i32 = row.try_get("number")?;
    let version = u32::try_from(number).map_err(|_| Error::inconsistent("statement_replies", "number", number))?;
    let (team, at, by) = (row.try_get("team")?, row.try_get("created_at")?, row.try_get("made_by")?);
    Ok(TeamReply { team, version, dispute, at, by })
}

pub(in crate::statements) async fn insert(
    connection: &mut PgConnection,
    scope: &OrgScope,
    reply_id: Uuid,
    month: NaiveDate,
    reply: &TeamReply,
) -> Result<(), Error> {
    let dispute = reply.dispute.as_ref();
    sqlx::query(
        "insert into statement_replies (org_id, reply_id, month, number, team, disputed, line, amount, reason,
            created_at, user_id, key_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(scope.org_id().0)
    .bind(reply_id)
    .bind(month)
    .bind(i64::from(reply.version))
    .bind(&reply.team)
    .bind(dispute.is_some())
    .bind(dispute.and_then(|dispute| dispute.line.as_deref()))
    .bind(dispute.and_then(|dispute| dispute.amount))
    .bind(dispute.map(|dispute| dispute.reason.as_str()))
    .bind(reply.at)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::statements) async fn insert_answer(
    connection: &mut PgConnection,
    scope: &OrgScope,
    dispute_id: DisputeId,
    (accepted, text): (bool, &str),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into statement_answers (org_id, reply_id, accepted, text, created_at, user_id, key_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(scope.org_id().0)
    .bind(dispute_id.0)
    .bind(accepted)
    .bind(text)
    .bind(now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// The addresses of members who may do something and see the whole organization, in order.
pub(in crate::statements) async fn members_who_may(
    connection: &mut PgConnection,
    scope: &OrgScope,
    permission: Permission,
) -> Result<Vec<Email>, Error> {
    let roles = Role::ALL.into_iter().filter(|role| role.may(permission)).map(|role| role.as_str().to_owned());
    let found: Vec<String> = sqlx::query_scalar(
        "select users.email from members join users using (user_id) where org_id = $1 and role = any($2) and team_ids is null
         order by 1",
    )
    .bind(scope.org_id().0)
    .bind(roles.collect::<Vec<_>>())
    .fetch_all(connection)
    .await?;
    let email = |text: String| Email::parse(&text).map_err(|_| Error::inconsistent("users", "email", text));
    found.into_iter().map(email).collect()
}
