//! Doors of the statements.

use crate::error::AppError;
use domain::statement::{CostOwner, MonthStatement, MonthTotal, StatementKind};
use leptos::prelude::*;
use leptos::server_fn::codec::Json;

/// The totals of all months, and who owes what for one of them; the present month where `month` is empty.
#[server(prefix = "/fn", endpoint = "statements/list", input = Json)]
pub async fn load_statements(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`; empty for the present month.
    month: String,
) -> Result<(Vec<MonthTotal>, MonthStatement), AppError> {
    let caller = Caller::enter(&org).await?;
    let today = caller.scope.zone().day_of(caller.backend.clock.now());
    let month = if month.is_empty() { Period::month_of(today) } else { parse_month(&month)? };
    let months = backend::statements::months(&caller.backend, &caller.scope).await?;
    let statement = backend::statements::month(&caller.backend, &caller.scope, month, false).await?;
    Ok((months, statement))
}

/// One team's or project's statement for a month, with its lines.
#[server(prefix = "/fn", endpoint = "statements/one", input = Json)]
pub async fn load_statement(
    /// Slug of the organization.
    org: String,
    /// Such as `2026-11`.
    month: String,
    /// Team or project.
    kind: StatementKind,
    /// Its slug.
    slug: String,
) -> Result<(CostOwner, MonthStatement), AppError> {
    let caller = Caller::enter(&org).await?;
    let month = parse_month(&month).map_err(|_| domain::problem::Problem::NotFound)?;
    Ok(backend::statements::one(&caller.backend, &caller.scope, month, kind, &slug).await?)
}

use {crate::caller::Caller, domain::period::Period, domain::statement::parse_month};
