//! Markups on statements: rules ([`crate::rules`]) whose meaning is [`domain::statement::MarkupRule`]'s.

use crate::rules::{self, MAX_LISTED};
use crate::{Backend, Error, OrgScope, projects};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::period::Period;
use domain::problem::Problem;
use domain::rule::{Dated, History, NewRule, RuleKind, midnight};
use domain::span::Span;
use domain::statement::MarkupRule;

/// Markups that count, the newest first, then superseded ones.
///
/// # Errors
/// `Forbidden` without the right to read all projects; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn markups(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<MarkupRule>>, Error> {
    scope.require_whole(Permission::Read)?;
    rules::listed(&backend.pool, scope, MAX_LISTED).await
}

/// Whether any markup counts.
///
/// # Errors
/// `Forbidden` without the right to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn has_markups(backend: &Backend, scope: &OrgScope) -> Result<bool, Error> {
    scope.require(Permission::Read)?;
    Ok(!rules::known(&backend.pool, scope, &[RuleKind::Markup], None).await?.is_empty())
}

/// Enters a markup, in place of what held for the same team, or for all, in its months. What it adds to closed months is an adjustment.
///
/// # Errors
/// `Forbidden` without the permission to manage prices and charges; [`Problem::Invalid`] for a team that is not there or an end before the begin; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn enter_markup(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<MarkupRule>,
) -> Result<RuleChangeId, Error> {
    scope.require_whole(Permission::ManagePrices)?;
    if let Some(team) = &new.rule.team
        && !projects::slugs(backend, scope).await?.1.iter().any(|slug| slug == team.as_str())
    {
        return Err(Problem::field("team", "unknown", format!("There is no team {team}.")).into());
    }
    let rule = new.dated(scope.zone()).map_err(|wrong| Problem::field("to", wrong.code, wrong.detail))?;
    rules::enter(backend, scope, &[rule]).await
}

/// Those that hold in a month.
pub(super) async fn of_month(backend: &Backend, scope: &OrgScope, month: Period) -> Result<Vec<MarkupRule>, Error> {
    let span = Span { from: Some(midnight(month.from)), to: Some(midnight(month.to)) };
    rules::holding(&backend.pool, scope, span).await
}
