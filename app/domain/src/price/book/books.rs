//! The organization's own book laid over everybody's.

use super::{PriceBook, Resolved};
use crate::ids::KeyId;
use crate::meter::Meter;
use crate::model::{is_self_hosted, lower, without_mark};
use crate::price::{BillingBasis, CostBasis, Unpriced, basis_at, billing_at, reported_counts};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// The price book as one organization sees it: its own prices and names over the common ones.
#[derive(Clone, Copy, Debug)]
pub struct Books<'a> {
    /// The organization's own, if it has any.
    pub own: Option<&'a PriceBook>,
    /// Everybody's.
    pub common: &'a PriceBook,
}

impl<'a> Books<'a> {
    /// Finds a model, the organization's own names first, and lays its own prices over the common ones.
    ///
    /// An own price of a model holds for every name that leads to the model, by whichever book's rules.
    ///
    /// # Errors
    /// As [`PriceBook::resolve`], of the common book.
    pub fn resolve(self, provider: &str, model: &str, at: DateTime<Utc>) -> Result<Resolved<'a>, Unpriced> {
        let Some(own) = self.own else { return self.common.resolve(provider, model, at) };
        let Ok(mapped) = own.resolve(provider, model, at) else {
            let found = self.common.resolve(provider, model, at)?;
            return Ok(Resolved { own_prices: own.labelled(found.label()), own: &own.modifiers, ..found });
        };
        // A model of the organization's own has no prices in the common book.
        let (provider, model) = mapped.label().split_once('/').unwrap_or((provider, model));
        let found = self.common.resolve(provider, model, at).unwrap_or(Resolved { modifiers: &[], ..mapped });
        let priced = Some(mapped.prices).filter(|own| !own.rates.is_empty());
        let own_prices = priced.or_else(|| own.labelled(found.label()));
        Ok(Resolved { own_prices, own: &own.modifiers, ..found })
    }

    /// The highest price of one unit of a meter that an unpriced call can have; none where nobody can tell. See [`crate::rating::upper_bound`].
    pub(crate) fn dearest(self, provider: &str, model: &str, meter: Meter) -> Option<Decimal> {
        let of_own = || self.own.and_then(|own| own.seller(provider)).and_then(|seller| seller.dearest.of(meter));
        if is_self_hosted(provider, model) {
            return of_own();
        }
        match self.common.seller(provider) {
            Some(seller) => seller.dearest.of(meter).or_else(|| self.common.dearest.of(meter)),
            None => of_own().or_else(|| self.common.dearest_of_name(model, meter)),
        }
    }

    /// Which cost of a provider's event counts.
    #[must_use]
    pub fn basis(self, provider: &str, at: DateTime<Utc>) -> CostBasis {
        self.own.map_or_else(CostBasis::default, |own| basis_at(&own.bases, provider, at))
    }

    /// How the usage of a key is billed.
    #[must_use]
    pub fn billing(self, key: KeyId, at: DateTime<Utc>) -> BillingBasis {
        let rows = self.own.and_then(|own| own.billing.get(&key));
        billing_at(rows.into_iter().flatten(), key, at)
    }

    /// Whether costs that providers reported count anywhere in a span.
    #[must_use]
    pub fn reported_counts(self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.own.is_some_and(|own| reported_counts(&own.bases, from, to))
    }

    /// The label of the model that the organization mapped this name to.
    #[must_use]
    pub fn mapped(self, provider: &str, model: &str, at: DateTime<Utc>) -> Option<&'a str> {
        let label = self.own?.resolve(provider, model, at).ok()?.label();
        let bare = without_mark(model).map_or(model.trim(), |(bare, _)| bare);
        let own_name = label
            .split_once('/')
            .is_some_and(|(_, name)| [model.trim(), bare].iter().any(|sent| lower(name) == lower(sent)));
        (!own_name).then_some(label)
    }
}

impl<'a> From<&'a PriceBook> for Books<'a> {
    fn from(common: &'a PriceBook) -> Self {
        Self { own: None, common }
    }
}
