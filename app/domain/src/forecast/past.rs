//! What the past says of a scope: how steady it is, and how far off forecasts of it were.

use serde::{Deserialize, Serialize};

/// How much a day differs from the same weekday a week before, over the last four weeks, as a share of the mean day.
///
/// The bounds are quartiles, rounded, of the projects in the measured series (see `prior`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steadiness {
    /// Up to a quarter.
    Steady,
    /// Up to a half.
    Uneven,
    /// Up to nine tenths.
    Rough,
    /// More: no method forecasts it well.
    Wild,
}

impl Steadiness {
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// From the roughness of `back_test::roughness`.
    pub(super) fn of(roughness: f64) -> Self {
        match roughness {
            r if r <= 0.25 => Self::Steady,
            r if r <= 0.5 => Self::Uneven,
            r if r <= 0.9 => Self::Rough,
            _ => Self::Wild,
        }
    }
}

/// How far off forecasts of the past were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastError {
    /// Mean absolute error of the month's total in percent, forecast with as many days over as now.
    pub percent: f64,
    /// The same for the run rate: spent so far, divided by days so far, times the month's days. None on a month's first day.
    pub run_rate_percent: Option<f64>,
    /// How many forecasts of the past that is.
    pub back_tests: u32,
}
