//! Queries of `devices`: browsers on which somebody signed in before.

use crate::Error;
use chrono::{DateTime, Utc};
use domain::identity::Email;
use domain::ids::UserId;
use sqlx::{PgConnection, PgPool};

/// Counts an attempt of the account on this device; false when it is not known, or had too many since the last right one.
pub(in crate::identity) async fn attempt_on_device(
    pool: &PgPool,
    device_hash: &[u8],
    email: &Email,
    most: i16,
    used_since: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update devices set attempts = attempts + 1
         where device_hash = $1 and user_id = (select user_id from users where email = $2)
           and attempts < $3 and last_used_at > $4",
    )
    .bind(device_hash)
    .bind(email.as_str())
    .bind(most)
    .bind(used_since)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The device is the user's, from now on under another token; whoever else signs in on it keeps that too.
pub(in crate::identity) async fn put_device(
    connection: &mut PgConnection,
    before: &[u8],
    device_hash: &[u8],
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query("update devices set device_hash = $2 where device_hash = $1")
        .bind(before)
        .bind(device_hash)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "insert into devices (device_hash, user_id, last_used_at) values ($1, $2, $3)
         on conflict on constraint devices_pkey do update set attempts = 0, last_used_at = excluded.last_used_at",
    )
    .bind(device_hash)
    .bind(user_id.0)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::identity) async fn delete_devices(connection: &mut PgConnection, user_id: UserId) -> Result<(), Error> {
    sqlx::query("delete from devices where user_id = $1").bind(user_id.0).execute(connection).await?;
    Ok(())
}

pub(in crate::identity) async fn delete_unused_devices(pool: &PgPool, before: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query("delete from devices where last_used_at <= $1").bind(before).execute(pool).await?;
    Ok(())
}
