//! A FOCUS dataset as a file that is made while it is sent.

use super::FocusExport;
use super::parquet_file::ParquetFile;
use crate::{Backend, Error, OrgScope};
use domain::focus::Version;
use domain::focus::columns::{csv_header, csv_rows};
use domain::focus::query::{FileFormat, FocusQuery};
use domain::focus::row::{Account, FocusRow};
use futures::{Stream, StreamExt, stream};
use rust_decimal::Decimal;

/// The next part of a file.
#[derive(Debug, Default)]
pub struct Piece {
    /// Its bytes; none while rows wait for others.
    pub bytes: Vec<u8>,
    /// Rows that went into the file with it.
    pub rows: usize,
    /// What they were billed, in USD.
    pub billed: Decimal,
}

/// The file of a query, piece by piece. The same events make the same bytes.
///
/// # Errors
/// As [`FocusExport::begin`]; pieces have those of [`FocusExport::next`], and end with the first.
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn file(
    backend: &Backend,
    scope: &OrgScope,
    query: &FocusQuery,
) -> Result<impl Stream<Item = Result<Piece, Error>> + Send + use<>, Error> {
    let export = FocusExport::begin(backend, scope, query).await?;
    let (file, bytes) = File::begin(query, export.account())?;
    let head = Piece { bytes, ..Piece::default() };
    let pieces = stream::try_unfold(Some((export, file)), |state| async move {
        let Some((mut export, mut file)) = state else { return Ok(None) };
        Ok(Some(match export.next().await? {
            Some(rows) => (file.add(export.account(), rows)?, Some((export, file))),
            None => (Piece { bytes: file.end()?, ..Piece::default() }, None),
        }))
    });
    Ok(stream::once(std::future::ready(Ok(head))).chain(pieces))
}

/// A file on its way.
enum File {
    Csv(Version),
    Parquet(Box<ParquetFile>),
}

impl File {
    /// A file without rows, and its first bytes.
    fn begin(query: &FocusQuery, account: &Account) -> Result<(Self, Vec<u8>), Error> {
        Ok(match query.format {
            FileFormat::Csv => (Self::Csv(query.version), csv_header(query.version).into_bytes()),
            FileFormat::Parquet => {
                (Self::Parquet(Box::new(ParquetFile::new(query.version, account.clone())?)), Vec::new())
            }
        })
    }

    /// Adds rows; the bytes that are finished.
    fn add(&mut self, account: &Account, rows: Vec<FocusRow>) -> Result<Piece, Error> {
        let (count, billed) = (rows.len(), rows.iter().map(|row| row.amounts.billed).sum());
        let bytes = match self {
            Self::Csv(version) => csv_rows(*version, account, &rows).into_bytes(),
            Self::Parquet(file) => file.add(rows)?,
        };
        Ok(Piece { bytes, rows: count, billed })
    }

    /// Its last bytes.
    fn end(self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Csv(_) => Ok(Vec::new()),
            Self::Parquet(file) => file.finish(),
        }
    }
}
