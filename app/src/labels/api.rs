//! Doors of labels.

use crate::caller::Caller;
use crate::error::AppError;
use domain::label::{AliasForm, RequiredForm};
use domain::problem::Problem;
use domain::spend::Dimension;
use leptos::prelude::*;
use leptos_axum::redirect;

/// Says that events should carry a label.
#[server(prefix = "/fn", endpoint = "labels/require")]
pub async fn require_label(
    /// Slug of the organization.
    org: String,
    /// The label.
    label: String,
    /// Slug of the project; empty for all.
    #[server(default)]
    project: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let label = RequiredForm { label, project }.parse().map_err(Problem::invalid)?;
    backend::labels::require(&backend, &scope, &label).await?;
    redirect(&format!("/o/{org}/labels?notice=required"));
    Ok(())
}

/// Takes that back.
#[server(prefix = "/fn", endpoint = "labels/release")]
pub async fn release_label(
    /// Slug of the organization.
    org: String,
    /// The label.
    label: String,
    /// Slug of the project; empty for all.
    #[server(default)]
    project: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let label = RequiredForm { label, project }.parse().map_err(Problem::invalid)?;
    backend::labels::release(&backend, &scope, &label).await?;
    redirect(&format!("/o/{org}/labels?notice=released"));
    Ok(())
}

/// Lets a value count as another one.
#[server(prefix = "/fn", endpoint = "labels/alias")]
pub async fn alias_value(
    /// Slug of the organization.
    org: String,
    /// The label.
    label: String,
    /// What is sent.
    value: String,
    /// As which it counts.
    canonical: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let alias = AliasForm { label, value, canonical }.parse().map_err(Problem::invalid)?;
    backend::labels::enter_alias(&backend, &scope, &alias).await?;
    redirect(&format!("/o/{org}/labels?notice=aliased#aliases"));
    Ok(())
}

/// Lets a value count as itself again.
#[server(prefix = "/fn", endpoint = "labels/remove-alias")]
pub async fn remove_alias(
    /// Slug of the organization.
    org: String,
    /// The label.
    label: String,
    /// What is sent.
    value: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let label: Dimension = label.parse().map_err(|_| Problem::NotFound)?;
    backend::labels::remove_alias(&backend, &scope, &label, &value).await?;
    redirect(&format!("/o/{org}/labels?notice=removed#aliases"));
    Ok(())
}
