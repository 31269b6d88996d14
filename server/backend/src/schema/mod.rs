//! Whether the database is the one that this program was built for, and on how many servers its tables lie.

mod sql;

use crate::{Error, MIGRATOR};
use domain::problem::Problem;
use sqlx::PgPool;
use std::collections::BTreeSet;

/// How the database's tables stand to this program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// They are the same.
    Current,
    /// So many migrations of this program were not applied yet.
    Behind(usize),
    /// Migrations were applied that this program does not have, the newest of this version.
    Unknown(i64),
}

/// Compares the migrations that were applied with those of this program.
///
/// # Errors
/// [`Error::Database`].
pub async fn schema(pool: &PgPool) -> Result<Schema, Error> {
    let applied: BTreeSet<i64> = sql::applied(pool).await?.into_iter().collect();
    let own: BTreeSet<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    Ok(match applied.difference(&own).last() {
        Some(newest) => Schema::Unknown(*newest),
        None if applied == own => Schema::Current,
        None => Schema::Behind(own.difference(&applied).count()),
    })
}

/// The tables of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Spread over its servers by organization, so that everything of one organization lies together.
    pub distributed: Vec<String>,
    /// Whole on every server.
    pub everywhere: Vec<String>,
}

/// Spreads the tables over the servers of a Citus cluster; those that are spread already stay. Says where all of them are.
///
/// # Errors
/// [`Problem::Conflict`] where the extension is not installed in the database; [`Error::Database`].
pub async fn distribute(pool: &PgPool) -> Result<Placed, Error> {
    if !sql::has_citus(pool).await? {
        let detail = "The extension citus is not installed in this database: create it there, on a cluster, first.";
        return Err(Problem::conflict(detail).into());
    }
    sql::distribute(pool).await?;
    sql::placed(pool).await
}
