//! Doors of the review and close of statements.

use crate::caller::Caller;
use crate::error::AppError;
use backend::statements;
use domain::period::Period;
use domain::problem::Problem;
use domain::statement::{DisputeForm, MarkupForm, parse_month};
use leptos::prelude::*;
use leptos_axum::redirect;

/// The month of a form, and back to its page.
fn month(text: &str) -> Result<Period, AppError> {
    parse_month(text).map_err(|_| AppError::of(Problem::NotFound))
}

fn lead_on(org: &str, month: &str, notice: &str) {
    redirect(&format!("/o/{org}/statements/{month}?notice={notice}"));
}

/// Takes a version of a month; the first one takes it into review.
#[server(prefix = "/fn", endpoint = "statements/review")]
pub async fn review_month(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`.
    of: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    statements::review(&backend, &scope, month(&of)?).await?;
    lead_on(&org, &of, "version");
    Ok(())
}

/// Closes a month for good.
#[server(prefix = "/fn", endpoint = "statements/close")]
pub async fn close_month(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`.
    of: String,
    /// The total that was seen.
    total: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let total = total.parse().map_err(|_| Problem::conflict("Look at the total again."))?;
    statements::close(&backend, &scope, month(&of)?, total).await?;
    lead_on(&org, &of, "closed");
    Ok(())
}

/// Answers for unpriced usage.
#[server(prefix = "/fn", endpoint = "statements/waive")]
pub async fn waive_check(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`.
    of: String,
    /// What of the checklist.
    check: String,
    /// Why.
    reason: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    statements::waive(&backend, &scope, month(&of)?, &check, &reason).await?;
    lead_on(&org, &of, "waived");
    Ok(())
}

/// Accepts the statement of a team.
#[server(prefix = "/fn", endpoint = "statements/accept")]
pub async fn accept_statement(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`.
    of: String,
    /// Short name of the team.
    team: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    statements::accept(&backend, &scope, month(&of)?, &team).await?;
    redirect(&format!("/o/{org}/statements/{of}/team/{team}?notice=accepted"));
    Ok(())
}

/// Disputes a line of a team's statement, or all of it.
#[server(prefix = "/fn", endpoint = "statements/dispute")]
pub async fn dispute_statement(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`.
    of: String,
    /// Short name of the team.
    team: String,
    /// Name of the line; empty for all of it.
    #[server(default)]
    line: String,
    /// How much of it.
    #[server(default)]
    amount: String,
    /// Why.
    reason: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let form = DisputeForm { line, amount, reason };
    statements::dispute(&backend, &scope, month(&of)?, &team, &form).await?;
    redirect(&format!("/o/{org}/statements/{of}/team/{team}?notice=disputed"));
    Ok(())
}

/// Answers a dispute.
#[server(prefix = "/fn", endpoint = "statements/answer")]
pub async fn answer_dispute(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`.
    of: String,
    /// Id of the dispute.
    dispute: String,
    /// `accepted` where the team is right.
    outcome: String,
    /// What is done, or why nothing is.
    text: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let dispute = dispute.parse().map_err(|_| AppError::of(Problem::NotFound))?;
    statements::answer(&backend, &scope, month(&of)?, dispute, (outcome == "accepted", text.as_str())).await?;
    lead_on(&org, &of, "answered");
    Ok(())
}

/// Enters a markup.
#[server(prefix = "/fn", endpoint = "statements/markup")]
pub async fn enter_markup(
    /// Slug of the organization.
    org: String,
    /// In percent.
    percent: String,
    /// Short name of the team; empty for all.
    #[server(default)]
    team: String,
    /// First month.
    #[server(default)]
    from: String,
    /// The first month without it.
    #[server(default)]
    to: String,
    /// Why.
    reason: String,
) -> Result<(), AppError> {
    let Caller { scope, backend, .. } = Caller::enter(&org).await?;
    let new = MarkupForm { percent, team, from, to, reason }.parse().map_err(Problem::invalid)?;
    statements::enter_markup(&backend, &scope, &new).await?;
    redirect(&format!("/o/{org}/statements/markup?notice=entered"));
    Ok(())
}
