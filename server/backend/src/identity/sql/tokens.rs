//! Queries of `user_tokens`: the links that mails bring.

use crate::Error;
use crate::identity::tokens::{LinkToken, Purpose};
use chrono::{DateTime, Utc};
use domain::ids::UserId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};

/// What a link carries from the sign-up that it verifies.
#[derive(Default)]
pub(in crate::identity) struct Secrets {
    /// The password that comes into force with it.
    pub(in crate::identity) password_hash: Option<String>,
    /// The browser that signed up.
    pub(in crate::identity) browser_hash: Option<Vec<u8>>,
}

/// A link that is or was good.
pub(in crate::identity) struct Taken {
    pub(in crate::identity) user_id: UserId,
    pub(in crate::identity) secrets: Secrets,
}

impl Taken {
    /// Whether the browser with this hash signed up; without one, none did.
    pub(in crate::identity) fn is_of(&self, browser_hash: Option<&[u8]>) -> bool {
        browser_hash.is_some() && self.secrets.browser_hash.as_deref() == browser_hash
    }
}

pub(in crate::identity) async fn insert_token(
    connection: &mut PgConnection,
    token: &LinkToken,
    user_id: UserId,
    purpose: Purpose,
    secrets: Secrets,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into user_tokens (token_hash, user_id, purpose, created_at, expires_at, password_hash, browser_hash)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(token.hash)
    .bind(user_id.0)
    .bind(purpose.as_str())
    .bind(now)
    .bind(expires_at)
    .bind(secrets.password_hash)
    .bind(secrets.browser_hash)
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
        "select user_id, password_hash, browser_hash from user_tokens
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
         returning user_id, password_hash, browser_hash",
    )
    .bind(token_hash)
    .bind(purpose.as_str())
    .bind(now)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(taken).transpose()
}

fn taken(row: &PgRow) -> Result<Taken, Error> {
    let secrets = Secrets { password_hash: row.try_get("password_hash")?, browser_hash: row.try_get("browser_hash")? };
    Ok(Taken { user_id: UserId(row.try_get("user_id")?), secrets })
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
