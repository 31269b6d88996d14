//! Queries of `user_tokens`: the links that mails bring.

use crate::Error;
use crate::identity::tokens::{LinkToken, Purpose};
use chrono::{DateTime, Utc};
use domain::ids::UserId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

/// A link that is or was good.
pub(in crate::identity) struct Taken {
    pub(in crate::identity) user_id: UserId,
    /// The password that comes into force with it.
    pub(in crate::identity) password_hash: Option<String>,
}

pub(in crate::identity) async fn insert_token(
    connection: &mut PgConnection,
    token: &LinkToken,
    user_id: UserId,
    purpose: Purpose,
    password_hash: Option<String>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into user_tokens (token_hash, user_id, purpose, created_at, expires_at, password_hash)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token.hash)
    .bind(user_id.0)
    .bind(purpose.as_str())
    .bind(now)
    .bind(expires_at)
    .bind(password_hash)
    .execute(connection)
    .await?;
    Ok(())
}

/// The link, if it is good, without using it up.
pub(in crate::identity) async fn find_token(
    executor: impl PgExecutor<'_>,
    token_hash: &[u8],
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<Taken>, Error> {
    let row = sqlx::query(
        "select user_id, password_hash from user_tokens
         where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .bind(now)
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(taken).transpose()
}

/// Uses the link up, if it is good.
pub(in crate::identity) async fn take_token(
    connection: &mut PgConnection,
    token_hash: &[u8],
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<Taken>, Error> {
    let row = sqlx::query(
        "update user_tokens set used_at = $3
         where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
         returning user_id, password_hash",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(taken).transpose()
}

fn taken(row: &PgRow) -> Result<Taken, Error> {
    Ok(Taken { user_id: UserId(row.try_get("user_id")?), password_hash: row.try_get("password_hash")? })
}

pub(in crate::identity) async fn delete_tokens(
    connection: &mut PgConnection,
    user_id: UserId,
    purpose: Purpose,
) -> Result<(), Error> {
    sqlx::query("delete from user_tokens where user_id = $1 and purpose = $2")
        .bind(user_id.0)
        .bind(purpose.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
