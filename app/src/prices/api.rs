//! Doors of the price book.

use crate::error::AppError;
use domain::price::page::{ModelPage, PriceSearch, PricesPage};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;
#[cfg(feature = "ssr")]
use {crate::caller::Caller, domain::price::page::ModelName};

/// Models used this month, and what the search finds in the book.
#[server(prefix = "/fn", endpoint = "prices/list", input = Json)]
pub async fn load_prices(
    /// Slug of the organization.
    org: String,
    /// What is searched.
    search: PriceSearch,
) -> Result<PricesPage, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    Ok(backend::prices::browse::overview(&backend, &scope, &search).await?)
}

/// One model of the book.
#[server(prefix = "/fn", endpoint = "prices/model", input = Json)]
pub async fn load_model(
    /// Slug of the organization.
    org: String,
    /// Canonical provider.
    provider: String,
    /// The model's name in the book.
    model: String,
) -> Result<ModelPage, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    Ok(backend::prices::browse::model(&backend, &scope, &ModelName { provider, model }).await?)
}
