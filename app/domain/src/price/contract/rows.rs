//! Tiers as rows of a form.

use super::form::{read_price, read_units};
use crate::problem::FieldProblem;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is said of a tier's price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierPricing {
    /// Percent off the list price; below zero on top of it.
    #[default]
    Discount,
    /// Dollars for a million tokens or characters, or for one of anything else.
    Rate,
    /// The list price.
    List,
    /// Nothing.
    Free,
}

impl TierPricing {
    /// All, in the order of the form.
    pub const ALL: [Self; 4] = [Self::Discount, Self::Rate, Self::List, Self::Free];

    /// The word in the form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discount => "discount",
            Self::Rate => "rate",
            Self::List => "list",
            Self::Free => "free",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Discount => "% off the list price",
            Self::Rate => "$ per 1M or each",
            Self::List => "List price",
            Self::Free => "Free",
        }
    }

    /// The price as [`super::TermForm`] reads it.
    fn text(self, value: &str) -> Option<String> {
        let value = value.trim().trim_start_matches('$').trim_end_matches('%').trim();
        match self {
            Self::Discount => Some(format!("{}%", -value.parse::<Decimal>().ok()?)),
            Self::Rate => Some(format!("${value}")),
            Self::List | Self::Free => Some(self.as_str().to_owned()),
        }
    }
}

/// A row of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TierRow {
    /// Units of the month.
    pub units: String,
    /// Whether a month of exactly so many units reaches the tier.
    pub inclusive: bool,
    /// What is said of the price.
    pub pricing: TierPricing,
    /// The percentage or the dollars.
    pub value: String,
}

impl TierRow {
    fn is_empty(&self) -> bool {
        self.units.trim().is_empty() && self.value.trim().is_empty()
    }

    fn line(&self, row: usize) -> Result<String, FieldProblem> {
        let units = self.units.trim();
        if read_units(units).is_none() {
            let detail = "Write a number of units, such as 10,000,000.";
            return Err(FieldProblem::new(tier_field(row, "units"), "invalid", detail));
        }
        let price = self.pricing.text(&self.value).filter(|text| read_price(text, 1).is_some()).ok_or_else(|| {
            let detail = match self.pricing {
                TierPricing::Discount => "Write a percentage up to 100, such as 10.",
                _ => "Write dollars, such as 1.20.",
            };
            FieldProblem::new(tier_field(row, "value"), "invalid", detail)
        })?;
        Ok(format!("{}{units} {price}", if self.inclusive { ">=" } else { ">" }))
    }
}

/// The name of a field in a row.
#[must_use]
pub fn tier_field(row: usize, field: &str) -> String {
    format!("tiers[{row}][{field}]")
}

/// The rows that are filled in, as [`super::TermForm`] takes tiers.
///
/// # Errors
/// A problem for every wrong field.
pub fn tier_lines(rows: &[TierRow]) -> Result<String, Vec<FieldProblem>> {
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| !row.is_empty()) {
        match row.line(at) {
            Ok(line) => lines.push(line),
            Err(problem) => wrong.push(problem),
        }
    }
    if wrong.is_empty() { Ok(lines.join("\n")) } else { Err(wrong) }
}
