//! Whether the database is the one that this program was built for.

mod sql;

use crate::{Error, MIGRATOR};
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
