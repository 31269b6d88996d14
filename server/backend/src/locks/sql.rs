//! The statements that take advisory locks. All are released with the transaction.

use super::LockKey;
use crate::Error;
use sqlx::PgConnection;
use std::time::Duration;

/// Waits for the lock.
pub(crate) async fn hold(connection: &mut PgConnection, key: LockKey) -> Result<(), Error> {
    sqlx::query("select pg_advisory_xact_lock($1, $2)").bind(key.lock).bind(key.of).execute(connection).await?;
    Ok(())
}

/// Waits until nobody holds the lock but those who share it.
pub(crate) async fn hold_shared(connection: &mut PgConnection, key: LockKey) -> Result<(), Error> {
    sqlx::query("select pg_advisory_xact_lock_shared($1, $2)").bind(key.lock).bind(key.of).execute(connection).await?;
    Ok(())
}

/// Whether the lock was free, and is held now: for as long as the transaction is open, however long other connections work under it.
pub(crate) async fn try_hold(connection: &mut PgConnection, key: LockKey) -> Result<bool, Error> {
    // A transaction that waits for its holder's work is idle: PostgreSQL would end it, and the lock with it.
    let held = sqlx::query_scalar(
        "select pg_try_advisory_xact_lock($1, $2)
         from (select set_config('idle_in_transaction_session_timeout', '0', true) offset 0) as settings",
    );
    Ok(held.bind(key.lock).bind(key.of).fetch_one(connection).await?)
}

/// Which of the locks nobody held but those who share them, and are shared now.
///
/// The same way to the database and back makes sure that the commit will be synchronous and no lock is waited for longer than `lock_wait`.
pub(crate) async fn try_hold_shared(
    connection: &mut PgConnection,
    keys: &[LockKey],
    lock_wait: Duration,
) -> Result<Vec<bool>, Error> {
    Ok(sqlx::query_scalar(
        "select pg_try_advisory_xact_lock_shared(wanted.lock, wanted.of_)
         from unnest($1::integer[], $2::integer[]) with ordinality as wanted (lock, of_, position),
              (select set_config('synchronous_commit', 'on', true), set_config('lock_timeout', $3, true) offset 0) as settings
         order by wanted.position",
    )
    .bind(keys.iter().map(|key| key.lock).collect::<Vec<_>>())
    .bind(keys.iter().map(|key| key.of).collect::<Vec<_>>())
    .bind(format!("{}ms", lock_wait.as_millis()))
    .fetch_all(connection)
    .await?)
}
