//! Queries of the table in which sqlx keeps what was applied.

use super::Placed;
use crate::Error;
use sqlx::{AssertSqlSafe, Connection, Executor, PgPool, Row};

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

/// Makes the indexes of `events` on partitions that were there before them, one after the other and beside whoever writes there.
pub(super) async fn index_partitions(pool: &PgPool) -> Result<(), Error> {
    let missing = sqlx::query(
        "select parent.relname as parent, part.relname as part, pg_get_indexdef(parent.oid) as definition,
            exists (select 1 from pg_class as half join pg_index on indexrelid = half.oid
                where half.relname = part.relname || '_' || parent.relname and not indisvalid) as is_half
         from pg_index as i join pg_class as parent on parent.oid = i.indexrelid
         join pg_inherits as h on h.inhparent = i.indrelid join pg_class as part on part.oid = h.inhrelid
         where i.indrelid = 'events'::regclass and not exists (
            select 1 from pg_inherits as of_index join pg_index as own on own.indexrelid = of_index.inhrelid
            where of_index.inhparent = parent.oid and own.indrelid = part.oid)
         order by 1, 2",
    );
    for row in missing.fetch_all(pool).await? {
        let (parent, part): (String, String) = (row.try_get("parent")?, row.try_get("part")?);
        let (definition, is_half): (String, bool) = (row.try_get("definition")?, row.try_get("is_half")?);
        let Some((_, how)) = definition.split_once(" USING ") else { continue };
        let index = format!("{part}_{parent}");
        // What an interrupted attempt left is of no use.
        let leftover = is_half.then(|| format!("drop index concurrently {index}"));
        let make = format!("create index concurrently if not exists {index} on {part} using {how}");
        let attach = format!("alter index {parent} attach partition {index}");
        for statement in leftover.into_iter().chain([make, attach]) {
            // Names and definitions are the database's own.
            sqlx::query(AssertSqlSafe(statement)).execute(pool).await?;
        }
    }
    Ok(())
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
