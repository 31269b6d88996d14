//! Queries of `price_imports`.

use super::Read;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::ImportId;
use domain::price::BookPrice;
use domain::price::import::{Counts, ImportEffect, ImportEntry, NameRules};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

/// Things that were left out of a file which are kept, and the longest reason in characters.
const MAX_LEFT_OUT: usize = 100;
const MAX_REASON: usize = 300;

/// An import's row with who sent it; without what only its own page needs.
macro_rules! entry_columns {
    () => {
        "select i.import_id, i.created_at, i.file_name, i.source, i.valid_from, i.counts, i.applied,
            coalesce(users.email, 'API key ' || api_keys.name, 'Tallystick') as created_by"
    };
}

macro_rules! from_imports {
    () => {
        " from price_imports as i
          left join users on users.user_id = i.user_id
          left join api_keys on api_keys.org_id = i.org_id and api_keys.key_id = i.key_id
          where i.org_id = $1"
    };
}

/// An import as it is written.
pub(super) struct NewImport<'a> {
    pub(super) import_id: ImportId,
    pub(super) now: DateTime<Utc>,
    pub(super) file_name: &'a str,
    pub(super) from: DateTime<Utc>,
    pub(super) read: &'a Read,
    pub(super) effect: &'a ImportEffect,
}

/// An import as it is stored.
pub(super) struct StoredImport {
    pub(super) entry: ImportEntry,
    pub(super) data: Vec<BookPrice>,
    pub(super) names: NameRules,
    pub(super) unchanged: u64,
    pub(super) unlisted_models: u64,
    pub(super) left_out: Vec<(String, u64)>,
    pub(super) effect: ImportEffect,
}

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("price_imports", column, detail)
}

fn json<T: DeserializeOwned>(row: &PgRow, column: &'static str) -> Result<T, Error> {
    let value: Value = row.try_get(column)?;
    serde_json::from_value(value).map_err(|error| inconsistent(column, error))
}

fn whole(row: &PgRow, column: &'static str) -> Result<u64, Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| inconsistent(column, number))
}

fn stored<T: Serialize + ?Sized>(value: &T, column: &'static str) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| inconsistent(column, error))
}

fn counted(number: u64, column: &'static str) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| inconsistent(column, number))
}

pub(super) async fn insert(connection: &mut PgConnection, scope: &OrgScope, new: &NewImport<'_>) -> Result<(), Error> {
    let comparison = &new.read.comparison;
    let plain = |what: &str| what.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect::<String>();
    let left_out = new.read.data.left_out.iter().take(MAX_LEFT_OUT).map(|(what, count)| (plain(what), *count));
    let left_out: Vec<(String, usize)> = left_out.collect();
    sqlx::query(
        "insert into price_imports (org_id, import_id, created_at, user_id, key_id, file_name, source, valid_from, data,
            name_rules, counts, unchanged, unlisted_models, left_out, effect)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(scope.org_id().0)
    .bind(new.import_id.0)
    .bind(new.now)
    .bind(scope.user_id().map(|id| id.0))
    .bind(scope.key_id().map(|id| id.0))
    .bind(new.file_name)
    .bind(new.read.source())
    .bind(new.from)
    .bind(stored(&new.read.differing(), "data")?)
    .bind(stored(&new.read.names, "name_rules")?)
    .bind(stored(&Counts::of(&comparison.proposals), "counts")?)
    .bind(counted(comparison.unchanged, "unchanged")?)
    .bind(counted(comparison.unlisted_models, "unlisted_models")?)
    .bind(stored(&left_out, "left_out")?)
    .bind(stored(new.effect, "effect")?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets all but the newest imports; what was entered from them stays.
pub(super) async fn keep_newest(connection: &mut PgConnection, scope: &OrgScope, kept: i64) -> Result<(), Error> {
    sqlx::query(
        "delete from price_imports where org_id = $1 and import_id not in
            (select import_id from price_imports where org_id = $1 order by import_id desc limit $2)",
    )
    .bind(scope.org_id().0)
    .bind(kept)
    .execute(connection)
    .await?;
    Ok(())
}

fn entry(scope: &OrgScope, row: &PgRow) -> Result<ImportEntry, Error> {
    Ok(ImportEntry {
        import_id: ImportId(row.try_get("import_id")?),
        created_at: scope.zone().local(row.try_get("created_at")?),
        created_by: row.try_get("created_by")?,
        file_name: row.try_get("file_name")?,
        source: row.try_get("source")?,
        from: row.try_get("valid_from")?,
        counts: json(row, "counts")?,
        applied: whole(row, "applied")?,
    })
}

pub(super) async fn import(
    connection: &mut PgConnection,
    scope: &OrgScope,
    import_id: ImportId,
) -> Result<Option<StoredImport>, Error> {
    let row = sqlx::query(concat!(
        entry_columns!(),
        ", i.data, i.name_rules, i.unchanged, i.unlisted_models, i.left_out, i.effect",
        from_imports!(),
        " and i.import_id = $2"
    ))
    .bind(scope.org_id().0)
    .bind(import_id.0)
    .fetch_optional(connection)
    .await?;
    let read = |row: &PgRow| {
        Ok(StoredImport {
            entry: entry(scope, row)?,
            data: json(row, "data")?,
            names: json(row, "name_rules")?,
            unchanged: whole(row, "unchanged")?,
            unlisted_models: whole(row, "unlisted_models")?,
            left_out: json(row, "left_out")?,
            effect: json(row, "effect")?,
        })
    };
    row.as_ref().map(read).transpose()
}

pub(super) async fn imports(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<ImportEntry>, Error> {
    let rows = sqlx::query(concat!(entry_columns!(), from_imports!(), " order by i.import_id desc limit $2"))
        .bind(scope.org_id().0)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| entry(scope, row)).collect()
}

pub(super) async fn add_applied(
    connection: &mut PgConnection,
    scope: &OrgScope,
    import_id: ImportId,
    prices: usize,
) -> Result<(), Error> {
    sqlx::query("update price_imports set applied = applied + $3 where org_id = $1 and import_id = $2")
        .bind(scope.org_id().0)
        .bind(import_id.0)
        .bind(counted(prices as u64, "applied")?)
        .execute(connection)
        .await?;
    Ok(())
}
