//! Doors of budgets and alerts.

use crate::caller::{Caller, backend};
use crate::error::AppError;
use backend::budgets::Entries;
use domain::budget::{BudgetForm, parse_note};
use domain::problem::Problem;
use leptos::prelude::*;
use std::str::FromStr;

/// An id that cannot be one names nothing.
fn id<T: FromStr>(text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::of(Problem::NotFound))
}

/// Makes a budget.
#[server(prefix = "/fn", endpoint = "create-budget")]
pub async fn create_budget(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
    /// `organization`, `team:<slug>` or `project:<slug>`.
    scope: String,
    /// Dollars per month.
    amount: String,
    /// Percentages.
    thresholds: String,
    /// Addresses.
    #[server(default)]
    recipients: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    let form = BudgetForm { name, scope, amount, thresholds, recipients };
    let input = form.parse().map_err(Problem::invalid)?;
    let made = backend::budgets::create(&caller.backend, &caller.scope, input).await?;
    leptos_axum::redirect(&format!("/o/{org}/budgets/{}?notice=created", made.budget_id));
    Ok(())
}

/// Changes a budget.
#[server(prefix = "/fn", endpoint = "change-budget")]
pub async fn change_budget(
    /// Slug of the organization.
    org: String,
    /// Id of the budget.
    budget: String,
    /// Its name.
    name: String,
    /// Dollars per month.
    amount: String,
    /// Percentages.
    thresholds: String,
    /// Addresses.
    #[server(default)]
    recipients: String,
) -> Result<(), AppError> {
    let caller = Caller::enter(&org).await?;
    // The scope cannot change; any valid word stands in for it.
    let form = BudgetForm { name, scope: "organization".to_owned(), amount, thresholds, recipients };
    let change = form.parse().map_err(Problem::invalid)?.into_change();
    let changed = backend::budgets::change(&caller.backend, &caller.scope, id(&budget)?, change).await?;
    leptos_axum::redirect(&format!("/o/{org}/budgets/{}?notice=saved", changed.budget_id));
    Ok(())
}

/// Puts a budget away.
#[server(prefix = "/fn", endpoint = "archive-budget")]
pub async fn archive_budget(
    /// Slug of the organization.
    org: String,
    /// Id of the budget.
    budget: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    backend::budgets::archive(&backend, &scope, id(&budget)?).await?;
    leptos_axum::redirect(&format!("/o/{org}/budgets?notice=archived"));
    Ok(())
}

/// Sends a test mail of a budget to the person who asks or, with `to=recipients`, to its recipients; how many mails that is.
#[server(prefix = "/fn", endpoint = "test-budget")]
pub async fn test_budget(
    /// Slug of the organization.
    org: String,
    /// Id of the budget.
    budget: String,
    /// `me` or `recipients`.
    to: String,
) -> Result<u32, AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let to = if to == "recipients" { backend::budgets::TestTo::Recipients } else { backend::budgets::TestTo::Me };
    let mails = backend::budgets::send_test(&backend, &scope, id(&budget)?, to).await?;
    Ok(u32::try_from(mails).unwrap_or(u32::MAX))
}

/// The holder of the link wants mails of the organization's budgets.
#[server(prefix = "/fn", endpoint = "confirm-recipient")]
pub async fn confirm_recipient(
    /// Slug of the organization.
    org: String,
    /// The link's secret.
    token: String,
) -> Result<(), AppError> {
    backend::budgets::confirm_recipient(&backend()?, &org, &token).await?;
    leptos_axum::redirect(&format!("/recipients/{org}/{token}"));
    Ok(())
}

/// Acknowledges an alert, or with `older` it and every older one, with a note.
#[server(prefix = "/fn", endpoint = "acknowledge-alert")]
pub async fn acknowledge_alert(
    /// Slug of the organization.
    org: String,
    /// Id of the alert.
    alert: String,
    /// Whether older ones are acknowledged too.
    #[server(default)]
    older: bool,
    /// What is kept with it.
    #[server(default)]
    note: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let note = parse_note(&note).map_err(|wrong| Problem::invalid(vec![wrong]))?;
    let alert = id(&alert)?;
    let which = if older { Entries::UpTo(alert) } else { Entries::One(alert) };
    Ok(backend::budgets::acknowledge(&backend, &scope, which, note.as_deref()).await?)
}
