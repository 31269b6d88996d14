//! Queries of `users`.

use crate::Error;
use chrono::{DateTime, Utc};
use domain::identity::{Email, User};
use domain::ids::UserId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

/// A user with what checks their password.
pub(in crate::identity) struct Known {
    pub(in crate::identity) user: User,
    pub(in crate::identity) password_hash: String,
}

/// Unless the address is taken.
pub(in crate::identity) async fn insert_user(
    connection: &mut PgConnection,
    user_id: UserId,
    email: &Email,
    email_verified_at: Option<DateTime<Utc>>,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into users (user_id, email, email_verified_at, password_hash, created_at) values ($1, $2, $3, $4, $5)
         on conflict on constraint users_email_key do nothing",
    )
    .bind(user_id.0)
    .bind(email.as_str())
    .bind(email_verified_at)
    .bind(password_hash)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::identity) async fn user(executor: impl PgExecutor<'_>, email: &Email) -> Result<Option<Known>, Error> {
    let row = sqlx::query("select * from users where email = $1").bind(email.as_str()).fetch_optional(executor).await?;
    row.as_ref().map(known).transpose()
}

/// Holds off other changes of the user until the transaction ends.
pub(in crate::identity) async fn lock_user(
    connection: &mut PgConnection,
    email: &Email,
) -> Result<Option<Known>, Error> {
    let row = sqlx::query("select * from users where email = $1 for update")
        .bind(email.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(known).transpose()
}

/// The address, as text for a sentence.
pub(in crate::identity) async fn email_of(connection: &mut PgConnection, user_id: UserId) -> Result<String, Error> {
    Ok(sqlx::query_scalar("select email from users where user_id = $1").bind(user_id.0).fetch_one(connection).await?)
}

/// Answers with the user's address.
pub(in crate::identity) async fn set_password(
    connection: &mut PgConnection,
    user_id: UserId,
    hash: &str,
) -> Result<Email, Error> {
    let email: String = sqlx::query_scalar("update users set password_hash = $2 where user_id = $1 returning email")
        .bind(user_id.0)
        .bind(hash)
        .fetch_one(connection)
        .await?;
    Email::parse(&email).map_err(|_| Error::inconsistent("users", "email", "not an address"))
}

/// False when the address was verified before.
pub(in crate::identity) async fn mark_verified(
    connection: &mut PgConnection,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query("update users set email_verified_at = $2 where user_id = $1 and email_verified_at is null")
        .bind(user_id.0)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn known(row: &PgRow) -> Result<Known, Error> {
    Ok(Known { user: to_user(row)?, password_hash: row.try_get("password_hash")? })
}

pub(in crate::identity) async fn user_id_of(
    executor: impl PgExecutor<'_>,
    email: &Email,
) -> Result<Option<UserId>, Error> {
    let id: Option<uuid::Uuid> = sqlx::query_scalar("select user_id from users where email = $1")
        .bind(email.as_str())
        .fetch_optional(executor)
        .await?;
    Ok(id.map(UserId))
}

pub(super) fn to_user(row: &PgRow) -> Result<User, Error> {
    let email: String = row.try_get("email")?;
    let verified: Option<DateTime<Utc>> = row.try_get("email_verified_at")?;
    Ok(User {
        user_id: UserId(row.try_get("user_id")?),
        email: Email::parse(&email).map_err(|_| Error::inconsistent("users", "email", "not an address"))?,
        email_verified: verified.is_some(),
    })
}
