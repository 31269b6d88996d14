//! Doors of allocation rules.

use crate::caller::Caller;
use crate::error::AppError;
use domain::allocation::{AllocationForm, ConditionForm, TargetForm};
use domain::problem::Problem;
use leptos::prelude::*;

/// Enters a rule.
#[server(prefix = "/fn", endpoint = "allocation/enter")]
pub async fn enter_rule(
    /// Slug of the organization.
    org: String,
    /// What people call it.
    name: String,
    /// What happens to the usage.
    method: String,
    /// Why.
    reason: String,
    /// Which usage it takes.
    #[server(default)]
    conditions: Vec<ConditionForm>,
    /// Whom it counts for.
    #[server(default)]
    targets: Vec<TargetForm>,
    /// The business metric that it splits by.
    #[server(default)]
    metric: String,
    /// First day.
    #[server(default)]
    valid_from: String,
    /// The day after the last.
    #[server(default)]
    valid_to: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let form = AllocationForm { name, conditions, method, targets, metric, valid_from, valid_to, reason };
    backend::allocation::enter(&backend, &scope, &form.parse().map_err(Problem::invalid)?).await?;
    leptos_axum::redirect(&format!("/o/{org}/allocation?notice=entered"));
    Ok(())
}

/// Moves a rule to a place in the order.
#[server(prefix = "/fn", endpoint = "allocation/place")]
pub async fn place_rule(
    /// Slug of the organization.
    org: String,
    /// Number of the rule.
    rule: u64,
    /// 1 is the first.
    place: usize,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    backend::allocation::reorder(&backend, &scope, rule, place).await?;
    leptos_axum::redirect(&format!("/o/{org}/allocation?notice=placed#rules"));
    Ok(())
}
