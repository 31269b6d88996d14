//! What fields and the command palette propose while somebody types, as entries of a list.

use crate::caller::MemberCaller;
use crate::error::ApiError;
use crate::{AppState, Plain};
use app::page::Address;
use app::suggestions::{Asked, entries};
use axum::extract::{Path, State};
use axum::http::{Method, Uri};
use axum::response::Html;
use axum::routing::get;

/// The one route.
pub(crate) fn routes() -> Vec<Plain> {
    vec![(Method::GET, "/o/{org}/suggestions", get(suggestions))]
}

async fn suggestions(
    MemberCaller { scope, user_id }: MemberCaller,
    State(state): State<AppState>,
    Path(org): Path<String>,
    uri: Uri,
) -> Result<Html<String>, ApiError> {
    let address = Address::of(&uri, vec![("org".to_owned(), org)]);
    Ok(Html(entries(Asked { backend: &state.backend, scope: &scope, user_id, address }).await?))
}
