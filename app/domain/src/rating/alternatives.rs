//! What the same usage would have cost otherwise: in another service tier, or with another model of the provider.

use super::{Rated, Served, rate_usage};
use crate::price::{Books, Variant};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The same usage, served otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// The model in the book, as `provider/model`.
    pub priced_as: String,
    /// The tier.
    pub variant: Variant,
    /// What it would have cost.
    pub cost: Decimal,
}

impl Served<'_> {
    fn rate(&self, books: Books<'_>, model: &str, variant: Variant) -> Option<Alternative> {
        let context = self.context.served_as(variant);
        let Rated { priced_as, receipt } =
            rate_usage(books, self.provider, model, self.usage, self.at, context).ok()?;
        Some(Alternative { priced_as, variant, cost: receipt.cost })
    }
}

/// The other tiers that the model was sold in at that time, cheapest first. Empty where the call itself has no price.
///
/// A tier that has no price of its own for anything in the call is not an alternative: it would only repeat the standard price, or the one that was paid.
#[must_use]
pub fn tiers(books: Books<'_>, served: Served<'_>) -> Vec<Alternative> {
    let Ok(model) = books.resolve(served.provider, served.model, served.at) else { return vec![] };
    let Some(booked) = served.rate(books, served.model, served.context.variant) else { return vec![] };
    let others = Variant::ALL.into_iter().filter(|variant| *variant != served.context.variant);
    let sold = others.filter(|variant| *variant == Variant::Standard || model.is_sold_as(*variant, served.at));
    let rated = sold.filter_map(|variant| served.rate(books, served.model, variant));
    let standard = served.rate(books, served.model, Variant::Standard).map(|standard| standard.cost);
    let is_own = |other: &Alternative| other.variant == Variant::Standard || Some(other.cost) != standard;
    let mut found: Vec<Alternative> = rated.filter(|other| other.cost != booked.cost && is_own(other)).collect();
    found.sort_by_key(|alternative| alternative.cost);
    found
}

/// The models among these that would have cost less in the same tier, cheapest first; each model of the book once.
#[must_use]
pub fn cheaper_models<'a>(
    books: Books<'_>,
    served: Served<'_>,
    models: impl IntoIterator<Item = &'a str>,
) -> Vec<Alternative> {
    let Some(booked) = served.rate(books, served.model, served.context.variant) else { return vec![] };
    let rated = models.into_iter().filter_map(|model| served.rate(books, model, served.context.variant));
    let mut found: Vec<Alternative> =
        rated.filter(|other| other.priced_as != booked.priced_as && other.cost < booked.cost).collect();
    found.sort_by(|one, two| one.cost.cmp(&two.cost).then_with(|| one.priced_as.cmp(&two.priced_as)));
    found.dedup_by(|one, two| one.priced_as == two.priced_as);
    found
}
