//! What the Forecast page shows.

use super::{Forecast, MonthTotal, TooLittle};
use crate::budget::BudgetState;
use crate::spend::Estimate;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Where the month will end: one part in full, all others in a line each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastPage {
    /// Today in the organization's zone.
    pub today: NaiveDate,
    /// The part in full.
    pub shown: Forecast,
    /// Its name.
    pub shown_name: String,
    /// The organization.
    pub organization: ForecastRow,
    /// Its teams, the dearest first.
    pub teams: Vec<ForecastRow>,
    /// Its projects, the dearest first.
    pub projects: Vec<ForecastRow>,
    /// Its budgets.
    pub budgets: Vec<BudgetRow>,
}

/// A part in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastRow {
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// Spent in the month so far.
    pub spent: Decimal,
    /// What of it is estimated.
    pub estimate: Estimate,
    /// Where its month will end, or why that is not known.
    pub total: Result<MonthTotal, TooLittle>,
}

impl ForecastRow {
    /// What it is expected to cost, or has cost where nothing is expected: for the order of a list.
    #[must_use]
    pub fn size(&self) -> Decimal {
        self.total.as_ref().map_or(self.spent, |total| total.expected)
    }
}

/// A budget in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetRow {
    /// How it stands.
    pub state: BudgetState,
    /// Whether it is about the part that is shown in full.
    pub of_shown: bool,
}
