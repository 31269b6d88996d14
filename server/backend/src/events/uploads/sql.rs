//! Queries of `uploads` and `upload_rows`.

use crate::events::files::{Reading, Separator, header};
use crate::hash::TextHash;
use crate::{Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::event::IngestAnswer;
use domain::ids::{KeyId, UploadId};
use domain::upload::{Checked, FileKind, MAX_REASONS, Mapping, Upload, UploadColumn, UploadState};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use std::collections::{BTreeMap, HashMap};

/// An upload as its verbs need it.
pub(super) struct UploadRow {
    pub(super) upload_id: UploadId,
    pub(super) created_at: DateTime<Utc>,
    pub(super) key_id: KeyId,
    pub(super) file_name: String,
    pub(super) kind: FileKind,
    pub(super) size_bytes: u64,
    pub(super) head_hash: Vec<u8>,
    pub(super) separator: Separator,
    pub(super) headers: Vec<String>,
    pub(super) examples: Vec<String>,
    pub(super) mapping: Mapping,
    pub(super) done_bytes: u64,
    pub(super) rows: u64,
    pub(super) is_ended: bool,
}

impl UploadRow {
    /// What has to be said before it can be read.
    pub(super) fn missing(&self) -> Vec<String> {
        missing(self.kind, &self.mapping, &self.headers)
    }

    pub(super) fn reading(&self) -> Reading {
        match self.kind {
            FileKind::Csv => Reading::csv(self.separator, self.headers.clone(), self.mapping.clone()),
            FileKind::Ndjson => Reading::lines(),
        }
    }

    /// Where the header ends in the file's beginning.
    pub(super) fn header_end(&self, head: &[u8]) -> usize {
        match self.kind {
            FileKind::Csv => header(head, true).map_or(0, |header| header.end.min(head.len())),
            FileKind::Ndjson => 0,
        }
    }
}

fn missing(kind: FileKind, mapping: &Mapping, headers: &[String]) -> Vec<String> {
    match kind {
        FileKind::Csv => mapping.missing(headers),
        FileKind::Ndjson => Vec::new(),
    }
}

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("uploads", column, detail)
}

fn from_json<T: DeserializeOwned>(column: &'static str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| inconsistent(column, error))
}

fn to_json(column: &'static str, value: &impl serde::Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| inconsistent(column, error))
}

fn kind(row: &PgRow) -> Result<FileKind, Error> {
    match row.try_get("kind")? {
        "csv" => Ok(FileKind::Csv),
        "ndjson" => Ok(FileKind::Ndjson),
        word => Err(inconsistent("kind", word)),
    }
}

fn separator(row: &PgRow) -> Result<Separator, Error> {
    let word: &str = row.try_get("separator")?;
    Separator::parse(word).ok_or_else(|| inconsistent("separator", word))
}

fn unsigned(row: &PgRow, column: &'static str) -> Result<u64, Error> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| inconsistent(column, error))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) async fn count_open(connection: &mut PgConnection, scope: &OrgScope) -> Result<i64, Error> {
    let count = sqlx::query_scalar("select count(*) from uploads where org_id = $1 and ended_at is null");
    Ok(count.bind(scope.org_id().0).fetch_one(connection).await?)
}

pub(super) async fn insert(connection: &mut PgConnection, scope: &OrgScope, row: &UploadRow) -> Result<(), Error> {
    sqlx::query(
        "insert into uploads
             (org_id, upload_id, created_at, user_id, key_id, file_name, kind, size_bytes, head_hash, headers, examples, mapping, separator)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(scope.org_id().0)
    .bind(row.upload_id.0)
    .bind(row.created_at)
    .bind(scope.user_id().map(|id| id.0))
    .bind(row.key_id.0)
    .bind(&row.file_name)
    .bind(row.kind.as_str())
    .bind(signed(row.size_bytes))
    .bind(&row.head_hash)
    .bind(&row.headers)
    .bind(&row.examples)
    .bind(to_json("mapping", &row.mapping)?)
    .bind(row.separator.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// How the columns of the last file with this header were read.
pub(super) async fn remembered(pool: &PgPool, scope: &OrgScope, headers: &[String]) -> Result<Option<Mapping>, Error> {
    let mapping: Option<Value> = sqlx::query_scalar(
        "select mapping from uploads where org_id = $1 and headers = $2 order by upload_id desc limit 1",
    )
    .bind(scope.org_id().0)
    .bind(headers)
    .fetch_optional(pool)
    .await?;
    mapping.map(|mapping| from_json("mapping", mapping)).transpose()
}

pub(super) async fn row(pool: &PgPool, scope: &OrgScope, upload_id: UploadId) -> Result<Option<UploadRow>, Error> {
    let row = sqlx::query(
        "select uploads.* from uploads
         join api_keys on api_keys.org_id = uploads.org_id and api_keys.key_id = uploads.key_id
         where uploads.org_id = $1 and upload_id = $2 and ($3::uuid[] is null or project_id = any($3))",
    )
    .bind(scope.org_id().0)
    .bind(upload_id.0)
    .bind(scope.visible_projects())
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(UploadRow {
            upload_id,
            created_at: row.try_get("created_at")?,
            key_id: KeyId(row.try_get("key_id")?),
            file_name: row.try_get("file_name")?,
            kind: kind(&row)?,
            size_bytes: unsigned(&row, "size_bytes")?,
            head_hash: row.try_get("head_hash")?,
            separator: separator(&row)?,
            headers: row.try_get("headers")?,
            examples: row.try_get("examples")?,
            mapping: from_json("mapping", row.try_get("mapping")?)?,
            done_bytes: unsigned(&row, "done_bytes")?,
            rows: unsigned(&row, "row_count")?,
            is_ended: row.try_get::<Option<DateTime<Utc>>, _>("ended_at")?.is_some(),
        })
    })
    .transpose()
}

/// Other columns, as long as nothing is recorded; what was checked with the former ones is forgotten.
pub(super) async fn set_mapping(
    pool: &PgPool,
    scope: &OrgScope,
    upload_id: UploadId,
    mapping: &Mapping,
) -> Result<bool, Error> {
    let set = sqlx::query(
        "update uploads set mapping = $3, checked = null
         where org_id = $1 and upload_id = $2 and done_bytes = 0 and ended_at is null",
    );
    let done = set.bind(scope.org_id().0).bind(upload_id.0).bind(to_json("mapping", mapping)?).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn set_checked(
    pool: &PgPool,
    scope: &OrgScope,
    upload_id: UploadId,
    checked: &Checked,
) -> Result<(), Error> {
    sqlx::query("update uploads set checked = $3 where org_id = $1 and upload_id = $2")
        .bind(scope.org_id().0)
        .bind(upload_id.0)
        .bind(to_json("checked", checked)?)
        .execute(pool)
        .await?;
    Ok(())
}

/// How many rows of these texts have passed already.
pub(super) async fn passed(
    pool: &PgPool,
    scope: &OrgScope,
    upload_id: UploadId,
    hashes: &[TextHash],
) -> Result<HashMap<TextHash, u32>, Error> {
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    let bytes: Vec<&[u8]> = hashes.iter().map(|hash| &hash.0[..]).collect();
    let rows = sqlx::query(
        "select row_hash, row_count from upload_rows where org_id = $1 and upload_id = $2 and row_hash = any ($3)",
    )
    .bind(scope.org_id().0)
    .bind(upload_id.0)
    .bind(bytes)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let hash: Vec<u8> = row.try_get("row_hash")?;
            let count: i32 = row.try_get("row_count")?;
            let wrong = || Error::inconsistent("upload_rows", "row_hash", "its length or count");
            let hash = TextHash(hash.try_into().map_err(|_| wrong())?);
            Ok((hash, u32::try_from(count).map_err(|_| wrong())?))
        })
        .collect()
}

/// A step through a file.
pub(super) struct Advance {
    /// Up to which byte.
    pub(super) to: u64,
    pub(super) rows: u64,
    /// Of rows whose events have no id of their own.
    pub(super) unnamed: Vec<TextHash>,
    pub(super) reasons: Vec<String>,
    pub(super) answer: IngestAnswer,
}

/// Writes how far it is; false where somebody else was faster.
pub(super) async fn advance(
    connection: &mut PgConnection,
    scope: &OrgScope,
    row: &UploadRow,
    step: &Advance,
) -> Result<bool, Error> {
    let answer = &step.answer;
    let done = sqlx::query(
        "update uploads set done_bytes = $4, row_count = row_count + $5, accepted = accepted + $6,
             duplicates = duplicates + $7, refused = refused + $8, reasons = (reasons || $9)[:$10]
         where org_id = $1 and upload_id = $2 and done_bytes = $3 and ended_at is null",
    )
    .bind(scope.org_id().0)
    .bind(row.upload_id.0)
    .bind(signed(row.done_bytes))
    .bind(signed(step.to))
    .bind(signed(step.rows))
    .bind(i64::from(answer.accepted))
    .bind(i64::from(answer.duplicates))
    .bind(i64::from(answer.rejected + answer.conflicts))
    .bind(&step.reasons)
    .bind(i32::try_from(MAX_REASONS).unwrap_or(i32::MAX))
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    pass(connection, scope, row.upload_id, &step.unnamed).await?;
    Ok(true)
}

/// These rows have passed.
async fn pass(
    connection: &mut PgConnection,
    scope: &OrgScope,
    upload_id: UploadId,
    unnamed: &[TextHash],
) -> Result<(), Error> {
    let mut counts: BTreeMap<TextHash, i32> = BTreeMap::new();
    for hash in unnamed {
        *counts.entry(*hash).or_insert(0) += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let (hashes, counts): (Vec<&[u8]>, Vec<i32>) = counts.iter().map(|(hash, count)| (&hash.0[..], *count)).unzip();
    sqlx::query(
        "insert into upload_rows (org_id, upload_id, row_hash, row_count)
         select $1, $2, * from unnest($3::bytea[], $4::integer[])
         on conflict on constraint upload_rows_pkey do update set row_count = upload_rows.row_count + excluded.row_count",
    )
    .bind(scope.org_id().0)
    .bind(upload_id.0)
    .bind(hashes)
    .bind(counts)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends an upload; false where it was ended.
pub(super) async fn end(
    connection: &mut PgConnection,
    scope: &OrgScope,
    upload_id: UploadId,
    is_discarded: bool,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update uploads set ended_at = $3, is_discarded = $4,
             done_bytes = case when $4 then done_bytes else size_bytes end
         where org_id = $1 and upload_id = $2 and ended_at is null",
    )
    .bind(scope.org_id().0)
    .bind(upload_id.0)
    .bind(now)
    .bind(is_discarded)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("delete from upload_rows where org_id = $1 and upload_id = $2")
        .bind(scope.org_id().0)
        .bind(upload_id.0)
        .execute(connection)
        .await?;
    Ok(true)
}

const VIEW: &str = "select uploads.*, coalesce(users.email, 'Tallystick') as created_by, api_keys.name as key_name
    from uploads
    left join users on users.user_id = uploads.user_id
    join api_keys on api_keys.org_id = uploads.org_id and api_keys.key_id = uploads.key_id
    where uploads.org_id = $1 and ($2::uuid is null or uploads.upload_id = $2)
        and ($4::uuid[] is null or api_keys.project_id = any($4))
    order by uploads.upload_id desc
    limit $3";

pub(super) async fn view(
    executor: impl PgExecutor<'_>,
    scope: &OrgScope,
    upload_id: UploadId,
) -> Result<Option<Upload>, Error> {
    let row = sqlx::query(VIEW)
        .bind(scope.org_id().0)
        .bind(upload_id.0)
        .bind(1_i64)
        .bind(scope.visible_projects())
        .fetch_optional(executor)
        .await?;
    row.map(|row| upload(scope, &row)).transpose()
}

pub(super) async fn views(pool: &PgPool, scope: &OrgScope, limit: i64) -> Result<Vec<Upload>, Error> {
    let rows = sqlx::query(VIEW).bind(scope.org_id().0).bind(None::<uuid::Uuid>).bind(limit);
    let rows = rows.bind(scope.visible_projects()).fetch_all(pool).await?;
    rows.iter().map(|row| upload(scope, row)).collect()
}

fn upload(scope: &OrgScope, row: &PgRow) -> Result<Upload, Error> {
    let kind = kind(row)?;
    let mapping: Mapping = from_json("mapping", row.try_get("mapping")?)?;
    let (headers, examples): (Vec<String>, Vec<String>) = (row.try_get("headers")?, row.try_get("examples")?);
    let missing = missing(kind, &mapping, &headers);
    let columns = headers.into_iter().zip(examples).map(|(name, example)| UploadColumn {
        field: mapping.field_of(&name).map(str::to_owned),
        example: Some(example).filter(|example| !example.is_empty()),
        name,
    });
    let ended_at: Option<DateTime<Utc>> = row.try_get("ended_at")?;
    let done_bytes = unsigned(row, "done_bytes")?;
    let state = match (row.try_get("is_discarded")?, ended_at.is_some(), done_bytes) {
        (true, ..) => UploadState::Discarded,
        (false, true, _) => UploadState::Done,
        (false, false, 0) => UploadState::Waiting,
        (false, false, _) => UploadState::Partial,
    };
    Ok(Upload {
        upload_id: UploadId(row.try_get("upload_id")?),
        file_name: row.try_get("file_name")?,
        kind,
        size_bytes: unsigned(row, "size_bytes")?,
        created_at: scope.zone().local(row.try_get("created_at")?),
        created_by: row.try_get("created_by")?,
        key_name: row.try_get("key_name")?,
        columns: columns.collect(),
        constants: mapping.constants().to_vec(),
        missing,
        checked: row
            .try_get::<Option<Value>, _>("checked")?
            .map(|checked| from_json("checked", checked))
            .transpose()?,
        state,
        done_bytes,
        rows: unsigned(row, "row_count")?,
        accepted: unsigned(row, "accepted")?,
        duplicates: unsigned(row, "duplicates")?,
        refused: unsigned(row, "refused")?,
        reasons: row.try_get("reasons")?,
        ended_at: ended_at.map(|at| scope.zone().local(at)),
    })
}
