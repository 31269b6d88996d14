//! Taking a change of the organization's rules about prices back: only while nothing was booked with it.

use super::sql::{self, Reported};
use crate::prices::runs;
use crate::rules::{self, Undo};
use crate::{Backend, Error, OrgScope};
use domain::ids::RuleChangeId;
use domain::model::{canonical_provider, lower};
use domain::price::{AliasRow, BasisRow};
use domain::problem::Problem;
use domain::rule::{Rule, RuleKind};

/// Takes a change back: what it entered no longer counts, and what it superseded counts again.
///
/// Only while nothing was booked with it and no later change builds on it: otherwise enter another rule or end this one, which leaves the receipts as they are.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] where it is too late; [`Error::Database`].
pub async fn undo(backend: &Backend, scope: &OrgScope, change_id: RuleChangeId) -> Result<RuleChangeId, Error> {
    let mut undo = Undo::begin(backend, scope, change_id).await?;
    let recorded_at = undo.recorded_at;
    if runs::may_use(undo.connection(), scope, recorded_at).await? {
        let detail = "A run that knows this change is not done. Confirm or discard it first.";
        return Err(Problem::conflict(detail).into());
    }
    for kind in RuleKind::ALL {
        if let Some(detail) = used(&mut undo, scope, kind).await? {
            return Err(Problem::conflict(detail).into());
        }
    }
    undo.commit().await
}

/// Why rules of a kind that the change entered cannot be taken back.
async fn used(undo: &mut Undo<'_>, scope: &OrgScope, kind: RuleKind) -> Result<Option<&'static str>, Error> {
    let since = undo.recorded_at;
    let entered: Vec<rules::Stored> = undo.entered.iter().filter(|rule| rule.kind == kind).cloned().collect();
    if entered.is_empty() {
        return Ok(None);
    }
    let ids: Vec<u64> = entered.iter().map(|rule| rule.rule_id).collect();
    let connection = undo.connection();
    let (is_used, detail) = match kind {
        RuleKind::PriceOverride | RuleKind::PriceModifier => (
            sql::is_booked(connection, scope, &ids, since).await?,
            "Events were booked with this price. End it, or enter what holds instead, and reprice.",
        ),
        RuleKind::ModelAlias => {
            let aliases: Vec<AliasRow> = rules::of_kind(&entered)?;
            let labels: Vec<String> = aliases.iter().map(Rule::subject).collect();
            let named = sql::priced_as(connection, scope, &labels, since).await?;
            (
                named.iter().any(|name| aliases.iter().any(|alias| reads(alias, name))),
                "Events were booked under this name. End it, or enter what holds instead, and reprice.",
            )
        }
        RuleKind::ContractTerm => (
            sql::is_applied(connection, scope, &ids).await?,
            "Months were settled with this term. Reverse those runs first, or end the term.",
        ),
        RuleKind::CostBasis => {
            let choices: Vec<BasisRow> = rules::of_kind(&entered)?;
            let mut is_used = false;
            for choice in &choices {
                let concerned = sql::reported_costs(connection, scope, choice.span(), since).await?;
                is_used |= concerned.iter().any(|name| concerns(choice, name));
            }
            (is_used, "Events with a reported cost were booked since. End this choice, or choose again, and reprice.")
        }
    };
    Ok(is_used.then_some(detail))
}

fn reads(alias: &AliasRow, name: &Reported) -> bool {
    alias.provider == canonical_provider(&name.provider) && alias.pattern.matches(&lower(name.model.trim()))
}

fn concerns(choice: &BasisRow, name: &Reported) -> bool {
    choice.provider.as_deref().is_none_or(|provider| provider == canonical_provider(&name.provider))
}
