//! Settings of a session.

use sqlx::PgConnection;

/// Limits what the session may take, and lets PostgreSQL end it where the client is silently gone.
///
/// No compiling of statements: a page's cost looks dear enough for it to PostgreSQL, and half of the time of the dearest went there.
///
/// Set after connecting and not while: PgBouncer knows no startup options.
pub(super) async fn limit(connection: &mut PgConnection, statement: Option<&'static str>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "select set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', '60s', false),
            set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
            set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '20s', false),
            set_config('jit', 'off', false)",
    )
    .bind(statement.unwrap_or("0"))
    .execute(connection)
    .await?;
    Ok(())
}
