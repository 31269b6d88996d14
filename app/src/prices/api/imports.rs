//! Doors of price lists that are compared with the book.

use crate::error::AppError;
use leptos::prelude::*;
use {super::id, crate::caller::Caller, domain::price::import::Choice};

/// Enters proposals of an import into the own book.
#[server(prefix = "/fn", endpoint = "prices/apply-import")]
pub async fn apply_import(
    /// Slug of the organization.
    org: String,
    /// Id of the import.
    import: String,
    /// `sure` for everything that needs no confirmation, `ticked` for `proposals`.
    what: String,
    /// Why.
    reason: String,
    /// Ids of the proposals that are ticked.
    #[server(default)]
    proposals: Vec<String>,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let choice = if what == "sure" { Choice::Sure } else { Choice::these(proposals.iter().map(String::as_str))? };
    backend::prices::import::apply(&backend, &scope, id(&import)?, &choice, &reason).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/imports/{import}?notice=imported"));
    Ok(())
}
