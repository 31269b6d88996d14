//! Rounding of many amounts at once.

use rust_decimal::{Decimal, RoundingStrategy};
use std::cmp::Reverse;

/// Places of a currency's minor unit (ISO 4217, table A.1).
#[must_use]
pub fn minor_places(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// The amounts rounded so that they add up to their rounded sum: each is cut, and those with the largest remainders get one unit more; of two alike the earlier.
#[must_use]
pub fn rounded(amounts: &[Decimal], places: u32) -> Vec<Decimal> {
    let unit = Decimal::new(1, places);
    let cut = |amount: &Decimal| amount.round_dp_with_strategy(places, RoundingStrategy::ToNegativeInfinity);
    let mut parts: Vec<Decimal> = amounts.iter().map(cut).collect();
    let total: Decimal = amounts.iter().sum();
    let total = total.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven);
    let mut missing = total - parts.iter().sum::<Decimal>();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|at| Reverse(amounts[*at] - parts[*at]));
    for at in by_remainder {
        if missing < unit {
            break;
        }
        parts[at] += unit;
        missing -= unit;
    }
    parts.iter_mut().for_each(|part| part.rescale(places));
    parts
}
