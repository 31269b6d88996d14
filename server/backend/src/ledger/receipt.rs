//! Receipts as they are stored: `[[meter, quantity, amount, price_id], …]`; numbers as texts, because JSON readers are not exact.

use crate::Error;
use domain::rating::ReceiptLine;
use rust_decimal::Decimal;
use serde_json::Value;

/// A line of a stored receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredLine {
    pub(crate) meter: String,
    pub(crate) quantity: Decimal,
    pub(crate) amount: Decimal,
    pub(crate) price_id: u64,
}

impl From<&ReceiptLine> for StoredLine {
    fn from(line: &ReceiptLine) -> Self {
        Self {
            meter: line.meter.as_str().to_owned(),
            quantity: line.quantity,
            amount: line.amount,
            price_id: line.price_id,
        }
    }
}

/// The JSON of a receipt.
pub(crate) fn to_json(lines: impl IntoIterator<Item = StoredLine>) -> Value {
    let line = |line: StoredLine| {
        Value::from(vec![
            line.meter,
            line.quantity.normalize().to_string(),
            domain::money::exact(line.amount),
            line.price_id.to_string(),
        ])
    };
    lines.into_iter().map(line).collect()
}

/// The lines of a receipt that was read from the column `receipt` of `table`.
pub(crate) fn lines(receipt: Value, table: &'static str) -> Result<Vec<StoredLine>, Error> {
    let lines: Vec<(String, Decimal, Decimal, String)> =
        serde_json::from_value(receipt).map_err(|error| Error::inconsistent(table, "receipt", error))?;
    lines
        .into_iter()
        .map(|(meter, quantity, amount, price_id)| {
            let price_id = price_id.parse().map_err(|error| Error::inconsistent(table, "receipt", error))?;
            Ok(StoredLine { meter, quantity, amount, price_id })
        })
        .collect()
}
