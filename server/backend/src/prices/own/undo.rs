//! Taking a change of the organization's rules about prices back: only while nothing was booked with it.

use super::sql::{self, Reported};
use crate::prices::runs;
use crate::rules::{self, Undo};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::RuleChangeId;
use domain::model::{canonical_provider, lower, other_spellings};
use domain::price::{BillingBasisRule, CostBasisRule, ModelAlias};
use domain::problem::Problem;
use domain::rule::{Rule, RuleKind};

/// Takes a change back: what it entered no longer counts, and what it superseded counts again.
///
/// Only while nothing was booked with it and no later change builds on it: otherwise enter another rule or end this one, which leaves the receipts as they are.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::NotFound`], [`Problem::Conflict`] where it is too late; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn undo(backend: &Backend, scope: &OrgScope, change_id: RuleChangeId) -> Result<RuleChangeId, Error> {
    let mut undo = Undo::begin(backend, scope, change_id).await?;
    let recorded_at = undo.recorded_at;
    if runs::may_use(undo.connection(), scope, recorded_at).await? {
        let detail = "A run that knows this change is not done. Confirm or discard it first.";
        return Err(Problem::conflict(detail).into());
    }
    // Asked first without keeping events waiting, because it may take a while, then for those that came meanwhile.
    refuse_used(&mut undo, scope, recorded_at - CLOCKS_APART).await?;
    let asked = backend.clock.now();
    undo.hold_events().await?;
    refuse_used(&mut undo, scope, recorded_at.max(asked) - CLOCKS_APART).await?;
    undo.commit().await
}

/// The clocks of two servers are less apart.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(10);

async fn refuse_used(undo: &mut Undo<'_>, scope: &OrgScope, since: DateTime<Utc>) -> Result<(), Error> {
    for kind in RuleKind::ALL {
        if let Some(detail) = used(undo, scope, kind, since).await? {
            return Err(Problem::conflict(detail).into());
        }
    }
    Ok(())
}

/// Why rules of a kind that the change entered cannot be taken back, by what was booked since.
async fn used(
    undo: &mut Undo<'_>,
    scope: &OrgScope,
    kind: RuleKind,
    since: DateTime<Utc>,
) -> Result<Option<&'static str>, Error> {
    let entered: Vec<rules::StoredRule> = undo.entered.iter().filter(|rule| rule.kind == kind).cloned().collect();
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
            let aliases: Vec<ModelAlias> = rules::of_kind(&entered)?;
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
            let choices: Vec<CostBasisRule> = rules::of_kind(&entered)?;
            let mut is_used = false;
            for choice in &choices {
                let concerned = sql::reported_costs(connection, scope, choice.span(), since).await?;
                is_used |= concerned.iter().any(|name| concerns(choice, name));
            }
            (is_used, "Events with a reported cost were booked since. End this choice, or choose again, and reprice.")
        }
        RuleKind::BillingBasis => {
            let choices: Vec<BillingBasisRule> = rules::of_kind(&entered)?;
            let mut is_used = false;
            for choice in &choices {
                is_used |= sql::is_key_used(connection, scope, choice.key_id, choice.span(), since).await?;
            }
            (is_used, "Events of this key were booked since. Choose again, and reprice.")
        }
        // Nothing is booked with an allocation rule: sums are shared out by those that count.
        RuleKind::Allocation => return Ok(None),
        // Nothing is booked with a charge or a markup: statements follow from those that count.
        RuleKind::Charge | RuleKind::Markup => return Ok(None),
    };
    Ok(is_used.then_some(detail))
}

/// Whether an alias reads a name, in any of the spellings in which the book looks it up.
fn reads(alias: &ModelAlias, name: &Reported) -> bool {
    let (provider, model) = (canonical_provider(&name.provider), lower(name.model.trim()));
    let matches = |model: &str| alias.pattern.matches(model);
    alias.provider == provider
        && (matches(&model) || other_spellings(&provider, &model).iter().any(|model| matches(model)))
}

fn concerns(choice: &CostBasisRule, name: &Reported) -> bool {
    choice.provider.as_deref().is_none_or(|provider| provider == canonical_provider(&name.provider))
}
