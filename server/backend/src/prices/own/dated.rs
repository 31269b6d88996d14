//! Rules as they are asked for, at their time and with what they mean to the organization.

use crate::{Backend, Error, OrgScope};
use domain::price::ModelAlias;
use domain::problem::Problem;
use domain::rule::{NewRule, Rule};

/// The rule at its time in the organization's zone.
pub(in crate::prices) fn dated<R: Rule>(scope: &OrgScope, new: &NewRule<R>) -> Result<R, Problem> {
    new.dated(scope.zone()).map_err(|problem| Problem::invalid(vec![problem]))
}

/// The alias to the model that the target means when it begins.
pub(super) async fn alias_of(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<ModelAlias>,
) -> Result<ModelAlias, Error> {
    let alias = dated(scope, new)?;
    let held = super::books(backend, scope).await?;
    // A model that is priced at any time at all can be meant; its events say when.
    let at = alias.valid_from.unwrap_or_else(|| backend.clock.now());
    let target = held.books().resolve(&alias.to_provider, &alias.to_model, at).map_err(|unpriced| {
        Problem::field("to_model", "unknown", format!("{unpriced} Choose a model of the book or enter a price for it."))
    })?;
    let (to_provider, to_model) = target.label().split_once('/').unwrap_or((&alias.to_provider, &alias.to_model));
    let (to_provider, to_model) = (to_provider.to_owned(), to_model.to_owned());
    Ok(ModelAlias { to_provider, to_model, ..alias })
}
