//! What counts of a call whose provider reported a cost of its own.

use super::{LineSource, Receipt, ReceiptLine, Served, rate_usage};
use crate::meter::Meter;
use crate::money::round_line;
use crate::price::{Books, CostBasis, Unpriced};
use rust_decimal::Decimal;

/// What an event is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The model in the book, as `provider/model`; none where only the provider's figure is known.
    pub priced_as: Option<String>,
    /// Its receipt.
    pub receipt: Receipt,
}

/// Rates a call, and lets the cost that its provider `reported` (in US dollars) count where the organization chose so.
///
/// * The computed lines stay: one further line says what the reported cost adds to them or takes away, so the lines still add up to the cost.
/// * Where there is no price, that one line is the whole receipt.
/// * Where nothing was reported, the computed cost counts whatever was chosen.
/// * Where a cost was reported and no usage, the usage is unknown and not nothing: there is no computed cost.
///
/// # Errors
/// As [`rate_usage`], where no reported cost counts.
pub fn charge(books: Books<'_>, served: Served<'_>, reported: Option<Decimal>) -> Result<Charged, Unpriced> {
    let Served { provider, model, usage, at, context } = served;
    // Usage without parts is known: the provider bills none of it.
    let is_unknown = reported.is_some_and(|cost| !cost.is_zero()) && !usage.parts.is_empty() && usage.is_empty();
    let computed =
        if is_unknown { Err(Unpriced::NoUsage) } else { rate_usage(books, provider, model, usage, at, context) };
    match (reported, books.basis(provider, at)) {
        (Some(reported), CostBasis::Reported) => Ok(match computed {
            Ok(rated) => Charged { priced_as: Some(rated.priced_as), receipt: settle(rated.receipt, reported) },
            Err(_) => Charged { priced_as: None, receipt: only(round_line(reported)) },
        }),
        _ => computed.map(|rated| Charged { priced_as: Some(rated.priced_as), receipt: rated.receipt }),
    }
}

/// The computed receipt with the reported cost as its sum.
fn settle(mut receipt: Receipt, reported: Decimal) -> Receipt {
    let reported = round_line(reported);
    let over = reported - receipt.cost;
    if !over.is_zero() {
        receipt.lines.push(line(over));
    }
    receipt.cost = reported;
    receipt
}

fn only(reported: Decimal) -> Receipt {
    Receipt { lines: vec![line(reported)], cost: reported }
}

/// Once the difference; no price row is behind it.
const fn line(over: Decimal) -> ReceiptLine {
    ReceiptLine { meter: Meter::Reported, quantity: Decimal::ONE, amount: over, source: LineSource::Reported }
}
