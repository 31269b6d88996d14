//! Receipts as pages and the API show them: line by line, and what became of them.

use crate::ids::RunId;
use crate::price::Why;
use chrono::{DateTime, FixedOffset, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One line of a stored receipt with where its price comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// The meter's word.
    pub meter: String,
    /// The meter as people read it.
    pub label: String,
    /// The price or modifier behind it; none behind what the provider's own figure adds.
    pub price_id: Option<u64>,
    /// How much of it.
    pub quantity: Decimal,
    /// Price of `per` units; none where no price is behind it or the row is no longer known.
    pub rate: Option<Decimal>,
    /// Units that the rate is for.
    pub per: u64,
    /// The unit's word, such as `tokens`.
    pub unit: String,
    /// Amount, rounded once.
    pub amount: Decimal,
    /// What is multiplied by, where a modifier is behind this line and not a price.
    #[serde(default)]
    pub factor: Option<Decimal>,
    /// Whether a term of the contract is behind this line: its amount brings the meter to the month's rate.
    #[serde(default)]
    pub by_contract: bool,
    /// Since when the price holds; none means from the beginning of time.
    pub price_since: Option<DateTime<Utc>>,
    /// The data set or person it came from, with its version.
    pub price_source: String,
    /// Where it can be checked.
    pub price_url: Option<String>,
    /// When the price applies apart from its dates, such as "Batch"; empty where a modifier is behind the line.
    #[serde(default)]
    pub terms: String,
    /// Why this price and no other; none where a modifier is behind the line or the price is no longer known.
    #[serde(default)]
    pub why: Option<Why>,
}

/// An adjustment behind an event's cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdjustmentRow {
    /// 1 for the first adjustment of the event.
    pub revision: u32,
    /// The run that appended it.
    pub run_id: RunId,
    /// Why, as the run or its reversal says.
    pub reason: String,
    /// Whether it takes the run's own adjustment back.
    pub is_reversal: bool,
    /// When, in the organization's zone.
    pub at: DateTime<FixedOffset>,
    /// Cost before; none where it was not known.
    pub old_cost: Option<Decimal>,
    /// Cost after; none where it is not known.
    pub new_cost: Option<Decimal>,
    /// The receipt from then on.
    pub receipt: Vec<ReceiptRow>,
}
