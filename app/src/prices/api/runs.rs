//! Doors of runs that price recorded events.

use crate::error::AppError;
use leptos::prelude::*;
use {super::id, crate::caller::Caller, domain::problem::Problem, domain::repricing::RunForm};

/// Begins a run with its preview.
#[server(prefix = "/fn", endpoint = "prices/start-run")]
pub async fn start_run(
    /// Slug of the organization.
    org: String,
    /// `repricing`, `pricing` or `contract`.
    kind: String,
    /// The month of a run of the contract.
    #[server(default)]
    month: String,
    /// First day.
    #[server(default)]
    from: String,
    /// The day after the last.
    #[server(default)]
    to: String,
    /// Only this provider.
    #[server(default)]
    provider: String,
    /// Only this model.
    #[server(default)]
    model: String,
    /// Only this project.
    #[server(default)]
    project: String,
    /// Only this team's projects.
    #[server(default)]
    team: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let [month, from, to, provider, model, project, team] = [month, from, to, provider, model, project, team].map(Some);
    let form = RunForm { kind, month, from, to, provider, model, project, team };
    let input = form.parse().map_err(Problem::invalid)?;
    let run = backend::prices::runs::draft(&caller.backend, &caller.scope, &input).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/runs/{}", run.run_id));
    Ok(())
}

/// Lets a previewed run move what its preview shows.
#[server(prefix = "/fn", endpoint = "prices/confirm-run")]
pub async fn confirm_run(
    /// Slug of the organization.
    org: String,
    /// Id of the run.
    run: String,
    /// Why.
    reason: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    backend::prices::runs::confirm(&backend, &scope, id(&run)?, &reason).await?;
    Ok(())
}

/// Throws a run away that has moved nothing.
#[server(prefix = "/fn", endpoint = "prices/discard-run")]
pub async fn discard_run(
    /// Slug of the organization.
    org: String,
    /// Id of the run.
    run: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    Ok(backend::prices::runs::discard(&backend, &scope, id(&run)?).await?)
}

/// Takes back what a run moved.
#[server(prefix = "/fn", endpoint = "prices/reverse-run")]
pub async fn reverse_run(
    /// Slug of the organization.
    org: String,
    /// Id of the run.
    run: String,
    /// Why.
    reason: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    backend::prices::runs::reverse(&backend, &scope, id(&run)?, &reason).await?;
    Ok(())
}

/// Prices what waits for a price: all of it, or the events of one model.
#[server(prefix = "/fn", endpoint = "prices/price-unpriced")]
pub async fn price_unpriced(
    /// Slug of the organization.
    org: String,
    /// Provider as sent; empty for all.
    #[server(default)]
    provider: String,
    /// Model as sent.
    #[server(default)]
    model: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let only = (!provider.is_empty()).then_some((provider.as_str(), model.as_str()));
    let reason = "Asked for on the page of unpriced events";
    let run = backend::prices::runs::price_unpriced(&backend, &scope, only, reason).await?;
    leptos_axum::redirect(&format!("/o/{org}/prices/runs/{}", run.run_id));
    Ok(())
}
