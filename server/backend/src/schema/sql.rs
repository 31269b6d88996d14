//! Queries of the table in which sqlx keeps what was applied.

use crate::Error;
use sqlx::PgPool;

/// Versions of the migrations that were applied; none in a database that was never migrated.
pub(super) async fn applied(pool: &PgPool) -> Result<Vec<i64>, Error> {
    let is_there: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(pool).await?;
    if !is_there {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar("select version from _sqlx_migrations where success order by version")
        .fetch_all(pool)
        .await?)
}
