//! Entering own prices, factors and names.

use super::check::look;
use crate::{Backend, Error, OrgScope, rules};
use domain::identity::Permission;
use domain::ids::RuleChangeId;
use domain::price::{AliasRow, Doubt, ModifierRow, PriceRow};
use domain::problem::Problem;
use domain::rule::{NewRule, Rule};

/// What looks unusual about a price before it is entered.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
pub async fn doubts(backend: &Backend, scope: &OrgScope, new: &NewRule<PriceRow>) -> Result<Vec<Doubt>, Error> {
    scope.require(Permission::ManagePrices)?;
    look(backend, scope, &[dated(scope, new)?], backend.clock.now()).await
}

/// Enters prices as one change: from its begin on each goes before the common price of its model, and before own prices of the same time.
///
/// Events that were recorded already keep their cost until somebody reprices them.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields, also `confirmed` for an unusual price that was not confirmed; [`Error::Database`].
pub async fn add_prices(
    backend: &Backend,
    scope: &OrgScope,
    new: &[NewRule<PriceRow>],
    confirmed: bool,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    let rows = new.iter().map(|new| dated(scope, new)).collect::<Result<Vec<_>, _>>()?;
    let doubts = if confirmed { Vec::new() } else { look(backend, scope, &rows, backend.clock.now()).await? };
    if !doubts.is_empty() {
        return Err(Problem::invalid(doubts.iter().map(Doubt::problem).collect()).into());
    }
    rules::enter(backend, scope, &rows).await
}

/// Lets a name mean a model. Of the aliases of a name the newest goes first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] naming the fields, also where no book knows the model; [`Error::Database`].
pub async fn add_alias(backend: &Backend, scope: &OrgScope, new: &NewRule<AliasRow>) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    rules::enter(backend, scope, &[alias_of(backend, scope, new).await?]).await
}

/// Enters a discount or markup. It stacks on the price in a fixed order: the provider's uplift, discounts, markups, and of one kind the older first.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins; [`Error::Database`].
pub async fn add_modifier(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<ModifierRow>,
) -> Result<RuleChangeId, Error> {
    scope.require(Permission::ManagePrices)?;
    rules::enter(backend, scope, &[dated(scope, new)?]).await
}

/// The rule at its time in the organization's zone.
pub(in crate::prices) fn dated<R: Rule>(scope: &OrgScope, new: &NewRule<R>) -> Result<R, Problem> {
    new.dated(scope.zone()).map_err(|problem| Problem::invalid(vec![problem]))
}

/// The alias to the model that the target means when it begins.
pub(super) async fn alias_of(backend: &Backend, scope: &OrgScope, new: &NewRule<AliasRow>) -> Result<AliasRow, Error> {
    let alias = dated(scope, new)?;
    let held = super::books(backend, scope).await?;
    // A model that is priced at any time at all can be meant; its events say when.
    let at = alias.valid_from.unwrap_or_else(|| backend.clock.now());
    let target = held.books().resolve(&alias.to_provider, &alias.to_model, at).map_err(|unpriced| {
        Problem::field("to_model", "unknown", format!("{unpriced} Choose a model of the book or enter a price for it."))
    })?;
    let (to_provider, to_model) = target.label().split_once('/').unwrap_or((&alias.to_provider, &alias.to_model));
    let (to_provider, to_model) = (to_provider.to_owned(), to_model.to_owned());
    Ok(AliasRow { to_provider, to_model, ..alias })
}
