//! Doors of the pages about charges.

use crate::caller::Caller;
use crate::error::AppError;
use backend::charges;
use domain::charge::{ChargeForm, labels_of, parse_end};
use domain::problem::{FieldProblem, Problem};
use leptos::prelude::*;
use leptos_axum::redirect;

/// Enters a charge.
#[server(prefix = "/fn", endpoint = "charges/enter")]
pub async fn enter_charge(
    /// Slug of the organization.
    org: String,
    /// The charge; its labels are typed apart.
    charge: ChargeForm,
    /// Labels as `name=value` between commas.
    #[server(default)]
    labels: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let labels = labels_of(&labels).map_err(|wrong| vec![wrong]);
    let read = match (charge.parse(), labels) {
        (Ok(read), Ok(labels)) => Ok(domain::charge::Charge { labels, ..read }),
        (read, labels) => Err([read.err(), labels.err()].into_iter().flatten().flatten().collect::<Vec<_>>()),
    };
    let read = read.map_err(|wrong| Problem::invalid(named(wrong)))?;
    charges::enter(&backend, &scope, &[read]).await.map_err(|error| match error {
        backend::Error::Problem(Problem::Invalid { fields, .. }) => Problem::invalid(named(fields)).into(),
        error => AppError::from(error),
    })?;
    redirect(&format!("/o/{org}/charges?notice=entered"));
    Ok(())
}

/// Fields as the form calls them.
fn named(wrong: Vec<FieldProblem>) -> Vec<FieldProblem> {
    let of = |field: FieldProblem| {
        let name = field.pointer.trim_start_matches("0/");
        let pointer = if name == "labels" { name.to_owned() } else { format!("charge[{name}]") };
        FieldProblem { pointer, ..field }
    };
    wrong.into_iter().map(of).collect()
}

/// Ends a charge before a day, or withdraws it.
#[server(prefix = "/fn", endpoint = "charges/end")]
pub async fn end_charge(
    /// Slug of the organization.
    org: String,
    /// Number of the charge.
    charge: u64,
    /// The first day without it; empty withdraws it.
    #[server(default)]
    valid_to: String,
    /// Why.
    reason: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let before = parse_end(&valid_to).map_err(|wrong| Problem::invalid(vec![wrong]))?;
    charges::end(&backend, &scope, charge, before, &reason).await?;
    redirect(&format!("/o/{org}/charges?notice=ended"));
    Ok(())
}

/// Enters the charges of a file.
#[server(prefix = "/fn", endpoint = "charges/enter-import")]
pub async fn enter_charge_import(
    /// Slug of the organization.
    org: String,
    /// Id of the file.
    import: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let import_id = import.parse().map_err(|_| AppError::of(Problem::NotFound))?;
    charges::enter_import(&backend, &scope, import_id).await?;
    redirect(&format!("/o/{org}/charges?notice=imported"));
    Ok(())
}
