//! Amounts of money: decimal, never floating point.

use rust_decimal::{Decimal, RoundingStrategy};

/// Decimal places of a receipt line, and so of every stored amount.
pub const PLACES: u32 = 12;

/// Rounds an amount once, half to even, to [`PLACES`] decimal places (product rule 5).
#[must_use]
pub fn round_line(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointNearestEven)
}

/// An amount as the API writes it: always [`PLACES`] decimal places.
#[must_use]
pub fn exact(amount: Decimal) -> String {
    format!("{:.12}", round_line(amount))
}

/// Serde form of an amount in public JSON: a string with [`PLACES`] places.
pub mod amount {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the exact decimal string.
    ///
    /// # Errors
    /// Only what the serializer itself reports.
    pub fn serialize<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::exact(*amount))
    }

    /// Reads a decimal string or number.
    ///
    /// # Errors
    /// When the text is not a decimal.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        <Decimal as Deserialize>::deserialize(deserializer)
    }
}

/// Like [`amount`], for a cost that may be unknown (`null`, never zero).
pub mod amount_opt {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the exact decimal string or null.
    ///
    /// # Errors
    /// Only what the serializer itself reports.
    pub fn serialize<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => serializer.serialize_str(&super::exact(*amount)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a decimal string, a number or null.
    ///
    /// # Errors
    /// When the text is not a decimal.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        <Option<Decimal> as Deserialize>::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_rounded_half_to_even_at_twelve_places() {
        let amount = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(round_line(amount("0.0000000000005")), amount("0.000000000000"));
        assert_eq!(round_line(amount("0.0000000000015")), amount("0.000000000002"));
        assert_eq!(exact(amount("12.3456")), "12.345600000000");
        assert_eq!(exact(amount("0")), "0.000000000000");
    }
}
