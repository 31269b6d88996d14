//! Doors of scheduled exports.

use crate::caller::Caller;
use crate::error::AppError;
use backend::exports::schedules;
use domain::export::{DestinationForm, ScheduleForm};
use leptos::prelude::*;
use leptos_axum::redirect;

/// Saves a destination with its credentials.
#[server(prefix = "/fn", endpoint = "exports/save-destination")]
pub async fn save_destination(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
    /// Where it is.
    destination: DestinationForm,
    /// What opens it.
    secret: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let saved = schedules::save_destination(&backend, &scope, &name, &destination, &secret.into()).await;
    saved.map_err(|error| error.within("destination", &["name", "secret"]))?;
    lead_back(&org, "destination-saved");
    Ok(())
}

/// Writes a file to a destination and deletes it.
#[server(prefix = "/fn", endpoint = "exports/test-destination")]
pub async fn test_destination(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let error = schedules::test_destination(&backend, &scope, &name).await?;
    lead_back(&org, if error.is_none() { "test-passed" } else { "test-failed" });
    Ok(())
}

/// Deletes a destination with its credentials.
#[server(prefix = "/fn", endpoint = "exports/delete-destination")]
pub async fn delete_destination(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    schedules::delete_destination(&backend, &scope, &name).await?;
    lead_back(&org, "deleted");
    Ok(())
}

/// Saves a schedule.
#[server(prefix = "/fn", endpoint = "exports/save-schedule")]
pub async fn save_schedule(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
    /// What, where to and when.
    schedule: ScheduleForm,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let saved = schedules::save_schedule(&backend, &scope, &name, &schedule).await;
    saved.map_err(|error| error.within("schedule", &["name"]))?;
    lead_back(&org, "schedule-saved");
    Ok(())
}

/// Makes the file of the days that ended last.
#[server(prefix = "/fn", endpoint = "exports/run-schedule")]
pub async fn run_schedule(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    schedules::run_now(&backend, &scope, &name).await?;
    lead_back(&org, "running");
    Ok(())
}

/// Deletes a schedule with its history.
#[server(prefix = "/fn", endpoint = "exports/delete-schedule")]
pub async fn delete_schedule(
    /// Slug of the organization.
    org: String,
    /// Its name.
    name: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    schedules::delete_schedule(&backend, &scope, &name).await?;
    lead_back(&org, "deleted");
    Ok(())
}

fn lead_back(org: &str, notice: &str) {
    redirect(&format!("/o/{org}/exports/scheduled?notice={notice}"));
}
