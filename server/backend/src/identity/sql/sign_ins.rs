//! Queries of `sign_ins`.

use super::users::to_user;
use crate::Error;
use chrono::{DateTime, Utc};
use domain::identity::{SignIn, User};
use domain::ids::{SignInId, UserId};
use serde_json::Value;
use sqlx::{PgConnection, PgPool, Row};

/// A row of `sign_ins` with its user.
pub(in crate::identity) struct StoredSignIn {
    pub(in crate::identity) sign_in_id: SignInId,
    pub(in crate::identity) user: User,
    pub(in crate::identity) data: Value,
    pub(in crate::identity) created_at: DateTime<Utc>,
    pub(in crate::identity) last_seen_at: DateTime<Utc>,
    pub(in crate::identity) expires_at: DateTime<Utc>,
}

/// A row to be written.
pub(in crate::identity) struct NewSignIn<'a> {
    pub(in crate::identity) sign_in_id: SignInId,
    pub(in crate::identity) user_id: UserId,
    /// The password that was checked.
    pub(in crate::identity) password_hash: &'a str,
    pub(in crate::identity) data: Value,
    pub(in crate::identity) user_agent: &'a str,
    pub(in crate::identity) address: &'a str,
    pub(in crate::identity) now: DateTime<Utc>,
    pub(in crate::identity) expires_at: DateTime<Utc>,
}

/// False when the password is another one by now. Whoever is changing it is waited for, and who changes it next ends this sign-in.
pub(in crate::identity) async fn insert_sign_in(
    pool: &PgPool,
    token_hash: &[u8],
    new: NewSignIn<'_>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "with proof as (select user_id from users where user_id = $3 and password_hash = $9 for share)
         insert into sign_ins
             (token_hash, sign_in_id, user_id, data, user_agent, address, created_at, last_seen_at, expires_at)
         select $1, $2, user_id, $4, $5, $6, $7, $7, $8 from proof",
    )
    .bind(token_hash)
    .bind(new.sign_in_id.0)
    .bind(new.user_id.0)
    .bind(new.data)
    .bind(new.user_agent)
    .bind(new.address)
    .bind(new.now)
    .bind(new.expires_at)
    .bind(new.password_hash)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(in crate::identity) async fn update_sign_in(pool: &PgPool, token_hash: &[u8], data: Value) -> Result<(), Error> {
    sqlx::query("update sign_ins set data = $2 where token_hash = $1")
        .bind(token_hash)
        .bind(data)
        .execute(pool)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn touch_sign_in(
    pool: &PgPool,
    token_hash: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update sign_ins set last_seen_at = $2, expires_at = $3 where token_hash = $1")
        .bind(token_hash)
        .bind(now)
        .bind(expires_at)
        .execute(pool)
        .await?;
    Ok(())
}

pub(in crate::identity) async fn sign_in(pool: &PgPool, token_hash: &[u8]) -> Result<Option<StoredSignIn>, Error> {
    let row = sqlx::query(
        "select sign_ins.sign_in_id, sign_ins.data, sign_ins.created_at, sign_ins.last_seen_at, sign_ins.expires_at,
                users.user_id, users.email, users.email_verified_at
         from sign_ins
         join users on users.user_id = sign_ins.user_id
         where sign_ins.token_hash = $1",
    )
    .bind(token_hash)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(StoredSignIn {
            sign_in_id: SignInId(row.try_get("sign_in_id")?),
            user: to_user(&row)?,
            data: row.try_get("data")?,
            created_at: row.try_get("created_at")?,
            last_seen_at: row.try_get("last_seen_at")?,
            expires_at: row.try_get("expires_at")?,
        })
    })
    .transpose()
}

pub(in crate::identity) async fn sign_ins(
    pool: &PgPool,
    user_id: UserId,
    current: Option<SignInId>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<SignIn>, Error> {
    let rows = sqlx::query(
        "select sign_in_id, user_agent, address, created_at, last_seen_at
         from sign_ins
         where user_id = $1 and expires_at > $2
         order by last_seen_at desc, sign_in_id
         limit $3",
    )
    .bind(user_id.0)
    .bind(now)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let sign_in_id = SignInId(row.try_get("sign_in_id")?);
            Ok(SignIn {
                sign_in_id,
                user_agent: row.try_get("user_agent")?,
                address: row.try_get("address")?,
                created_at: row.try_get("created_at")?,
                last_seen_at: row.try_get("last_seen_at")?,
                current: current == Some(sign_in_id),
            })
        })
        .collect()
}

/// Whether it is there and has not expired.
pub(in crate::identity) async fn sign_in_lasts(
    pool: &PgPool,
    sign_in_id: SignInId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let lasts = sqlx::query_scalar("select exists (select 1 from sign_ins where sign_in_id = $1 and expires_at > $2)");
    Ok(lasts.bind(sign_in_id.0).bind(now).fetch_one(pool).await?)
}

pub(in crate::identity) async fn delete_sign_in_by_hash(pool: &PgPool, token_hash: &[u8]) -> Result<(), Error> {
    sqlx::query("delete from sign_ins where token_hash = $1").bind(token_hash).execute(pool).await?;
    Ok(())
}

pub(in crate::identity) async fn delete_sign_in(
    pool: &PgPool,
    user_id: UserId,
    sign_in_id: SignInId,
) -> Result<bool, Error> {
    let done = sqlx::query("delete from sign_ins where user_id = $1 and sign_in_id = $2")
        .bind(user_id.0)
        .bind(sign_in_id.0)
        .execute(pool)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// All but `keep`; all of them without one.
pub(in crate::identity) async fn delete_other_sign_ins(
    connection: &mut PgConnection,
    user_id: UserId,
    keep: Option<SignInId>,
) -> Result<u64, Error> {
    let done = sqlx::query("delete from sign_ins where user_id = $1 and sign_in_id is distinct from $2")
        .bind(user_id.0)
        .bind(keep.map(|id| id.0))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

pub(in crate::identity) async fn delete_expired(pool: &PgPool, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query("delete from sign_ins where expires_at <= $1").bind(now).execute(pool).await?;
    sqlx::query("delete from user_tokens where expires_at <= $1").bind(now).execute(pool).await?;
    Ok(())
}
