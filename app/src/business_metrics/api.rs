//! Doors of the pages about business metrics.

use crate::caller::Caller;
use crate::error::AppError;
use backend::business_metrics;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos_axum::redirect;

/// Records the values of a file.
#[server(prefix = "/fn", endpoint = "business-metrics/enter-import")]
pub async fn enter_metric_import(
    /// Slug of the organization.
    org: String,
    /// Id of the file.
    import: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let import_id = import.parse().map_err(|_| AppError::of(Problem::NotFound))?;
    business_metrics::enter_import(&backend, &scope, import_id).await?;
    redirect(&format!("/o/{org}/business-metrics?notice=imported"));
    Ok(())
}
