//! Files whose rows are forms: kept until somebody has looked at them, then entered as a whole by the room that they belong to.

mod sql;

use crate::events::files::Separator;
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::ids::ImportId;
use domain::import::{FileForm, FileImport, FileRow, ImportKind, MAX_IMPORT_BYTES, MAX_IMPORT_ROWS, read_file};
use domain::problem::{FieldProblem, Problem};
use sqlx::PgConnection;

/// Files of a kind that are kept, the newest.
const KEPT: i64 = 20;
/// Longest name of a file, in characters.
const MAX_NAME_LEN: usize = 200;

/// Keeps a file of a member's, if its rows can be read.
///
/// # Errors
/// [`Problem::Invalid`] naming `file`; [`Error::Database`].
pub(crate) async fn draft<F: FileForm>(
    backend: &Backend,
    scope: &OrgScope,
    kind: ImportKind,
    file: (&str, &[u8]),
) -> Result<ImportId, Error> {
    let (name, bytes) = file;
    if bytes.len() > MAX_IMPORT_BYTES {
        return Err(wrong("too_large", "A file has at most 1 MiB here.").into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("encoding", "Save the file as UTF-8."))?;
    if text.contains('\0') {
        return Err(wrong("encoding", "Save the file as CSV in UTF-8.").into());
    }
    let user_id = scope.user_id().ok_or(Problem::NotFound)?;
    match rows::<F>(text)?.len() {
        0 => return Err(wrong("empty", "The file has no rows below its header.").into()),
        1..=MAX_IMPORT_ROWS => {}
        _ => return Err(wrong("too_many", &format!("A file has at most {MAX_IMPORT_ROWS} rows here.")).into()),
    }
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_LEN).collect();
    let (import_id, now) = (ImportId(backend.clock.new_id()), backend.clock.now());
    let mut transaction = backend.pool.begin().await?;
    sql::insert(&mut transaction, scope, &sql::NewImport { import_id, kind, now, user_id, name: &name, text }).await?;
    sql::keep_newest(&mut transaction, scope, kind, KEPT).await?;
    transaction.commit().await?;
    Ok(import_id)
}

/// A row of a file with what it says, where that can be read.
pub(crate) type Row<F, T> = (FileRow<F>, Option<T>);

/// A file with its rows, each parsed or with everything that is wrong with it.
///
/// # Errors
/// [`Problem::NotFound`]; [`Error::Database`].
pub(crate) async fn read<F: FileForm, T>(
    backend: &Backend,
    scope: &OrgScope,
    kind: ImportKind,
    import_id: ImportId,
    parse: impl Fn(&F) -> Result<T, Vec<FieldProblem>>,
) -> Result<(FileImport, Vec<Row<F, T>>), Error> {
    let file = sql::find(&backend.pool, scope, kind, import_id).await?.ok_or(Problem::NotFound)?;
    let parsed = |mut row: FileRow<F>| match parse(&row.form) {
        Ok(read) => (row, Some(read)),
        Err(wrong) => {
            row.wrong.extend(wrong);
            (row, None)
        }
    };
    let rows = rows::<F>(&file.text)?.into_iter().map(parsed).collect();
    Ok((file, rows))
}

/// What the rows of a file say, if none is wrong.
///
/// # Errors
/// [`Problem::Conflict`] otherwise.
pub(crate) fn all_right<F, T>(rows: Vec<Row<F, T>>) -> Result<Vec<T>, Problem> {
    let right = |(row, read): Row<F, T>| read.filter(|_| row.wrong.is_empty());
    let all: Option<Vec<T>> = rows.into_iter().map(right).collect();
    all.ok_or_else(|| Problem::conflict("Some rows are wrong. Correct the file and send it again."))
}

/// Says in the transaction that enters the rows of a file that they are entered.
///
/// # Errors
/// [`Problem::Conflict`] where they were before; [`Error::Database`].
pub(crate) async fn entered(
    connection: &mut PgConnection,
    scope: &OrgScope,
    import_id: ImportId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if sql::entered(connection, scope, import_id, now).await? {
        return Ok(());
    }
    Err(Problem::conflict("The rows of this file were entered before.").into())
}

/// The rows of a file.
fn rows<F: FileForm>(text: &str) -> Result<Vec<FileRow<F>>, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    let separator = Separator::of(text.as_bytes()).byte();
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.delimiter(separator).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let record = |record: csv::StringRecord| record.iter().map(|cell| cell.trim().to_owned()).collect();
    let records: Result<Vec<Vec<String>>, _> = reader.records().map(|read| read.map(record)).collect();
    let records = records.map_err(|error| wrong("unreadable", &format!("The file cannot be read: {error}.")))?;
    let (header, rows) = records.split_first().ok_or_else(|| wrong("empty", "The file is empty."))?;
    read_file(header, rows).map_err(Problem::invalid)
}

fn wrong(code: &str, detail: &str) -> Problem {
    Problem::field("file", code, detail)
}
