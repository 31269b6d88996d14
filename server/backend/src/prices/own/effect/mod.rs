//! What a discount or markup would have meant for the last days, from the rollup of meters.

mod sql;

use super::dated::dated;
use crate::{Backend, Error, OrgScope};
use chrono::Duration;
use domain::identity::Permission;
use domain::meter::Meter;
use domain::model::canonical_provider;
use domain::period::Period;
use domain::price::{ModifierEffect, PriceModifier};
use domain::problem::Problem;
use domain::rule::NewRule;

/// The days that are looked at.
const DAYS: u64 = 30;

/// What a discount or markup would have moved in the last 30 days, had it held all along; nothing is entered.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission, [`Problem::Invalid`] for a span that ends before it begins, or for attributes of a call, which the sums of days do not tell apart; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn modifier_effect(
    backend: &Backend,
    scope: &OrgScope,
    new: &NewRule<PriceModifier>,
) -> Result<ModifierEffect, Error> {
    scope.require(Permission::ManagePrices)?;
    let modifier = dated(scope, new)?;
    if !modifier.attributes.to_string().is_empty() {
        let detail = "Sums of days do not tell calls apart by this. Leave it out to see the effect on all calls.";
        return Err(Problem::field("attributes", "not_in_sums", detail).into());
    }
    let period = Period::last_days(scope.zone().day_of(backend.clock.now()), DAYS);
    let held = super::books(backend, scope).await?;
    let concerned = |name: &sql::DayModel| {
        // A name can come to mean another model; days are told apart, hours are not.
        let noon = scope.zone().start_of(name.day) + Duration::hours(12);
        let found = held.books().resolve(&name.provider, &name.model, noon).ok();
        let model = found.and_then(|found| found.label().split_once('/')).map(|(_, model)| model);
        model.is_some_and(|model| modifier.concerns(&canonical_provider(&name.provider), model))
    };
    let names = sql::used(&backend.pool, scope, period).await?.into_iter().filter(concerned).collect();
    // What a provider reports over the computed cost is nobody's price.
    let multiplied = |meter: &Meter| meter.is_usage() && modifier.meters.contains(*meter);
    let meters = Meter::ALL.iter().copied().filter(multiplied).collect();
    let rows = sql::charged(&backend.pool, scope, names, meters).await?;
    Ok(ModifierEffect { period, factor: modifier.factor, rows })
}
