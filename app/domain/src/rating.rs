//! What an event costs: one pure function of usage, price rows and time. Nothing else multiplies a rate.

use crate::meter::{Meter, Meters, Usage};
use crate::money::round_line;
use crate::price::{Books, Context, PriceBook, Rate, Resolved, Unpriced};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One line of a receipt: meter x rate = amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptLine {
    /// What was used.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub meter: Meter,
    /// How much of it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub quantity: Decimal,
    /// Price in USD of `per` units.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub rate: Decimal,
    /// Units that the rate is for.
    pub per: u64,
    /// Quantity x rate / per, rounded once, half to even, to 12 places.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub amount: Decimal,
    /// The price row behind it.
    pub price_id: u64,
}

impl ReceiptLine {
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
///
/// # Errors
/// [`Unpriced::NoPrice`] for the first meter without a price, [`Unpriced::TooLarge`] beyond a decimal.
pub fn rate(meters: &Meters, model: Resolved<'_>, at: DateTime<Utc>, context: Context) -> Result<Receipt, Unpriced> {
    let mut lines = Vec::with_capacity(6);
    rate_part(&mut lines, meters, model, at, context)?;
    rate_request(&mut lines, meters, model, at, context);
    total(lines)
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
    context: Context,
) -> Result<Rated, Unpriced> {
    let resolved = books.resolve(provider, model, at)?;
    let mut lines = Vec::with_capacity(6);
    for part in &usage.parts {
        let of = match &part.model {
            Some(other) => books.resolve(provider, other, at)?,
            None => resolved,
        };
        rate_part(&mut lines, &part.meters, of, at, context)?;
    }
    if let Some(first) = usage.parts.iter().find(|part| !part.meters.is_empty()) {
        rate_request(&mut lines, &first.meters, resolved, at, context);
    }
    Ok(Rated { priced_as: resolved.label().to_owned(), receipt: total(lines)? })
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

fn rate_part(
    lines: &mut Vec<ReceiptLine>,
    meters: &Meters,
    model: Resolved<'_>,
    at: DateTime<Utc>,
    context: Context,
) -> Result<(), Unpriced> {
    let input_tokens = meters.input_tokens();
    for (meter, quantity) in meters.iter() {
        let rate = model
            .prices
            .rate(meter, context, at, input_tokens)
            .ok_or_else(|| Unpriced::NoPrice { model: model.label().to_owned(), meter })?;
        push(lines, meter, quantity, rate);
    }
    Ok(())
}

/// One request per event, where the model has a price for it and the usage does not count requests itself.
fn rate_request(
    lines: &mut Vec<ReceiptLine>,
    meters: &Meters,
    model: Resolved<'_>,
    at: DateTime<Utc>,
    context: Context,
) {
    if meters.is_empty() || !meters.get(Meter::Requests).is_zero() {
        return;
    }
    if let Some(rate) = model.prices.rate(Meter::Requests, context, at, meters.input_tokens()) {
        push(lines, Meter::Requests, Decimal::ONE, rate);
    }
}

fn push(lines: &mut Vec<ReceiptLine>, meter: Meter, quantity: Decimal, rate: &Rate) {
    match lines.iter_mut().find(|line| line.meter == meter && line.price_id == rate.price_id) {
        Some(line) => line.quantity += quantity,
        None => lines.push(ReceiptLine {
            meter,
            quantity,
            rate: rate.rate,
            per: rate.per,
            amount: Decimal::ZERO,
            price_id: rate.price_id,
        }),
    }
}

fn total(mut lines: Vec<ReceiptLine>) -> Result<Receipt, Unpriced> {
    let mut cost = Decimal::ZERO;
    for line in &mut lines {
        line.amount = line.unrounded().map(round_line).ok_or(Unpriced::TooLarge { meter: line.meter })?;
        cost = cost.checked_add(line.amount).ok_or(Unpriced::TooLarge { meter: line.meter })?;
    }
    Ok(Receipt { lines, cost })
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
