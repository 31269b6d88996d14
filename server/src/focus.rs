//! FOCUS datasets as files that are sent while they are made.

use crate::error::ApiError;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use backend::{Backend, OrgScope, exports};
use domain::focus::query::{FileFormat, FocusQuery};
use futures::TryStreamExt;

/// The file of a query. What goes wrong after its beginning breaks the transfer off, so that nobody takes a part for the whole.
pub(crate) async fn respond(backend: &Backend, scope: &OrgScope, query: &FocusQuery) -> Result<Response, ApiError> {
    let pieces = exports::file(backend, scope, query).await?;
    let pieces = pieces.inspect_err(|error| tracing::error!(%error, "an export broke off"));
    let mut response = Body::from_stream(pieces.map_ok(|piece| piece.bytes)).into_response();
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
