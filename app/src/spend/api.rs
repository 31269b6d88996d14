//! Doors of the pages about spend.

use crate::caller::Caller;
use crate::error::AppError;
use domain::spend::KnownDimension;
use leptos::prelude::*;

/// What the organization can group and filter by.
#[server(prefix = "/fn", endpoint = "spend/dimensions")]
pub async fn load_dimensions(
    /// Slug of the organization.
    org: String,
) -> Result<Vec<KnownDimension>, AppError> {
    let caller = Caller::enter(&org).await?;
    Ok(backend::ledger::dimensions(&caller.backend, &caller.scope).await?)
}
