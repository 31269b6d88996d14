//! The door of the page of statements by mail.

use crate::caller::Caller;
use crate::error::AppError;
use backend::statements;
use domain::problem::Problem;
use domain::statement::StatementMails;
use leptos::prelude::*;
use leptos_axum::redirect;

/// Changes when statements are mailed, and to whom.
#[server(prefix = "/fn", endpoint = "statements/set-mails")]
pub async fn set_statement_mails(
    /// Slug of the organization.
    org: String,
    /// `off`, `over` or `closed`.
    schedule: String,
    /// An address a line, with a team behind it.
    #[server(default)]
    recipients: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let mails = StatementMails::read(&schedule, &recipients).map_err(Problem::invalid)?;
    statements::set_mails(&backend, &scope, &mails).await?;
    redirect(&format!("/o/{org}/statements/mails?notice=saved"));
    Ok(())
}
