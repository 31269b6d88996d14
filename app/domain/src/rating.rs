//! What an event costs: one pure function of usage, price rows and time. Nothing else multiplies a rate.

pub mod alternatives;
mod basis;

pub use basis::{Charged, charge};

use crate::meter::{Meter, Meters, Usage};
use crate::money::round_line;
use crate::price::{Books, Call, Context, Found, ModifierRow, PriceBook, Resolved, Unpriced};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One line of a receipt: meter x rate = amount.
///
/// A modifier has a line of its own behind those of the price that it multiplies: the same quantity times the part of the rate that it adds or takes off.
/// So every line explains itself and all of them add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptLine {
    /// What was used.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub meter: Meter,
    /// How much of it is charged.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub quantity: Decimal,
    /// Price in USD of `per` units; of a modifier what it adds to the price, below zero for a discount.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub rate: Decimal,
    /// Units that the rate is for.
    pub per: u64,
    /// Quantity x rate / per, rounded once, half to even, to 12 places.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub amount: Decimal,
    /// The price row behind it, or the modifier.
    pub price_id: u64,
    /// What the modifier behind this line multiplies by; none where a price is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub factor: Option<Decimal>,
}

impl ReceiptLine {
    /// Whether a price is behind it and not a modifier: such lines, and no others, say what was used.
    #[must_use]
    pub const fn is_price(&self) -> bool {
        self.factor.is_none()
    }

    /// The amount before rounding, as far as a decimal goes: for quotes. None when it is beyond a decimal.
    #[must_use]
    pub fn unrounded(&self) -> Option<Decimal> {
        multiply(self.quantity, self.rate, self.per)
    }
}

/// What an event costs, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The lines, one per meter and price.
    pub lines: Vec<ReceiptLine>,
    /// The sum of the lines' amounts.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cost: Decimal,
}

/// Rates the meters of one model call with the prices that held at its time.
///
/// * A meter without a price of its own is charged that of the nearest meter that stands in for it ([`Meter::fallbacks`]).
/// * The input tokens of the whole request, cached and written ones too, choose the context tier, and every token has that tier's price.
/// * A service tier's or batch price goes before the standard price, meter by meter.
/// * A price of zero is a price; a missing one makes the event unpriced.
/// * A price per request is charged once, whether or not the usage counts requests.
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
    let call = Call { at, context, input_tokens: meters.input_tokens() };
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
    let call = |meters: &Meters| Call { at, context, input_tokens: meters.input_tokens() };
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
/// A meter that nobody in the book sells adds nothing.
/// An estimate, shown as such: it stands in for an unknown cost in budgets until the model is mapped.
#[must_use]
pub fn upper_bound(book: &PriceBook, provider: &str, meters: &Meters) -> Decimal {
    let amount = |(meter, quantity): (Meter, Decimal)| book.dearest(provider, meter)?.checked_mul(quantity);
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
            Some(found) => self.charge(Meter::Requests, Decimal::ONE, found, model, call),
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
        let quantity = rate.charged(quantity);
        self.push(ReceiptLine {
            meter,
            quantity,
            rate: rate.rate,
            per: rate.per,
            amount: Decimal::ZERO,
            price_id: rate.price_id,
            factor: None,
        });
        if !model.has_modifiers() {
            return Ok(());
        }
        let mut so_far = rate.rate;
        for modifier in model.modifiers(meter, call, is_own) {
            let (added, stacked) = stack(so_far, modifier).ok_or(Unpriced::TooLarge { meter })?;
            so_far = stacked;
            self.push(ReceiptLine {
                meter,
                quantity,
                rate: added,
                per: rate.per,
                amount: Decimal::ZERO,
                price_id: modifier.modifier_id,
                factor: Some(modifier.factor),
            });
        }
        Ok(())
    }

    /// Parts that share a price share a line.
    fn push(&mut self, line: ReceiptLine) {
        let same = |other: &&mut ReceiptLine| {
            other.meter == line.meter && other.price_id == line.price_id && other.rate == line.rate
        };
        match self.0.iter_mut().find(same) {
            Some(other) => other.quantity += line.quantity,
            None => self.0.push(line),
        }
    }

    fn total(self) -> Result<Receipt, Unpriced> {
        let mut lines = self.0;
        let mut cost = Decimal::ZERO;
        for line in &mut lines {
            line.amount = line.unrounded().map(round_line).ok_or(Unpriced::TooLarge { meter: line.meter })?;
            cost = cost.checked_add(line.amount).ok_or(Unpriced::TooLarge { meter: line.meter })?;
        }
        Ok(Receipt { lines, cost })
    }
}

/// What a modifier adds to a rate, and the rate with it.
fn stack(rate: Decimal, modifier: &ModifierRow) -> Option<(Decimal, Decimal)> {
    let added = rate.checked_mul(modifier.factor.checked_sub(Decimal::ONE)?)?;
    Some((added, rate.checked_add(added)?))
}

/// Multiplies first and divides last. A division by a power of ten only moves the point.
fn multiply(quantity: Decimal, rate: Decimal, per: u64) -> Option<Decimal> {
    let mut product = quantity.checked_mul(rate)?;
    let places = match per {
        1 => return Some(product),
        1_000 => 3,
        1_000_000 => 6,
        _ => return product.checked_div(Decimal::from(per)),
    };
    match product.set_scale(product.scale() + places) {
        Ok(()) => Some(product),
        Err(_) => product.checked_div(Decimal::from(per)),
    }
}

#[cfg(test)]
mod tests;
