//! Where the month will end: expected spend with a band that past forecasts have earned.
//!
//! The rule: each remaining day is the mean of its last four same weekdays.
//! The band: the same rule is applied to the scope's own past (a [`BackTest`]); how far actual spend was from the forecast, as a ratio, at the same number of remaining days, says how wide the band must be.
//! Where the past is short, the organization's other projects of the same [`Steadiness`] and a shipped table (`prior`) fill in.
//!
//! Amounts are decimals; ratios are floating-point numbers, for they are estimates.
//! An amount meets a ratio in one place (`month::times`), where the product is cut to a receipt line's places.

mod back_test;
mod month;
mod page;
mod past;
mod prior;
mod ratios;
mod series;

#[cfg(test)]
mod measured;
#[cfg(test)]
mod tests;

pub use back_test::BackTest;
pub use month::{Basis, Forecast, ForecastDay, MonthEndForecast, MonthTotal, TooLittle, month_end, month_total};
pub use page::{BudgetRow, ForecastPage, ForecastRow};
pub use past::{PastError, Steadiness};
pub use series::Series;

/// Fewest complete days since the first spend: each weekday was seen at least twice.
pub const MIN_DAYS: u32 = 14;
/// Days that the weekday rule looks back: four of each weekday.
pub const RULE_DAYS: usize = 28;
/// Days of history that back-tests use at most: thirteen months, so that every season of the year is seen once.
pub const MAX_DAYS: usize = 400;
/// Most days from a day of a month to the month's end, both included.
pub const MAX_HORIZON: usize = 31;
