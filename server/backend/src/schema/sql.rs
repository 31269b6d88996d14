//! Queries of the table in which sqlx keeps what was applied.

use super::Placed;
use crate::Error;
use sqlx::{Connection, Executor, PgPool};

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

/// Whether the database can be spread over several servers.
pub(super) async fn has_citus(pool: &PgPool) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select exists (select 1 from pg_extension where extname = 'citus')").fetch_one(pool).await?)
}

/// Places all tables that are not placed yet, in one transaction.
pub(super) async fn distribute(pool: &PgPool) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    // Tables that refer to each other are placed one after the other; a large one is copied as long as it takes.
    sqlx::query("select set_config('citus.multi_shard_modify_mode', 'sequential', true), set_config('statement_timeout', '0', true)")
        .execute(&mut *transaction)
        .await?;
    transaction.execute(sqlx::raw_sql(include_str!("distribute.sql"))).await?;
    transaction.commit().await?;
    Ok(())
}

/// Where the tables are.
pub(super) async fn placed(pool: &PgPool) -> Result<Placed, Error> {
    let names = async |kind: &'static str| {
        let names = "select logicalrelid::text from pg_dist_partition as placed
            join pg_class as class on class.oid = logicalrelid and not relispartition
            where partmethod = $1::\"char\" order by 1";
        Ok::<_, Error>(sqlx::query_scalar(names).bind(kind).fetch_all(pool).await?)
    };
    Ok(Placed { distributed: names("h").await?, everywhere: names("n").await? })
}
