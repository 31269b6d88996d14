//! Amounts of money and rates.

use super::{MINUS, SPACE};
use rust_decimal::{Decimal, RoundingStrategy};

/// An amount in dollars for reading: "$1,234.56"; below ten cents three significant digits, so that small costs stay legible: "$0.000012".
#[must_use]
pub fn money(amount: Decimal) -> String {
    with_sign(amount, &format!("${}", digits(amount.abs())))
}

/// A sum in a column whose head names the unit, always with two places: "8,120.44"; below that "< 0.01".
#[must_use]
pub fn money_plain(amount: Decimal) -> String {
    in_column(amount, 2)
}

/// The cost of one call in such a column, always with four places: "0.0831"; below that "< 0.0001".
#[must_use]
pub fn money_of_call(amount: Decimal) -> String {
    in_column(amount, 4)
}

/// One number of places down the whole column; what would be a zero there is told from one.
fn in_column(amount: Decimal, places: u32) -> String {
    let (rounded, least) = (round(amount.abs(), places), Decimal::new(1, places));
    match (rounded.is_zero() && !amount.is_zero(), amount.is_sign_negative()) {
        (false, _) => with_sign(amount, &group(&rounded.to_string())),
        (true, false) => format!("<{SPACE}{least}"),
        (true, true) => format!(">{SPACE}{MINUS}{least}"),
    }
}

/// A cost that may be unknown: "unpriced" instead of a zero that would be wrong.
#[must_use]
pub fn cost(amount: Option<Decimal>) -> String {
    amount.map_or_else(|| "unpriced".to_owned(), money)
}

/// An amount to about three digits: "$18.4k", "$1.25M", "$812", "$31.20".
#[must_use]
pub fn money_compact(amount: Decimal) -> String {
    let size = amount.abs();
    if size < Decimal::ONE_HUNDRED {
        return money(amount);
    }
    with_sign(amount, &format!("${}", compact(size)))
}

/// An amount with all twelve places, as on a receipt: "$0.014445000000".
#[must_use]
pub fn money_exact(amount: Decimal) -> String {
    let text = crate::money::exact(amount.abs());
    with_sign(amount, &format!("${}", group(&text)))
}

/// Every digit of an amount without trailing zeros, at least cents: "$18,402.170331"; for the value on hover.
#[must_use]
pub fn money_full(amount: Decimal) -> String {
    let mut text = amount.abs().normalize();
    if text.scale() < 2 {
        text.rescale(2);
    }
    with_sign(amount, &format!("${}", group(&text.to_string())))
}

/// An amount that is not known to the cent, to whole dollars from a hundred on: "$24,900", "$31.20".
#[must_use]
pub fn money_rounded(amount: Decimal) -> String {
    if amount.abs() < Decimal::ONE_HUNDRED {
        return money(amount);
    }
    with_sign(amount, &format!("${}", group(&round(amount.abs(), 0).to_string())))
}

/// A difference in dollars with its sign: "+$2,030.00", "−$150.00".
#[must_use]
pub fn money_signed(amount: Decimal) -> String {
    plus(amount, money(amount))
}

/// The exact change of an amount: "+$2.0305".
#[must_use]
pub fn money_full_signed(amount: Decimal) -> String {
    plus(amount, money_full(amount))
}

/// A rate per million units: "$3.00 / 1M".
#[must_use]
pub fn rate_per_million(rate: Decimal) -> String {
    format!("{}{SPACE}/{SPACE}1M", money_full(rate))
}

pub(super) fn with_sign(amount: Decimal, text: &str) -> String {
    // "−$0.00" would be a sign on nothing.
    let zero = text.bytes().all(|byte| !byte.is_ascii_digit() || byte == b'0');
    if amount.is_sign_negative() && !zero { format!("{MINUS}{text}") } else { text.to_owned() }
}

fn plus(amount: Decimal, text: String) -> String {
    if amount > Decimal::ZERO { format!("+{text}") } else { text }
}

/// A positive amount: two places; below ten cents three significant digits, at least two places, at most twelve.
fn digits(amount: Decimal) -> String {
    let amount = crate::money::round_line(amount);
    let mut rounded = round(amount, places(amount)).normalize();
    if rounded.scale() < 2 {
        rounded.rescale(2);
    }
    group(&rounded.to_string())
}

fn places(amount: Decimal) -> u32 {
    let dime = Decimal::new(1, 1);
    if amount.is_zero() || amount >= dime {
        return 2;
    }
    let mut places = 3;
    let mut first = dime;
    while amount < first && places < crate::money::PLACES {
        first /= Decimal::TEN;
        places += 1;
    }
    places
}

pub(super) fn round(amount: Decimal, places: u32) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(places);
    rounded
}

/// Thousands separators in the whole part of a plain number.
pub(super) fn group(text: &str) -> String {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::with_capacity(text.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

/// Three digits and a unit: "981k", "1.25M", "18.4k"; below a thousand the number itself.
pub(super) fn compact(size: Decimal) -> String {
    let mut scaled = size;
    let mut unit = "";
    for next in ["k", "M", "B", "T"] {
        // 999.5 would round to "1000".
        if scaled < Decimal::new(9995, 1) {
            break;
        }
        scaled /= Decimal::ONE_THOUSAND;
        unit = next;
    }
    let places = if unit.is_empty() || scaled >= Decimal::new(995, 1) {
        0
    } else if scaled >= Decimal::new(995, 2) {
        1
    } else {
        2
    };
    format!("{}{unit}", group(&round(scaled, places).normalize().to_string()))
}
