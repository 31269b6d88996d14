//! Doors of the page of a month's journals.

use crate::caller::Caller;
use crate::error::AppError;
use backend::journal;
use domain::journal::{JournalForm, JournalKind, Preset};
use domain::problem::Problem;
use domain::statement::parse_month;
use leptos::prelude::*;
use leptos_axum::redirect;

/// Records a month's journal, or tells that it was recorded before.
#[server(prefix = "/fn", endpoint = "journal/export")]
pub async fn export_journal(
    /// Slug of the organization.
    org: String,
    /// The month, such as `2026-11`.
    month: String,
    /// `chargeback` or `accrual`.
    kind: String,
    /// For which tool.
    preset: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let asked = (kind.parse::<JournalKind>()?, preset.parse::<Preset>()?);
    let (_, is_new) = journal::export(&backend, &scope, parse_month(&month)?, asked).await?;
    let notice = if is_new { "exported" } else { "repeated" };
    redirect(&format!("/o/{org}/statements/{month}/journal?notice={notice}"));
    Ok(())
}

/// Changes how journals are booked.
#[server(prefix = "/fn", endpoint = "journal/set")]
pub async fn set_journal(
    /// Slug of the organization.
    org: String,
    /// The month whose page it was.
    month: String,
    /// Accounts and what stands on every line.
    settings: JournalForm,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let month = domain::statement::month_text(parse_month(&month)?.from);
    let read = settings.parse().map_err(|wrong| Problem::invalid(wrong).within("settings", &[]))?;
    journal::set_settings(&backend, &scope, &read).await?;
    redirect(&format!("/o/{org}/statements/{month}/journal?notice=saved"));
    Ok(())
}
