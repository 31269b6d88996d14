//! Doors of price lists that are compared with the book.

use crate::error::AppError;
use domain::price::import::{Filter, ImportPage, ImportsPage};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use {
    super::id,
    crate::caller::Caller,
    domain::identity::Permission,
    domain::price::import::{Choice, Counts},
};

/// Most proposals that a page shows.
const PROPOSALS_SHOWN: usize = 300;

/// The newest imports of price data.
#[server(prefix = "/fn", endpoint = "prices/imports", input = Json)]
pub async fn load_imports(
    /// Slug of the organization.
    org: String,
) -> Result<ImportsPage, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let imports = backend::prices::import::list(&backend, &scope).await?;
    Ok(ImportsPage { imports, may_manage: scope.may(Permission::ManagePrices) })
}

/// One import with what it still proposes.
#[server(prefix = "/fn", endpoint = "prices/import", input = Json)]
pub async fn load_import(
    /// Slug of the organization.
    org: String,
    /// Id of the import.
    import: String,
    /// Which proposals.
    show: Filter,
) -> Result<ImportPage, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let mut import = backend::prices::import::import(&backend, &scope, id(&import)?).await?;
    let counts = Counts::of(&import.proposals);
    import.proposals.retain(|proposal| show.shows(proposal));
    let matching = import.proposals.len() as u64;
    import.proposals.truncate(PROPOSALS_SHOWN);
    Ok(ImportPage { import, counts, matching, may_manage: scope.may(Permission::ManagePrices) })
}

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
