//! Uploads: files of events that a member sends from the browser, in the name of an API key.
//!
//! A file comes in pieces and is never stored: the rows of a piece become events while it is read, by the same reader and verbs as `tallystick import`, so prompts in columns that fill no field go nowhere.
//! How far a file was read is committed after the events; a piece that comes again after a failure is a repetition of the same ids.

mod sql;

use super::files::{self, FileRow, Header, Ids, Separator};
use super::ingest::{dry_run, ingest_native};
use crate::locks::{self, Lock};
use crate::{Backend, Error, OrgScope, audit, keys};
use domain::event::{IngestAnswer, IngestStatus};
use domain::format;
use domain::identity::{KeyScope, Permission};
use domain::ids::{KeyId, UploadId};
use domain::problem::Problem;
use domain::upload::{
    CHECKED_ROWS, Checked, FileKind, HEAD_BYTES, MAX_COLUMN_LEN, MAX_COLUMNS, MAX_FILE_BYTES, MAX_FILE_NAME_LEN,
    MAX_REASONS, Mapping, PIECE_BYTES, Upload, example,
};
use sha2::{Digest, Sha256};
use sql::{Advance, UploadRow};

/// Most uploads of an organization that are not ended.
const MAX_OPEN: i64 = 20;
/// Most uploads that [`list`] returns.
const MAX_LISTED: i64 = 100;
/// Rows that are recorded together.
const BATCH: usize = 1_000;

/// A file as it is announced.
#[derive(Clone, Debug)]
pub struct NewUpload<'a> {
    /// What the file is called.
    pub file_name: &'a str,
    /// The key in whose name its events are recorded.
    pub key_id: KeyId,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its first [`HEAD_BYTES`], or all of it.
    pub head: &'a [u8],
}

/// Begins an upload: finds out what is in the file, guesses which column fills which field, and checks the first rows. Nothing is recorded.
///
/// Columns that were chosen for an earlier file with the same header are chosen again.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `key` or `file`, [`Problem::TooLarge`] beyond [`MAX_FILE_BYTES`], [`Problem::Conflict`] when too many are not ended; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn start(backend: &Backend, scope: &OrgScope, new: NewUpload<'_>) -> Result<Upload, Error> {
    scope.require(Permission::SendEvents)?;
    keys::scope_of(backend, scope, new.key_id).await?;
    let row = announced(backend, scope, &new).await?;
    let mut transaction = backend.pool.begin().await?;
    locks::hold(&mut transaction, Lock::Uploads.of(scope.org_id())).await?;
    if sql::count_open(&mut transaction, scope).await? >= MAX_OPEN {
        let detail = format!("{MAX_OPEN} uploads are not finished. Finish or discard some first.");
        return Err(Problem::conflict(detail).into());
    }
    sql::insert(&mut transaction, scope, &row).await?;
    let detail = format!("Began to upload {} ({} bytes).", row.file_name, format::count(row.size_bytes));
    audit::record(backend, scope, &mut transaction, "upload.started", &detail).await?;
    transaction.commit().await?;
    check(backend, scope, row.upload_id, new.head).await
}

/// What is known of a file from its beginning.
async fn announced(backend: &Backend, scope: &OrgScope, new: &NewUpload<'_>) -> Result<UploadRow, Error> {
    let file_name: String = new.file_name.chars().filter(|c| !c.is_control()).take(MAX_FILE_NAME_LEN).collect();
    if file_name.trim().is_empty() || new.size_bytes == 0 {
        return Err(Problem::field("file", "required", "Choose a file that is not empty.").into());
    }
    too_large(new.size_bytes)?;
    let kind = FileKind::of_name(&file_name);
    let Columns { separator, headers, examples } = match kind {
        FileKind::Ndjson => Columns::default(),
        FileKind::Csv => columns(new)?,
    };
    let remembered = if headers.is_empty() { None } else { sql::remembered(&backend.pool, scope, &headers).await? };
    Ok(UploadRow {
        upload_id: UploadId(backend.clock.new_id()),
        created_at: backend.clock.now(),
        key_id: new.key_id,
        file_name,
        kind,
        size_bytes: new.size_bytes,
        head_hash: head_hash(new.head).to_vec(),
        separator,
        mapping: remembered.map_or_else(|| Mapping::default().with_headers(&headers), Mapping::for_next_file),
        headers,
        examples,
        done_bytes: 0,
        rows: 0,
        is_ended: false,
    })
}

fn too_large(bytes: u64) -> Result<(), Problem> {
    if bytes <= MAX_FILE_BYTES {
        return Ok(());
    }
    let detail = format!(
        "A file has at most {} MiB here. `tallystick import` takes larger ones.",
        MAX_FILE_BYTES / (1024 * 1024)
    );
    Err(Problem::TooLarge { detail })
}

/// The columns of a CSV file; none for NDJSON.
#[derive(Default)]
struct Columns {
    separator: Separator,
    headers: Vec<String>,
    /// For each a value from the first rows that cannot be prose.
    examples: Vec<String>,
}

fn columns(new: &NewUpload<'_>) -> Result<Columns, Problem> {
    let is_whole = usize::try_from(new.size_bytes).is_ok_and(|size| size <= new.head.len());
    let Header { separator, columns: headers, .. } = files::header(new.head, is_whole)
        .ok_or_else(|| Problem::field("file", "no_header", "The first line of a CSV file names its columns."))?;
    let wrong = |name: &String| name.chars().count() > MAX_COLUMN_LEN || name.chars().any(char::is_control);
    if headers.len() > MAX_COLUMNS || headers.iter().any(wrong) {
        let detail =
            format!("A file has at most {MAX_COLUMNS} columns, and their names at most {MAX_COLUMN_LEN} characters.");
        return Err(Problem::field("file", "too_many_columns", detail));
    }
    let rows = files::first_rows(new.head, separator, CHECKED_ROWS + 1);
    let example_of = |place: usize| {
        let cells = rows.iter().skip(1).filter_map(|cells| example(cells.get(place)?));
        cells.map(str::to_owned).next().unwrap_or_default()
    };
    let examples = (0..headers.len()).map(example_of).collect();
    Ok(Columns { separator, headers, examples })
}

fn head_hash(head: &[u8]) -> [u8; 32] {
    let most = usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX);
    Sha256::digest(&head[..head.len().min(most)]).into()
}

/// Looks at the first rows of the same file with the present columns. Nothing is recorded.
///
/// # Errors
/// [`Problem::Forbidden`], [`Problem::NotFound`], [`Problem::Invalid`] naming `file` where it is another one; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn check(backend: &Backend, scope: &OrgScope, upload_id: UploadId, head: &[u8]) -> Result<Upload, Error> {
    let row = open(backend, scope, upload_id).await?;
    same_file(&row, head)?;
    if row.missing().is_empty() {
        let sender = keys::scope_of(backend, scope, row.key_id).await?;
        let is_whole = usize::try_from(row.size_bytes).is_ok_and(|size| size <= head.len());
        let begin = row.header_end(head);
        let rows = row.reading().piece(head.get(begin..).unwrap_or_default(), is_whole).rows;
        let reads = rows.into_iter().take(CHECKED_ROWS).map(|row| row.read).collect();
        let checked = Checked { rows: dry_run(backend, &sender, reads).await? };
        sql::set_checked(&backend.pool, scope, upload_id, &checked).await?;
    }
    find(backend, scope, upload_id).await
}

/// Makes sure that a file which begins so is the one that the upload began with.
///
/// # Errors
/// As [`check`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn recognise(backend: &Backend, scope: &OrgScope, upload_id: UploadId, head: &[u8]) -> Result<(), Error> {
    Ok(same_file(&open(backend, scope, upload_id).await?, head)?)
}

fn same_file(row: &UploadRow, head: &[u8]) -> Result<(), Problem> {
    if head_hash(head)[..] == row.head_hash[..] {
        return Ok(());
    }
    let detail = format!("This is another file. Choose {} as it was.", row.file_name);
    Err(Problem::field("file", "other_file", detail))
}

/// Chooses which column fills which field.
///
/// # Errors
/// [`Problem::Forbidden`], [`Problem::NotFound`], [`Problem::Conflict`] once rows are recorded; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn map(backend: &Backend, scope: &OrgScope, upload_id: UploadId, mapping: Mapping) -> Result<(), Error> {
    let row = open(backend, scope, upload_id).await?;
    // Rows that had other fields would have other ids and count twice.
    if row.done_bytes > 0 || !sql::set_mapping(&backend.pool, scope, upload_id, &mapping).await? {
        let detail = "Rows are recorded with these columns already. Discard this upload to begin another.";
        return Err(Problem::conflict(detail).into());
    }
    Ok(())
}

/// Records the whole rows of a piece of the file that begins at byte `from`, and answers how far it is now.
///
/// A piece from elsewhere changes nothing: the answer says where to go on.
///
/// # Errors
/// [`Problem::Forbidden`], [`Problem::NotFound`], [`Problem::Invalid`] for another file or a row that is too long, [`Problem::Unprocessable`] while columns are missing, [`Problem::Conflict`] when somebody else sends the same piece, [`Problem::Unavailable`] when too much is waiting: what is recorded stays, and the piece can come again; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn take(
    backend: &Backend,
    scope: &OrgScope,
    upload_id: UploadId,
    from: u64,
    piece: &[u8],
) -> Result<Upload, Error> {
    let row = open(backend, scope, upload_id).await?;
    if let Some(missing) = row.missing().first() {
        return Err(Problem::Unprocessable { detail: format!("Say first: {missing}.") }.into());
    }
    if from != row.done_bytes {
        return find(backend, scope, upload_id).await;
    }
    if from == 0 {
        same_file(&row, piece)?;
    }
    // The last piece may be empty: everything was read, and only its end was not written any more.
    let end = from + u64::try_from(piece.len()).unwrap_or(u64::MAX);
    if end > row.size_bytes || (piece.is_empty() && end < row.size_bytes) {
        return Err(other_size(&row).into());
    }
    let sender = keys::scope_of(backend, scope, row.key_id).await?;
    let begin = if from == 0 { row.header_end(piece) } else { 0 };
    let is_last = end == row.size_bytes;
    let read = row.reading().piece(&piece[begin..], is_last);
    if read.taken == 0 && !is_last {
        let detail = format!("A row has at most {} KiB.", PIECE_BYTES / 1024);
        return Err(Problem::field("file", "row_too_long", detail).into());
    }
    let mut taking = Taking { backend, scope, sender, row, ids: Ids::default() };
    taking.remember(&read.rows).await?;
    let place = |offset: usize| from + u64::try_from(begin + offset).unwrap_or(u64::MAX);
    taking.rows(read.rows, place).await?;
    if is_last {
        self::end(backend, scope, upload_id, false).await?;
    }
    find(backend, scope, upload_id).await
}

fn other_size(row: &UploadRow) -> Problem {
    let detail =
        format!("The file has another size than the {} bytes that were announced.", format::count(row.size_bytes));
    Problem::field("file", "other_file", detail)
}

/// A piece on its way into the database.
struct Taking<'a> {
    backend: &'a Backend,
    scope: &'a OrgScope,
    /// The key's view.
    sender: OrgScope,
    row: UploadRow,
    ids: Ids,
}

impl Taking<'_> {
    /// How many rows like these passed in earlier pieces.
    async fn remember(&mut self, rows: &[FileRow]) -> Result<(), Error> {
        let hashes: Vec<_> = rows.iter().filter_map(|row| row.unnamed).collect();
        self.ids = Ids(sql::passed(&self.backend.pool, self.scope, self.row.upload_id, &hashes).await?);
        Ok(())
    }

    /// Records rows batch by batch; after each, how far it is.
    async fn rows(&mut self, rows: Vec<FileRow>, place: impl Fn(usize) -> u64) -> Result<(), Error> {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut batch: Vec<FileRow> = rows.by_ref().take(BATCH).collect();
            batch.iter_mut().for_each(|row| self.ids.name(row));
            let to = place(batch.last().map_or(0, |row| row.end));
            let unnamed = batch.iter().filter_map(|row| row.unnamed).collect();
            let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            let reads = batch.into_iter().map(|row| row.read).collect();
            let answer = ingest_native(self.backend, &self.sender, reads).await?;
            let reasons = self.reasons(&answer);
            self.advance(Advance { to, rows: count, unnamed, reasons, answer }).await?;
        }
        Ok(())
    }

    /// Refusals with the numbers of their rows.
    fn reasons(&self, answer: &IngestAnswer) -> Vec<String> {
        let refused = answer
            .results
            .iter()
            .filter(|result| matches!(result.status, IngestStatus::Rejected | IngestStatus::Conflict));
        let said = refused.filter_map(|result| {
            let error = result.error.as_ref()?;
            let number = self.row.rows + u64::from(result.index) + 1;
            Some(format!("row {number}: {} {}", error.pointer, error.detail))
        });
        said.take(MAX_REASONS).collect()
    }

    async fn advance(&mut self, advance: Advance) -> Result<(), Error> {
        let mut transaction = self.backend.pool.begin().await?;
        if !sql::advance(&mut transaction, self.scope, &self.row, &advance).await? {
            let detail = "Somebody else sends this file at the moment, or it was discarded. Load the page again.";
            return Err(Problem::conflict(detail).into());
        }
        transaction.commit().await?;
        self.row.done_bytes = advance.to;
        self.row.rows += advance.rows;
        Ok(())
    }
}

/// Gives an upload up. What was recorded stays.
///
/// # Errors
/// [`Problem::Forbidden`], [`Problem::NotFound`], [`Problem::Conflict`] where it is ended; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn discard(backend: &Backend, scope: &OrgScope, upload_id: UploadId) -> Result<(), Error> {
    let row = open(backend, scope, upload_id).await?;
    end(backend, scope, row.upload_id, true).await
}

/// Ends an upload, once.
async fn end(backend: &Backend, scope: &OrgScope, upload_id: UploadId, is_discarded: bool) -> Result<(), Error> {
    let mut transaction = backend.pool.begin().await?;
    if sql::end(&mut transaction, scope, upload_id, is_discarded, backend.clock.now()).await? {
        let upload = sql::view(&mut *transaction, scope, upload_id).await?.ok_or(Problem::NotFound)?;
        let what = if is_discarded { "Discarded the upload of" } else { "Uploaded" };
        let action = if is_discarded { "upload.discarded" } else { "upload.finished" };
        let detail = format!(
            "{what} {}: {} recorded, {} duplicates, {} rejected.",
            upload.file_name,
            format::count(upload.accepted),
            format::count(upload.duplicates),
            format::count(upload.refused)
        );
        audit::record(backend, scope, &mut transaction, action, &detail).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// An upload that can go on, for somebody who may go on with it.
async fn open(backend: &Backend, scope: &OrgScope, upload_id: UploadId) -> Result<UploadRow, Error> {
    scope.require(Permission::SendEvents)?;
    let row = sql::row(&backend.pool, scope, upload_id).await?.ok_or(Problem::NotFound)?;
    if row.is_ended {
        return Err(Problem::conflict("This upload is ended.").into());
    }
    Ok(row)
}

/// One upload.
///
/// # Errors
/// [`Problem::Forbidden`] without the right to read, [`Problem::NotFound`]; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn find(backend: &Backend, scope: &OrgScope, upload_id: UploadId) -> Result<Upload, Error> {
    scope.require(Permission::Read)?;
    Ok(sql::view(&backend.pool, scope, upload_id).await?.ok_or(Problem::NotFound)?)
}

/// The organization's uploads, the newest first.
///
/// # Errors
/// [`Problem::Forbidden`] without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn list(backend: &Backend, scope: &OrgScope) -> Result<Vec<Upload>, Error> {
    scope.require(Permission::Read)?;
    sql::views(&backend.pool, scope, MAX_LISTED).await
}

/// Keys in whose name a file can be sent: id and name, the newest first.
///
/// # Errors
/// [`Problem::Forbidden`] without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn keys(backend: &Backend, scope: &OrgScope) -> Result<Vec<(KeyId, String)>, Error> {
    let now = backend.clock.now();
    let usable = keys::list(backend, scope).await?.into_iter().filter(|key| {
        let lives = key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now);
        lives && key.scopes.contains(&KeyScope::Ingest)
    });
    Ok(usable.map(|key| (key.key_id, key.name)).collect())
}
