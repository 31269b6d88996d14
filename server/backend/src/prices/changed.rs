//! Which prices of models that were used changed in a span.

use super::books;
use crate::{Backend, Error, OrgScope, spend};
use chrono::{DateTime, Duration, Utc};
use domain::annotation::PriceChange;
use domain::meter::Meter;
use domain::period::Period;
use domain::price::{BookPrice, Context, Resolved};
use domain::spend::{Dimension, SpendQuery};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The meters whose prices are looked at: those of nearly every model.
const METERS: [Meter; 2] = [Meter::InputUncached, Meter::Output];
/// Changes of one model's meter that are looked for, from the newest back.
const MOST: usize = 20;

/// The prices that began in a span after others, by model and time: list prices and the organization's own, of models that it used then.
///
/// # Errors
/// [`domain::problem::Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn changed(backend: &Backend, scope: &OrgScope, period: Period) -> Result<Vec<PriceChange>, Error> {
    let asked = SpendQuery::over(period).by([Dimension::Provider, Dimension::Model]);
    let used = spend::query(backend, scope, &asked).await?.rows;
    let held = books(backend, scope).await?;
    let (from, to) = scope.zone().instants(period);
    let mut changes: BTreeMap<(DateTime<Utc>, String), PriceChange> = BTreeMap::new();
    for row in &used {
        let [Some(provider), Some(model)] = row.keys.as_slice() else { continue };
        let Ok(resolved) = held.books().resolve(provider, model, to) else { continue };
        for meter in METERS {
            let row = |at| price_at(resolved, meter, at).and_then(|id| held.row(id));
            let is_own = |price: &BookPrice| held.is_own(price.price_id);
            for (at, before, after) in steps(row, is_own, from, to) {
                let change = changes.entry((at, model.clone())).or_insert_with(|| PriceChange {
                    at,
                    model: model.clone(),
                    rates: Vec::new(),
                    is_own: is_own(after),
                });
                if !change.rates.iter().any(|(of, ..)| *of == meter) {
                    let before = before.map(|before| rate_of(before, after.per));
                    change.rates.push((meter, before, after.rate, after.per));
                }
            }
        }
    }
    Ok(changes.into_values().collect())
}

fn price_at(resolved: Resolved<'_>, meter: Meter, at: DateTime<Utc>) -> Option<u64> {
    resolved.price_id(meter, at, Context::default(), 0)
}

/// The rate for another number of units.
fn rate_of(price: &BookPrice, per: u64) -> Decimal {
    (price.rate * Decimal::from(per)).checked_div(Decimal::from(price.per)).unwrap_or(price.rate)
}

/// Where a price took the place of another in a span, from the newest back; an own one also where there was none.
fn steps<'a>(
    price: impl Fn(DateTime<Utc>) -> Option<&'a BookPrice>,
    is_own: impl Fn(&BookPrice) -> bool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, Option<&'a BookPrice>, &'a BookPrice)> {
    let mut found = Vec::new();
    let mut at = to;
    while found.len() < MOST {
        at -= Duration::microseconds(1);
        let Some(after) = price(at) else { break };
        let Some(began) = after.valid_from.filter(|began| *began >= from) else { break };
        let before = price(began - Duration::microseconds(1));
        let is_change = before.map_or(is_own(after), |before| rate_of(before, after.per) != after.rate);
        if is_change {
            found.push((began, before, after));
        }
        at = began;
    }
    found
}
