//! What somebody should look at today, each with its number.

use super::{AnomalyCause, Estimate, UnusualDay};
use crate::ids::BudgetId;
use crate::label::Fallen;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use std::cmp::Reverse;

/// A project's dearest unusual day of the last two weeks.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// Slug of the project.
    pub project: String,
    /// Its name.
    pub project_name: String,
    /// The day.
    pub day: UnusualDay,
    /// How many unusual days the project had.
    pub days: usize,
    /// What explains it, the largest share first; empty where nothing does.
    pub causes: Vec<AnomalyCause>,
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq)]
pub enum Attention {
    /// More than a budget's amount is used.
    Exceeded {
        /// The budget.
        budget_id: BudgetId,
        /// Its name.
        name: String,
        /// Used this month, in USD, unpriced usage as it is estimated.
        used: Decimal,
        /// The month's amount, in USD.
        amount: Decimal,
    },
    /// The month is forecast to end above a budget's amount.
    AtRisk {
        /// The budget.
        budget_id: BudgetId,
        /// Its name.
        name: String,
        /// The month-end forecast, in USD.
        forecast: Decimal,
        /// The month's amount, in USD.
        amount: Decimal,
        /// Probability of overrun, 0 to 1.
        chance_over: f64,
        /// The day on which the amount is forecast to be used up; none if that is after the month.
        exhausted_on: Option<NaiveDate>,
    },
    /// A project spent far more than usual.
    Unusual(Anomaly),
    /// A project that sent events every day has stopped.
    Quiet {
        /// Slug of the project.
        project: String,
        /// Its name.
        project_name: String,
        /// When its newest event happened.
        newest: DateTime<FixedOffset>,
        /// What it usually spends a day, in USD.
        usual: Decimal,
    },
    /// Events of this month have no price.
    Unpriced {
        /// How many, and what they are estimated to have cost.
        estimate: Estimate,
        /// Of how many.
        of: i64,
    },
    /// Schedules of exports that rest because a file could not be sent.
    PausedExports {
        /// How many.
        count: u64,
    },
    /// Less of the last seven days' spend carries a required label than of the seven days before.
    FallenCoverage(Fallen),
    /// Mails of the last seven days that nobody got.
    FailedMails {
        /// How many.
        count: u64,
    },
}

impl Attention {
    /// What it is about, in USD: how much is or will be over, unusual, missing a day, or unknown; nothing for what has no amount.
    #[must_use]
    pub fn amount(&self) -> Decimal {
        match self {
            Self::Exceeded { used, amount, .. } => used - amount,
            Self::AtRisk { forecast, amount, .. } => forecast - amount,
            Self::Unusual(anomaly) => anomaly.day.excess(),
            Self::Quiet { usual, .. } => *usual,
            Self::Unpriced { estimate, .. } => estimate.amount,
            Self::FallenCoverage(fallen) => fallen.missing,
            Self::PausedExports { .. } | Self::FailedMails { .. } => Decimal::ZERO,
        }
    }

    /// The unusual day that it is, if it is one.
    #[must_use]
    pub const fn unusual(&self) -> Option<&Anomaly> {
        match self {
            Self::Unusual(anomaly) => Some(anomaly),
            _ => None,
        }
    }

    /// Whether it has happened already, rather than threatens.
    #[must_use]
    pub const fn is_urgent(&self) -> bool {
        matches!(self, Self::Exceeded { .. } | Self::Unusual(_))
    }
}

/// The most dollars first.
#[must_use]
pub fn by_amount(mut items: Vec<Attention>) -> Vec<Attention> {
    items.sort_by_key(|item| Reverse(item.amount()));
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_dollars_come_first() {
        let unpriced = Attention::Unpriced {
            estimate: Estimate { amount: 36.into(), events: 60, upper_bound: 69.into() },
            of: 9_000,
        };
        let failed = Attention::FailedMails { count: 3 };
        let [used, amount] = [2_285, 500].map(|cents| Decimal::new(cents, 2));
        let name = "Support bot".to_owned();
        let exceeded = Attention::Exceeded { budget_id: BudgetId(uuid::Uuid::nil()), name, used, amount };
        let ordered = by_amount(vec![failed.clone(), exceeded.clone(), unpriced.clone()]);
        assert_eq!(ordered, [unpriced, exceeded, failed]);
        assert_eq!(ordered[1].amount(), Decimal::new(1_785, 2));
    }
}
