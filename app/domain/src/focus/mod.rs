//! Spend as a FOCUS dataset (FinOps Open Cost and Usage Specification), for tools that read cloud bills.
//!
//! Sources: the texts of FOCUS 1.2, 1.3 and 1.4, and the rules of the official validator for 1.2; model identity is named as the draft of 1.5 names it, with `x_` before it.
//!
//! [`charge`] takes receipts apart into charges, [`row`] is one row of the dataset, [`columns`] what each version writes of it, [`sku`] the words that FOCUS has for meters, models and sellers.

pub mod charge;
pub mod columns;
pub mod manifest;
pub mod query;
pub mod row;
pub mod sku;

#[cfg(test)]
mod tests;

use crate::problem::FieldProblem;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Which edition of the specification a file follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// Ratified in June 2025; what the validator checks and the large clouds send.
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    /// Ratified in December 2025: who hosts and who sells, columns of allocation.
    #[serde(rename = "1.3")]
    V1_3,
    /// Ratified in June 2026: without the names that 1.3 deprecated.
    #[serde(rename = "1.4")]
    V1_4,
}

impl Version {
    /// All of them, the oldest first.
    pub const ALL: [Self; 3] = [Self::V1_2, Self::V1_3, Self::V1_4];

    /// The word in addresses and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
            Self::V1_4 => "1.4",
        }
    }
}

impl FromStr for Version {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        let found = Self::ALL.into_iter().find(|version| version.as_str() == text);
        found.ok_or_else(|| FieldProblem::new("version", "unknown", "Use 1.2, 1.3 or 1.4."))
    }
}
