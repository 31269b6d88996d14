//! What a receipt has in common with many others, and the quantities that are its own.
//!
//! Amounts are not stored: they follow from quantities and rates by the function that booked them. Only what has no rate, a contract's term or a reported cost, has its amount here.

use super::numbers::{Reader, Writer};
use crate::ledger::booking::Booking;
use domain::meter::{Meter, Meters};
use domain::rating::{LineSource, ReceiptLine};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A plan as it is interned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The price book's model that priced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priced_as: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unpriced_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<PlanLine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PlanLine {
    meter: Meter,
    source: LineSource,
    /// Whether the quantity is the one that was used of the meter.
    as_used: bool,
}

impl Plan {
    /// What a receipt has in common with others, and the quantities that are its own.
    pub(crate) fn of(booking: &Booking, used: &Meters) -> (Self, Option<Vec<u8>>) {
        let mut own = Writer::default();
        let line = |line: &ReceiptLine| {
            let as_used = used.get(line.meter) == line.quantity;
            if !as_used {
                own.decimal(line.quantity);
            }
            if line.source.rate().is_none() {
                own.decimal(line.amount);
            }
            PlanLine { meter: line.meter, source: line.source, as_used }
        };
        let lines = booking.lines.iter().map(line).collect();
        let (priced_as, unpriced_reason) = (booking.priced_as.clone(), booking.unpriced_reason.clone());
        let plan = Self { priced_as, unpriced_reason, lines };
        (plan, Some(own.into_bytes()).filter(|own| !own.is_empty()))
    }

    /// The receipt's lines; none where plan and quantities do not belong together.
    pub(super) fn with(&self, own: &[u8], used: &Meters) -> Option<Vec<ReceiptLine>> {
        let mut own = Reader(own);
        let line = |line: &PlanLine| {
            let quantity = if line.as_used { used.get(line.meter) } else { own.decimal()? };
            let amount = if line.source.rate().is_none() { own.decimal()? } else { Decimal::ZERO };
            ReceiptLine { meter: line.meter, quantity, amount, source: line.source }.charged()
        };
        let lines = self.lines.iter().map(line).collect::<Option<_>>();
        lines.filter(|_| own.is_at_end())
    }
}
