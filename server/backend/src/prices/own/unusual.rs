//! Whether prices that somebody enters look like a slip of the hand.

use super::sql;
use super::what_if::{entered_id, with_rows};
use crate::{Backend, Error, OrgScope};
use chrono::{DateTime, Utc};
use domain::meter::Meter;
use domain::price::{BookPrice, Books, Context, PriceWarning, Variant, warnings};
use rust_decimal::Decimal;

/// A price that is about to be entered, and when.
struct Asked<'a> {
    row: &'a BookPrice,
    now: DateTime<Utc>,
}

impl Asked<'_> {
    fn at(&self) -> DateTime<Utc> {
        self.row.valid_from.unwrap_or(self.now)
    }

    fn input_tokens(&self) -> u64 {
        self.row.tier_from.saturating_add(u64::from(!self.row.tier_inclusive))
    }

    /// The row that `books` charge a meter of the model.
    fn price_id(&self, books: Books<'_>, meter: Meter, variant: Variant) -> Option<u64> {
        let model = books.resolve(&self.row.provider, &self.row.model, self.at()).ok()?;
        model.price_id(meter, self.at(), Context::default().served_as(variant), self.input_tokens())
    }
}

/// Everything that looks unusual about prices that are entered together.
pub(super) async fn check_unusual(
    backend: &Backend,
    scope: &OrgScope,
    entered: &[BookPrice],
    now: DateTime<Utc>,
) -> Result<Vec<PriceWarning>, Error> {
    let (held, after) = (super::books(backend, scope).await?, with_rows(backend, scope, entered).await?);
    let unit = |row: &BookPrice| row.rate.checked_div(Decimal::from(row.per));
    let mut found = Vec::new();
    for (place, row) in entered.iter().enumerate() {
        let asked = Asked { row, now };
        let before = asked
            .price_id(held.books(), row.meter, row.variant)
            .and_then(|id| held.row(id))
            .filter(|before| before.meter == row.meter && before.variant == row.variant)
            .and_then(unit);
        // What short requests will cost, where this is the price of long ones.
        let base = Asked { row: &BookPrice { tier_from: 0, tier_inclusive: true, ..row.clone() }, now }
            .price_id(after.books(), row.meter, row.variant)
            .filter(|_| row.tier_from > 0)
            .and_then(|id| after.row(id))
            .filter(|base| (base.meter, base.variant) == (row.meter, row.variant))
            .and_then(unit);
        let peers = sql::peers(&backend.pool, row, asked.at()).await?;
        found.extend(warnings(row.meter, row.rate, row.per, before, base, &peers));
        let kinds = Meter::ALL.iter().flat_map(|meter| Variant::ALL.map(|variant| (*meter, variant)));
        let shadowed = kinds.filter(|(meter, variant)| {
            let charged = asked.price_id(held.books(), *meter, *variant).and_then(|id| held.row(id));
            // Only a price of exactly this kind is lost; one that stood in already did so before.
            (*meter, *variant) != (row.meter, row.variant)
                && charged.is_some_and(|charged| {
                    (charged.meter, charged.variant) == (*meter, *variant) && unit(charged) != unit(row)
                })
                && asked.price_id(after.books(), *meter, *variant) == Some(entered_id(place))
        });
        let meters: Vec<String> = shadowed.map(|(meter, variant)| name_of(meter, variant)).collect();
        if !meters.is_empty() {
            found.push(PriceWarning::StandsIn { meters });
        }
    }
    Ok(found)
}

fn name_of(meter: Meter, variant: Variant) -> String {
    let label = meter.label().to_lowercase();
    if variant == Variant::Standard { label } else { format!("{} {label}", variant.as_str()) }
}
