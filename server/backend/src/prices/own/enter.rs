//! Entering own prices, factors and names.

use super::dated::{alias_of, dated};
use super::unusual::check_unusual;
use crate::{Backend, Error, OrgScope, rules};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::price::{BookPrice, ModelAlias, PriceModifier, PriceWarning};
use domain::problem::Problem;
use domain::rule::NewRule;

/// What looks unusual about a price before it is entered.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn warnings(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<BookPrice>,
) -> Result<Vec<PriceWarning>, Error> {
    scope.require(Permission::ManagePrices)?;
    check_unusual(backend, scope, &[dated(scope, new)?], backend.clock.now()).await
}

/// Enters prices as one change: from its begin on each goes before the list price of its model, and before own prices of the same time.
///
/// Events that were recorded already keep their cost until somebody reprices them.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields, also `confirmed` for an unusual price that was not confirmed; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn add_prices(
    backend: &Backend,
    scope: &OrgScope,
    new: &[NewRule<BookPrice>],
    confirmed: bool,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let rows = new.iter().map(|new| dated(scope, new)).collect::<Result<Vec<_>, _>>()?;
    let warnings =
        if confirmed { Vec::new() } else { check_unusual(backend, scope, &rows, backend.clock.now()).await? };
    if !warnings.is_empty() {
        return Err(Problem::invalid(warnings.iter().map(PriceWarning::problem).collect()).into());
    }
    rules::enter(backend, scope, &rows).await
}

/// Lets a name mean a model. Of the aliases of a name the newest goes first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields, also where no book knows the model; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn add_alias(backend: &Backend, scope: &OrgScope, new: &NewRule<ModelAlias>) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    rules::enter(backend, scope, &[alias_of(backend, scope, new).await?]).await
}

/// Enters a discount or markup. It stacks on the price in a fixed order: the provider's uplift, discounts, markups, and of one kind the older first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn add_modifier(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<PriceModifier>,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    rules::enter(backend, scope, &[dated(scope, new)?]).await
}
