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
#[tracing::instrument(level = "debug", skip_all)]
pub async fn schema(pool: &PgPool) -> Result<Schema, Error> {
    let applied: BTreeSet<i64> = sql::applied(pool).await?.into_iter().collect();
    let own: BTreeSet<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    Ok(match applied.difference(&own).last() {
        Some(newest) => Schema::Unknown(*newest),
        None if applied == own => Schema::Current,
        None => Schema::Behind(own.difference(&applied).count()),
    })
}

/// Gives partitions that are there the indexes of `events` that came later, while events are written. Only a migration that brings such an index leaves it anything to do.
///
/// # Errors
/// [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all)]
pub(crate) async fn index_partitions(pool: &PgPool) -> Result<(), Error> {
    sql::index_partitions(pool).await
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
#[tracing::instrument(level = "debug", skip_all)]
pub async fn distribute(pool: &PgPool) -> Result<Placed, Error> {
    if !sql::has_citus(pool).await? {
        let detail = "The extension citus is not installed in this database: create it there, on a cluster, first.";
        return Err(Problem::conflict(detail).into());
    }
    sql::distribute(pool).await?;
    sql::placed(pool).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The migrations that made the indexes of `events` before anything was released, when it was empty everywhere.
    const WHILE_EMPTY: [i64; 3] = [20_261_123_120_400, 20_261_125_212_500, 20_261_126_094_500];

    /// Whether a statement builds an index over what `events` or one of its partitions holds, while nobody may write there.
    fn locks_events(statement: &str) -> bool {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let table = |after: &str| {
            let place = words.iter().position(|word| *word == after)?;
            let name = words.get(place + 1)?.split('(').next()?;
            Some(name.trim_start_matches("public.").trim_matches('"'))
        };
        let has = |word: &str| words.iter().any(|other| other.starts_with(word));
        let is_event_table = |name: &str| name == "events" || name.starts_with("events_2");
        match words.as_slice() {
            // `on only events` names what new partitions get, and builds nothing.
            ["create", "index", ..] | ["create", "unique", "index", ..] => {
                table("on").is_some_and(is_event_table) && !has("concurrently")
            }
            ["alter", "table", ..] => {
                let makes_one = has("unique") || has("primary") || has("exclude");
                ["table", "only", "exists"].iter().any(|after| table(after).is_some_and(is_event_table))
                    && makes_one
                    && !statement.contains("using index")
            }
            ["reindex", ..] => !has("concurrently"),
            _ => false,
        }
    }

    fn statements(sql: &str) -> Vec<String> {
        let code = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        code.to_lowercase().split(';').map(|statement| statement.trim().to_owned()).collect()
    }

    #[test]
    fn no_migration_builds_an_index_over_events_that_are_there() {
        let mut seen = 0;
        for migration in MIGRATOR.iter() {
            for statement in statements(migration.sql.as_str()) {
                let locks = locks_events(&statement);
                seen += usize::from(locks);
                let version = migration.version;
                assert!(
                    !locks || WHILE_EMPTY.contains(&version),
                    "{version} keeps everybody from writing events: {statement}"
                );
            }
        }
        assert_eq!(seen, 5, "the indexes that `events` was made with are seen");
    }

    #[test]
    fn what_locks_events_is_known() {
        for locks in [
            "create index a on events (org_id)",
            "create unique index if not exists a on public.events(org_id)",
            "create index events_2026_11_a on events_2026_11 using brin (received_at)",
            "alter table events add constraint a unique (org_id)",
            "alter table only events add primary key (org_id)",
            "reindex table events",
        ] {
            assert!(locks_events(locks), "{locks}");
        }
        for well in [
            "create index a on only events (org_id)",
            "create index concurrently events_2026_11_a on events_2026_11 (org_id)",
            "create index a on event_ids (org_id)",
            "alter index a attach partition events_2026_11_a",
            "alter table events_2026_11 add constraint a unique using index events_2026_11_a",
            "alter table events add column a uuid",
            "create table events_unique (a uuid primary key)",
        ] {
            assert!(!locks_events(well), "{well}");
        }
    }
}
