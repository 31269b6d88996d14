//! Daily spend of one scope, in order and without gaps.

use super::{MAX_DAYS, RULE_DAYS};
use crate::period::Period;
use crate::spend::Estimate;
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeMap;

/// Daily spend of one scope in the organization's days, with today apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    today: NaiveDate,
    elapsed: Decimal,
    month: Vec<(NaiveDate, Decimal)>,
    history: Vec<Decimal>,
    estimates: BTreeMap<NaiveDate, Estimate>,
}

impl Series {
    /// Sorts, adds up and fills: rows may come in any order, several per day, and days without spend may be missing.
    ///
    /// `elapsed` is the part of today that is over, from 0 to 1.
    /// Rows after today are left out; history begins with the first day of spend and has at most [`MAX_DAYS`] complete days.
    #[must_use]
    pub fn new(rows: impl IntoIterator<Item = (NaiveDate, Decimal)>, today: NaiveDate, elapsed: f64) -> Self {
        let mut by_day: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
        for (day, spend) in rows {
            if day <= today {
                *by_day.entry(day).or_default() += spend;
            }
        }
        let on = |day: NaiveDate| by_day.get(&day).copied().unwrap_or_default();
        let month = Period { to: today.succ_opt().unwrap_or(today), ..Period::month_of(today) };
        let first = by_day.iter().find(|(_, spend)| **spend > Decimal::ZERO).map_or(today, |(day, _)| *day);
        let earliest = today.checked_sub_days(Days::new(MAX_DAYS as u64)).unwrap_or(NaiveDate::MIN);
        let history = Period { from: first.max(earliest), to: today };
        Self {
            today,
            elapsed: Decimal::try_from(elapsed.clamp(0.0, 1.0)).unwrap_or_default(),
            month: month.iter().map(|day| (day, on(day))).collect(),
            history: history.iter().map(on).collect(),
            estimates: BTreeMap::new(),
        }
    }

    /// Says what of the month's spend up to today is estimated; rows may come several per day.
    #[must_use]
    pub fn with_estimates(mut self, rows: impl IntoIterator<Item = (NaiveDate, Estimate)>) -> Self {
        let month = Period::month_of(self.today).from..=self.today;
        for (day, estimate) in rows.into_iter().filter(|(day, _)| month.contains(day)) {
            *self.estimates.entry(day).or_default() += estimate;
        }
        self
    }

    /// The same history with another month to date.
    ///
    /// A team's month is what its projects spent while it owned them, its future is that of the projects it owns today.
    #[must_use]
    pub fn with_month(self, rows: impl IntoIterator<Item = (NaiveDate, Decimal)>) -> Self {
        let elapsed = self.elapsed;
        Self { month: Self::new(rows, self.today, 0.0).month, elapsed, ..self }
    }

    /// The day it is.
    #[must_use]
    pub const fn today(&self) -> NaiveDate {
        self.today
    }

    /// Complete days since the first spend, at most [`MAX_DAYS`].
    #[must_use]
    pub fn days_of_history(&self) -> usize {
        self.history.len()
    }

    /// Spend of each day of the month up to and including today.
    #[must_use]
    pub fn month_to_date(&self) -> &[(NaiveDate, Decimal)] {
        &self.month
    }

    /// What of the month to date is estimated.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let mut sum = Estimate::default();
        self.estimates.values().for_each(|estimate| sum += *estimate);
        sum
    }

    /// Dollars of a day that are estimated.
    pub(super) fn estimated(&self, day: NaiveDate) -> Decimal {
        self.estimates.get(&day).map_or(Decimal::ZERO, |estimate| estimate.amount)
    }

    /// What each day from today on costs by the weekday rule: the mean of the last four same weekdays, of fewer while there are no four.
    ///
    /// Today counts with the part of it that is still to come.
    /// A day that adjustments made negative counts as nothing, so that no forecast is negative.
    pub(super) fn ahead(&self, days: usize) -> Vec<Decimal> {
        let weekdays: Vec<Decimal> = (0..7).map(|offset| self.weekday_mean(offset)).collect();
        let rest_of_today = Decimal::ONE - self.elapsed;
        (0..days)
            .map(|ahead| {
                let mean = weekdays.get(ahead % 7).copied().unwrap_or_default();
                if ahead == 0 { mean * rest_of_today } else { mean }
            })
            .collect()
    }

    /// Mean of the last four days that share the weekday of `today + offset`.
    fn weekday_mean(&self, offset: usize) -> Decimal {
        let same: Vec<Decimal> = self
            .history
            .iter()
            .rev()
            .take(RULE_DAYS)
            .skip(6 - offset)
            .step_by(7)
            .map(|spend| (*spend).max(Decimal::ZERO))
            .collect();
        if same.is_empty() {
            return Decimal::ZERO;
        }
        same.iter().sum::<Decimal>() / Decimal::from(same.len())
    }

    /// Complete days as floating-point numbers for ratios; negative days count as nothing.
    pub(super) fn floats(&self) -> Vec<f64> {
        self.history.iter().map(|spend| spend.to_f64().unwrap_or_default().max(0.0)).collect()
    }
}
