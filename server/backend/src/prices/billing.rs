//! How the usage of keys is billed: a dated choice of the organization per key.
//!
//! The choices are rules and a part of the organization's own book, as those of the cost source are.

use super::own::dated;
use crate::{Backend, Error, OrgScope, keys, rules};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::price::BillingBasisRule;
use domain::problem::Problem;
use domain::rule::{Dated, History, NewRule};

/// Chooses how the usage of a key is billed: from its begin on, in place of whatever was chosen before.
///
/// Events that were recorded already keep their cost until somebody reprices them.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming `key_id` where it is no key of the organization's; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn choose_billing(
    backend: &Backend,
    scope: &OrgScope,
    new: NewRule<BillingBasisRule>,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let known = keys::find(backend, scope, new.rule.key_id).await?;
    let unknown = || Problem::field("key_id", "unknown", "Use the id of an API key of this organization.");
    let key = known.map(|key| format!("{} (…{})", key.name, key.last_four)).ok_or_else(unknown)?;
    let new = NewRule { rule: BillingBasisRule { key, ..new.rule }, ..new };
    rules::enter(backend, scope, &[dated(scope, &new)?]).await
}

/// What was chosen for the keys that the caller sees, newest first, then superseded choices.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn billing(backend: &Backend, scope: &OrgScope) -> Result<History<Dated<BillingBasisRule>>, Error> {
    scope.require(Permission::Read)?;
    let mut choices: History<Dated<BillingBasisRule>> = rules::listed(&backend.pool, scope, rules::MAX_LISTED).await?;
    if !scope.sees_all() {
        let keys = keys::list(backend, scope).await?;
        choices.rows.retain(|choice| keys.iter().any(|key| key.key_id == choice.row.key_id));
        choices.more = 0;
    }
    Ok(choices)
}
