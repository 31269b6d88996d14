//! FOCUS datasets as files that are sent while they are made.

mod parquet_file;

use crate::error::ApiError;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use backend::exports::FocusExport;
use backend::{Backend, Error, OrgScope};
use domain::focus::Version;
use domain::focus::columns::{csv_header, csv_rows};
use domain::focus::query::{FileFormat, FocusQuery};
use domain::focus::row::{Account, FocusRow};
use futures::{StreamExt, TryStreamExt, stream};
use parquet_file::ParquetFile;

/// The file of a query. What goes wrong after its beginning breaks the transfer off, so that nobody takes a part for the whole.
pub(crate) async fn respond(backend: &Backend, scope: &OrgScope, query: &FocusQuery) -> Result<Response, ApiError> {
    let export = FocusExport::begin(backend, scope, query).await?;
    let (file, head) = File::begin(query, export.account())?;
    let pieces = stream::try_unfold(Some((export, file)), move |state| async move {
        let Some((mut export, mut file)) = state else { return Ok(None) };
        Ok::<_, Error>(Some(match export.next().await? {
            Some(rows) => (file.add(export.account(), rows)?, Some((export, file))),
            None => (file.end()?, None),
        }))
    });
    let pieces = pieces.inspect_err(|error| tracing::error!(%error, "an export broke off"));
    let head = stream::once(std::future::ready(Ok(head)));
    let mut response = Body::from_stream(head.chain(pieces)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(query.format)));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", query.file_name())) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

const fn content_type(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Csv => "text/csv; charset=utf-8",
        FileFormat::Parquet => "application/vnd.apache.parquet",
    }
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
    fn add(&mut self, account: &Account, rows: Vec<FocusRow>) -> Result<Vec<u8>, Error> {
        match self {
            Self::Csv(version) => Ok(csv_rows(*version, account, &rows).into_bytes()),
            Self::Parquet(file) => file.add(rows),
        }
    }

    /// Its last bytes.
    fn end(self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Csv(_) => Ok(Vec::new()),
            Self::Parquet(file) => file.finish(),
        }
    }
}
