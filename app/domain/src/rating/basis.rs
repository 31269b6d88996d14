//! What counts of a call: the cost computed from the price book or the one that its provider reported, and nothing of it where a plan includes it.

use super::{LineSource, Receipt, ReceiptLine, Served, rate_usage};
use crate::ids::KeyId;
use crate::meter::Meter;
use crate::money::round_line;
use crate::price::{BillingBasis, Books, CostBasis, Unpriced};
use rust_decimal::Decimal;

/// What an event is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The model in the book, as `provider/model`; none where only the provider's figure is known.
    pub priced_as: Option<String>,
    /// Its receipt.
    pub receipt: Receipt,
}

/// Rates a call of a key, and lets the cost that its provider `reported` (in US dollars) count where the organization chose so.
///
/// * The computed lines stay: one further line says what the reported cost adds to them or takes away, so the lines still add up to the cost.
/// * Where there is no price, that one line is the whole receipt.
/// * Where nothing was reported, the computed cost counts whatever was chosen.
/// * Where a cost was reported and no usage, the usage is unknown and not nothing: there is no computed cost.
/// * Where the key's plan includes its usage at that time, one last line takes away what the others come to, so nothing is billed twice. What has no price stays without one: its list value is not known.
///
/// # Errors
/// As [`rate_usage`], where no reported cost counts.
pub fn charge(
    books: Books<'_>,
    served: Served<'_>,
    reported: Option<Decimal>,
    key: KeyId,
) -> Result<Charged, Unpriced> {
    let Charged { priced_as, receipt } = counted(books, served, reported)?;
    let is_included = books.billing(key, served.at) == BillingBasis::Included;
    Ok(Charged { priced_as, receipt: if is_included { include(receipt) } else { receipt } })
}

/// What the call comes to, whoever pays for it.
fn counted(books: Books<'_>, served: Served<'_>, reported: Option<Decimal>) -> Result<Charged, Unpriced> {
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
        receipt.lines.push(once(LineSource::Reported, over));
    }
    receipt.cost = reported;
    receipt
}

fn only(reported: Decimal) -> Receipt {
    Receipt { lines: vec![once(LineSource::Reported, reported)], cost: reported }
}

/// The receipt with everything taken away; a line of zero too, because it says that the contract has nothing to settle here.
fn include(mut receipt: Receipt) -> Receipt {
    if !receipt.lines.is_empty() {
        receipt.lines.push(once(LineSource::Included, Decimal::ZERO - receipt.cost));
    }
    receipt.cost = Decimal::ZERO;
    receipt
}

/// Once an amount; no price row is behind it.
const fn once(source: LineSource, amount: Decimal) -> ReceiptLine {
    let meter = if matches!(source, LineSource::Included) { Meter::Included } else { Meter::Reported };
    ReceiptLine { meter, quantity: Decimal::ONE, amount, source }
}
