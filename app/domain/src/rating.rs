//! What an event costs: one pure function of usage, price rows and time. Nothing else multiplies a rate.

pub mod alternatives;
mod basis;

pub use basis::{Charged, charge};

use crate::meter::{Meter, Meters, Usage};
use crate::money::round_line;
use crate::price::{Books, Call, Context, Found, PriceModifier, Resolved, Unpriced};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a line of a receipt comes from, with the rate that it charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineSource {
    /// A row of a price book.
    Price {
        /// The row.
        price_id: u64,
        /// Its price.
        rate: Rate,
    },
    /// A modifier of the price before it: the same quantity times the part of the rate that it adds or takes off.
    Modifier {
        /// The modifier.
        modifier_id: u64,
        /// What it multiplies by.
        factor: Decimal,
        /// What it adds to the price, below zero for a discount.
        rate: Rate,
    },
    /// A term of the contract: what its month comes to for the quantity, which no rate of one event says.
    Term {
        /// The term.
        term_id: u64,
    },
    /// The cost that the provider reported, beside the computed lines or in their place.
    Reported,
    /// What the key's plan includes, which takes the lines before it away.
    Included,
}

/// A price in USD of so many units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// USD.
    pub usd: Decimal,
    /// Of so many units.
    pub per: u64,
}

impl Rate {
    /// Quantity x rate as far as a decimal goes: multiplied first and divided last. None when it is beyond a decimal.
    #[must_use]
    pub fn times(self, quantity: Decimal) -> Option<Decimal> {
        // A division by a power of ten only moves the point.
        let mut product = quantity.checked_mul(self.usd)?;
        let places = match self.per {
            1 => return Some(product),
            1_000 => 3,
            1_000_000 => 6,
            _ => return product.checked_div(Decimal::from(self.per)),
        };
        match product.set_scale(product.scale() + places) {
            Ok(()) => Some(product),
            Err(_) => product.checked_div(Decimal::from(self.per)),
        }
    }
}

impl LineSource {
    /// The rate; what the provider reported, what a plan includes and what a contract adds over a month have none.
    #[must_use]
    pub const fn rate(self) -> Option<Rate> {
        match self {
            Self::Price { rate, .. } | Self::Modifier { rate, .. } => Some(rate),
            Self::Term { .. } | Self::Reported | Self::Included => None,
        }
    }

    /// The number of the row behind it.
    #[must_use]
    pub const fn id(self) -> Option<u64> {
        match self {
            Self::Price { price_id: id, .. } | Self::Modifier { modifier_id: id, .. } | Self::Term { term_id: id } => {
                Some(id)
            }
            Self::Reported | Self::Included => None,
        }
    }

    /// What a modifier multiplies by.
    #[must_use]
    pub const fn factor(self) -> Option<Decimal> {
        match self {
            Self::Modifier { factor, .. } => Some(factor),
            Self::Price { .. } | Self::Term { .. } | Self::Reported | Self::Included => None,
        }
    }

    /// Whether it is a modifier, whose line repeats the quantity of the price that it multiplies.
    #[must_use]
    pub const fn is_modifier(self) -> bool {
        matches!(self, Self::Modifier { .. })
    }

    /// Whether a price book makes it of what was used: neither the provider's own figure nor what a plan includes.
    #[must_use]
    pub const fn is_computed(self) -> bool {
        !matches!(self, Self::Reported | Self::Included)
    }

    /// Whether a contract's term is behind it.
    #[must_use]
    pub const fn is_term(self) -> bool {
        matches!(self, Self::Term { .. })
    }
}

/// One line of a receipt. Every line explains itself, and all of them add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// What was used.
    pub meter: Meter,
    /// How much of it is charged.
    pub quantity: Decimal,
    /// What the source charges for the quantity.
    pub amount: Decimal,
    /// Where the charge comes from.
    pub source: LineSource,
}

impl ReceiptLine {
    /// The amount before rounding, as far as a decimal goes: for quotes. None when it is beyond a decimal.
    #[must_use]
    pub fn unrounded(&self) -> Option<Decimal> {
        self.source.rate().map_or(Some(self.amount), |rate| rate.times(self.quantity))
    }

    /// The same line with the amount that follows from its source: quantity x rate, rounded once, half to even, to 12 places; where the source has no rate, the amount as it is. None when it is beyond a decimal.
    #[must_use]
    pub fn charged(self) -> Option<Self> {
        Some(Self { amount: self.unrounded().map(round_line)?, ..self })
    }
}

/// What an event costs, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The lines, one per meter and price.
    pub lines: Vec<ReceiptLine>,
    /// The sum of the lines' amounts.
    pub cost: Decimal,
}

/// Rates the meters of one model call with the prices that held at its time.
///
/// * A meter without a price of its own is charged that of the nearest meter that stands in for it ([`Meter::fallbacks`]).
/// * The input tokens of the whole request, cached and written ones too, choose the context tier, and every token has that tier's price.
/// * A service tier's or batch price goes before the standard price, meter by meter.
/// * A price of zero is a price; a missing one makes the event unpriced.
/// * A price per request is charged once, whether or not the usage counts requests; for a sum, as often as it stands for requests.
/// * A sum of requests has the base price: which of them was long is not known.
/// * A price can bound the quantity that one event is charged for.
/// * Modifiers multiply one after the other: the provider's uplift, the negotiated discount, the internal markup.
///
/// # Errors
/// [`Unpriced::NoPrice`] for the first meter without a price, [`Unpriced::TooLarge`] beyond a decimal.
pub fn rate(
    meters: &Meters,
    model: Resolved<'_>,
    at: DateTime<Utc>,
    context: Context<'_>,
) -> Result<Receipt, Unpriced> {
    let mut lines = Lines::default();
    let call = Call { at, context, input_tokens: context.size(meters.input_tokens()) };
    lines.meters(meters, model, call)?;
    lines.request(meters, model, call)?;
    lines.total()
}

/// Rates an event: every part of its usage with the model that made it, and one request.
///
/// Parts that share a price share a line, which is rounded once.
///
/// # Errors
/// As [`rate`], and where a model is not in the book.
pub fn rate_usage(
    books: Books<'_>,
    provider: &str,
    model: &str,
    usage: &Usage,
    at: DateTime<Utc>,
    context: Context<'_>,
) -> Result<Rated, Unpriced> {
    let resolved = books.resolve(provider, model, at)?;
    let mut lines = Lines::default();
    let call = |meters: &Meters| Call { at, context, input_tokens: context.size(meters.input_tokens()) };
    for part in &usage.parts {
        let of = match &part.model {
            Some(other) => books.resolve(provider, other, at)?,
            None => resolved,
        };
        lines.meters(&part.meters, of, call(&part.meters))?;
    }
    if let Some(first) = usage.parts.iter().find(|part| !part.meters.is_empty()) {
        lines.request(&first.meters, resolved, call(&first.meters))?;
    }
    Ok(Rated { priced_as: resolved.label().to_owned(), receipt: lines.total()? })
}

/// A call as it was served.
#[derive(Clone, Copy, Debug)]
pub struct Served<'a> {
    /// Who sold it.
    pub provider: &'a str,
    /// The model, as it was sent.
    pub model: &'a str,
    /// What was used.
    pub usage: &'a Usage,
    /// When.
    pub at: DateTime<Utc>,
    /// How it was served.
    pub context: Context<'a>,
}

/// A rated event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated {
    /// The model in the book, as `provider/model`.
    pub priced_as: String,
    /// Its receipt.
    pub receipt: Receipt,
}

/// What unpriced usage costs at most: every meter at the highest price that its provider ever had for it in any model, tier or variant, or the whole book where the provider sells no such meter.
///
/// * With a provider that the book does not know it is the highest price of any model of this name; with models on machines of one's own, whatever the organization itself entered for the provider.
/// * What nobody sells adds nothing: a guess at the dearest model of all would start alarms for what costs a hundredth.
///
/// An estimate, shown as such: it stands in for an unknown cost in budgets until the model is mapped.
#[must_use]
pub fn upper_bound(books: Books<'_>, provider: &str, model: &str, meters: &Meters) -> Decimal {
    let amount = |(meter, quantity): (Meter, Decimal)| books.dearest(provider, model, meter)?.checked_mul(quantity);
    round_line(meters.iter().filter_map(amount).fold(Decimal::ZERO, Decimal::saturating_add))
}

/// A receipt in the making.
#[derive(Default)]
struct Lines(Vec<ReceiptLine>);

impl Lines {
    fn meters<'a>(&mut self, meters: &Meters, model: Resolved<'a>, call: Call<'a>) -> Result<(), Unpriced> {
        for (meter, quantity) in meters.iter() {
            let found =
                model.rate(meter, &call).ok_or_else(|| Unpriced::NoPrice { model: model.label().to_owned(), meter })?;
            self.charge(meter, quantity, found, model, call)?;
        }
        Ok(())
    }

    /// One request per event, where the model has a price for it and the usage does not count requests itself.
    fn request<'a>(&mut self, meters: &Meters, model: Resolved<'a>, call: Call<'a>) -> Result<(), Unpriced> {
        if meters.is_empty() || !meters.get(Meter::Requests).is_zero() {
            return Ok(());
        }
        match model.rate(Meter::Requests, &call) {
            Some(found) => {
                let requests = Decimal::from(call.context.sum_of.unwrap_or(1));
                self.charge(Meter::Requests, requests, found, model, call)
            }
            None => Ok(()),
        }
    }

    fn charge<'a>(
        &mut self,
        meter: Meter,
        quantity: Decimal,
        Found { rate, is_own }: Found<'a>,
        model: Resolved<'a>,
        call: Call<'a>,
    ) -> Result<(), Unpriced> {
        let quantity = rate.charged(quantity, call.context.sum_of, model.is_resold());
        let (price, per) = (rate, rate.per);
        let source = LineSource::Price { price_id: price.price_id, rate: Rate { usd: price.rate, per } };
        self.push(meter, quantity, source);
        if !model.has_modifiers() {
            return Ok(());
        }
        let mut so_far = price.rate;
        for modifier in model.modifiers(meter, call, is_own) {
            let (added, stacked) = stack(so_far, modifier).ok_or(Unpriced::TooLarge { meter })?;
            so_far = stacked;
            let rate = Rate { usd: added, per };
            let source = LineSource::Modifier { modifier_id: modifier.modifier_id, factor: modifier.factor, rate };
            self.push(meter, quantity, source);
        }
        Ok(())
    }

    /// Parts that share a price share a line.
    fn push(&mut self, meter: Meter, quantity: Decimal, source: LineSource) {
        match self.0.iter_mut().find(|other| (other.meter, other.source) == (meter, source)) {
            Some(other) => other.quantity += quantity,
            None => self.0.push(ReceiptLine { meter, quantity, amount: Decimal::ZERO, source }),
        }
    }

    fn total(self) -> Result<Receipt, Unpriced> {
        let mut lines = Vec::with_capacity(self.0.len());
        let mut cost = Decimal::ZERO;
        for line in self.0 {
            let too_large = Unpriced::TooLarge { meter: line.meter };
            let line = line.charged().ok_or_else(|| too_large.clone())?;
            cost = cost.checked_add(line.amount).ok_or(too_large)?;
            lines.push(line);
        }
        Ok(Receipt { lines, cost })
    }
}

/// What a modifier adds to a rate, and the rate with it.
fn stack(rate: Decimal, modifier: &PriceModifier) -> Option<(Decimal, Decimal)> {
    let added = rate.checked_mul(modifier.factor.checked_sub(Decimal::ONE)?)?;
    Some((added, rate.checked_add(added)?))
}

#[cfg(test)]
mod tests;
