//! The month's end: expected total, band, forecast error, run-out.

use super::MIN_DAYS;
use super::back_test::BackTest;
use super::past::{PastError, Steadiness};
use super::prior::{Prior, SHIPPED};
use super::ratios::Ratios;
use super::series::Series;
use crate::money::round_line;
use crate::period::Period;
use crate::spend::Estimate;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A forecast of the month's end, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Forecast {
    /// There is one.
    MonthEnd(Box<MonthEndForecast>),
    /// There is too little history for one.
    TooLittle(TooLittle),
}

impl Forecast {
    /// The forecast, if there is one.
    #[must_use]
    pub fn month_end(&self) -> Option<&MonthEndForecast> {
        match self {
            Self::MonthEnd(forecast) => Some(forecast),
            Self::TooLittle(_) => None,
        }
    }

    /// Spent in the month so far, with or without a forecast.
    #[must_use]
    pub fn spent(&self) -> Decimal {
        match self {
            Self::MonthEnd(forecast) => forecast.spent,
            Self::TooLittle(too_little) => too_little.spent,
        }
    }

    /// What of it is estimated.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        match self {
            Self::MonthEnd(forecast) => forecast.estimate,
            Self::TooLittle(too_little) => too_little.estimate,
        }
    }
}

/// Why there is no forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooLittle {
    /// Spent in the month so far.
    pub spent: Decimal,
    /// What of it is estimated.
    pub estimate: Estimate,
    /// Complete days since the first spend.
    pub days_of_history: u32,
    /// How many a forecast needs.
    pub days_needed: u32,
}

impl TooLittle {
    /// One plain sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        let needed = self.days_needed;
        match self.days_of_history {
            0 => format!("No complete day of spend yet; a forecast needs {needed}."),
            1 => format!("1 complete day of spend so far; a forecast needs {needed}."),
            days => format!("{days} complete days of spend so far; a forecast needs {needed}."),
        }
    }
}

/// Where the month will end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonthEndForecast {
    /// The month.
    pub month: Period,
    /// The day it is.
    pub today: NaiveDate,
    /// Spent in the month so far.
    pub spent: Decimal,
    /// What of it is estimated.
    pub estimate: Estimate,
    /// Expected at the month's end.
    pub expected: Decimal,
    /// Eight of ten past forecasts would have ended at or above this …
    pub low80: Decimal,
    /// … and at or below this.
    pub high80: Decimal,
    /// The month's total at 5, 10, … 95 % of the back-tests.
    pub quantiles: Vec<Decimal>,
    /// How far off the rule was in the past, beside the run rate; none while no month's length fits into the history.
    pub past: Option<PastError>,
    /// What the band rests on.
    pub basis: Basis,
    /// Every day of the month.
    pub days: Vec<ForecastDay>,
}

/// The month's total without its days: what a row of a list shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonthTotal {
    /// Expected at the month's end.
    pub expected: Decimal,
    /// Lower end of the 80 % band.
    pub low80: Decimal,
    /// Upper end.
    pub high80: Decimal,
    /// How far off the rule was in the past.
    pub past: Option<PastError>,
    /// Why no single figure should be trusted here.
    pub irregular: Option<String>,
}

/// What a band rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Basis {
    /// Back-tests of the scope itself.
    pub own: u32,
    /// Back-tests of the organization's other projects that are about as steady.
    pub peers: u32,
    /// How steady the last four weeks were.
    pub steadiness: Steadiness,
    /// Difference to the same weekday a week before as a share of the mean day; none without spend in the last four weeks.
    pub roughness: Option<f64>,
}

/// A day of the month, past or to come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastDay {
    /// The day.
    pub day: NaiveDate,
    /// Spent on it so far; none where it is yet to come.
    pub spent: Option<Decimal>,
    /// The part of that which is estimated.
    pub estimated: Decimal,
    /// What it will have cost; what it has cost where it is over.
    pub expected: Decimal,
    /// Lower end of its 80 % band.
    pub low80: Decimal,
    /// Upper end.
    pub high80: Decimal,
    /// Expected from the first of the month to the end of this day.
    pub total: Decimal,
    /// Lower end of that total's 80 % band.
    pub total_low80: Decimal,
    /// Upper end.
    pub total_high80: Decimal,
}

impl MonthEndForecast {
    /// Steps of [`MonthEndForecast::quantiles`], in percent.
    const STEP: usize = 5;

    /// How likely the month ends above `amount`, from 0 to 1, by the back-tested ratios.
    ///
    /// 1 where it is already exceeded; otherwise between 0.02 and 0.98, for back-tests cannot tell more finely.
    #[must_use]
    pub fn probability_of_exceeding(&self, amount: Decimal) -> f64 {
        if self.spent > amount {
            return 1.0;
        }
        if self.low80 == self.high80 {
            return if self.expected > amount { 0.98 } else { 0.02 };
        }
        let below = self.quantiles.partition_point(|total| *total <= amount);
        let share = match (below.checked_sub(1).and_then(|at| self.quantiles.get(at)), self.quantiles.get(below)) {
            (None, _) => 0.0,
            (_, None) => 1.0,
            (Some(low), Some(high)) => {
                let part = ((amount - low) / (high - low)).try_into().unwrap_or(0.5_f64);
                (f64::from(u32::try_from(below * Self::STEP).unwrap_or(100)) + 5.0 * part) / 100.0
            }
        };
        (1.0 - share).clamp(0.02, 0.98)
    }

    /// The day on which the expected total reaches `amount`; none if that is after the month.
    #[must_use]
    pub fn run_out(&self, amount: Decimal) -> Option<NaiveDate> {
        self.days.iter().find(|day| day.total >= amount).map(|day| day.day)
    }

    /// Why no single figure should be trusted here, in one plain sentence; none where the past was regular enough.
    #[must_use]
    pub fn irregular(&self) -> Option<String> {
        if self.expected == self.spent { None } else { irregular(self.past, self.basis.roughness) }
    }
}

/// Mean absolute error in percent from which on a single figure misleads.
const TOO_FAR_OFF: f64 = 50.0;

fn irregular(past: Option<PastError>, roughness: Option<f64>) -> Option<String> {
    if let Some(past) = past.filter(|past| past.percent > TOO_FAR_OFF) {
        return Some(format!(
            "Too irregular to forecast: past forecasts were off by {:.0} % on average. Read the band, not the line.",
            past.percent
        ));
    }
    let roughness = roughness.filter(|roughness| Steadiness::of(*roughness) == Steadiness::Wild)?;
    Some(format!(
        "Too irregular to forecast: a day differs from the same weekday a week before by {:.0} % of a mean day. Read the band, not the line.",
        roughness * 100.0
    ))
}

/// Forecasts the end of today's month.
///
/// `own` is the back-test of `series`; `peers` are those of the organization's other projects, which widen or narrow the band where they are about as steady.
#[must_use]
pub fn month_end(series: &Series, own: &BackTest, peers: &[&BackTest]) -> Forecast {
    month_end_with(series, own, peers, &SHIPPED)
}

/// The same without the days, at a small part of the cost: for lists.
///
/// # Errors
/// [`TooLittle`] history.
pub fn month_total(series: &Series, own: &BackTest, peers: &[&BackTest]) -> Result<MonthTotal, TooLittle> {
    let at = MonthProgress::of(series)?;
    let rest: Decimal = series.ahead(at.remaining).into_iter().map(round_line).sum();
    let (low, high) = ends(&own.ratios(at.remaining, peers, &SHIPPED));
    let past = own.past_error(at.elapsed, at.remaining);
    let roughness = Some(own.roughness()).filter(|roughness| roughness.is_finite() && !rest.is_zero());
    Ok(MonthTotal {
        expected: at.spent + rest,
        low80: at.spent + times(rest, low),
        high80: at.spent + times(rest, high),
        past,
        irregular: if rest.is_zero() { None } else { irregular(past, roughness) },
    })
}

pub(super) fn month_end_with(series: &Series, own: &BackTest, peers: &[&BackTest], prior: &Prior) -> Forecast {
    let MonthProgress { month, spent, remaining, elapsed } = match MonthProgress::of(series) {
        Ok(standing) => standing,
        Err(too_little) => return Forecast::TooLittle(too_little),
    };
    let ahead = Ahead::new(series.ahead(remaining), own, peers, prior);
    let rest = ahead.rest();
    let band = ahead.band();
    let last = band.last().copied().unwrap_or((Decimal::ZERO, Decimal::ZERO));
    let ratios = own.ratios(remaining, peers, prior);
    let quantile = |percent: usize| {
        let ratio = ratios.quantile(f64::from(u32::try_from(percent).unwrap_or(50)) / 100.0);
        spent + times(rest, ratio)
    };
    Forecast::MonthEnd(Box::new(MonthEndForecast {
        month,
        today: series.today(),
        spent,
        estimate: series.estimate(),
        expected: spent + rest,
        low80: spent + last.0,
        high80: spent + last.1,
        quantiles: (1..20).map(|step| quantile(step * MonthEndForecast::STEP)).collect(),
        past: own.past_error(elapsed, remaining),
        basis: basis(own, peers, remaining),
        days: ahead.days(series, &band, month),
    }))
}

/// Where the month stands.
struct MonthProgress {
    month: Period,
    spent: Decimal,
    /// Days to come, today included.
    remaining: usize,
    /// Days that are over.
    elapsed: usize,
}

impl MonthProgress {
    fn of(series: &Series) -> Result<Self, TooLittle> {
        let month = Period::month_of(series.today());
        let spent: Decimal = series.month_to_date().iter().map(|(_, spend)| spend).sum();
        let days_of_history = u32::try_from(series.days_of_history()).unwrap_or(u32::MAX);
        if days_of_history < MIN_DAYS {
            return Err(TooLittle { spent, estimate: series.estimate(), days_of_history, days_needed: MIN_DAYS });
        }
        Ok(Self {
            month,
            spent,
            remaining: usize::try_from((month.to - series.today()).num_days()).unwrap_or(1),
            elapsed: series.month_to_date().len() - 1,
        })
    }
}

/// Ratios at the ends of the 80 % band. A forecast is inside its own band, also where the past was always above or below it.
fn ends(ratios: &Ratios) -> (f64, f64) {
    (ratios.quantile(0.1).clamp(0.0, 1.0), ratios.quantile(0.9).max(1.0))
}

fn basis(own: &BackTest, peers: &[&BackTest], remaining: usize) -> Basis {
    let tests = |back_test: &BackTest| u32::try_from(back_test.at(remaining).len()).unwrap_or(u32::MAX);
    let alike = peers.iter().filter(|peer| peer.steadiness() == own.steadiness());
    Basis {
        own: tests(own),
        peers: alike.map(|peer| tests(peer)).sum(),
        steadiness: own.steadiness(),
        roughness: Some(own.roughness()).filter(|roughness| roughness.is_finite()),
    }
}

/// The days from today on.
struct Ahead {
    expected: Vec<Decimal>,
    /// Lower and upper ratio of the sum of the first `index + 1` days.
    sums: Vec<(f64, f64)>,
}

impl Ahead {
    fn new(expected: Vec<Decimal>, own: &BackTest, peers: &[&BackTest], prior: &Prior) -> Self {
        let sums = (1..=expected.len()).map(|horizon| ends(&own.ratios(horizon, peers, prior))).collect();
        Self { expected: expected.into_iter().map(round_line).collect(), sums }
    }

    fn rest(&self) -> Decimal {
        self.expected.iter().sum()
    }

    /// Band of what is still to be spent up to the end of each day, rising: a day adds nothing negative, so no bound lies above a later one.
    fn band(&self) -> Vec<(Decimal, Decimal)> {
        let mut sum = Decimal::ZERO;
        let mut band: Vec<(Decimal, Decimal)> = self
            .expected
            .iter()
            .zip(&self.sums)
            .map(|(day, (low, high))| {
                sum += day;
                (times(sum, *low), times(sum, *high))
            })
            .collect();
        let mut after = band.last().copied().unwrap_or_default();
        for bound in band.iter_mut().rev() {
            *bound = (bound.0.min(after.0), bound.1.min(after.1));
            after = *bound;
        }
        band
    }

    fn days(&self, series: &Series, band: &[(Decimal, Decimal)], month: Period) -> Vec<ForecastDay> {
        let one_day = self.sums.first().copied().unwrap_or((1.0, 1.0));
        let (past, today) = match series.month_to_date() {
            [past @ .., (_, today)] => (past, *today),
            [] => (&[][..], Decimal::ZERO),
        };
        let mut total = Decimal::ZERO;
        let mut days: Vec<ForecastDay> = past
            .iter()
            .map(|(day, spend)| {
                total += spend;
                ForecastDay::over(*day, *spend, series.estimated(*day), total)
            })
            .collect();
        let spent = total + today;
        let mut expected_total = spent;
        let ahead = month.iter().skip(days.len()).zip(self.expected.iter().zip(band)).enumerate();
        for (index, (day, (expected, (low, high)))) in ahead {
            let already = if index == 0 { today } else { Decimal::ZERO };
            expected_total += expected;
            days.push(ForecastDay {
                day,
                spent: (index == 0).then_some(today),
                estimated: if index == 0 { series.estimated(day) } else { Decimal::ZERO },
                expected: already + expected,
                low80: already + times(*expected, one_day.0),
                high80: already + times(*expected, one_day.1),
                total: expected_total,
                total_low80: spent + low,
                total_high80: spent + high,
            });
        }
        days
    }
}

impl ForecastDay {
    /// A day that is over: nothing is uncertain about it.
    const fn over(day: NaiveDate, spend: Decimal, estimated: Decimal, total: Decimal) -> Self {
        Self {
            day,
            spent: Some(spend),
            estimated,
            expected: spend,
            low80: spend,
            high80: spend,
            total,
            total_low80: total,
            total_high80: total,
        }
    }
}

/// An amount times a ratio: the only place where an estimate meets money. Cut to a receipt line's places; an amount too large to multiply stays as it is.
fn times(amount: Decimal, ratio: f64) -> Decimal {
    let ratio = Decimal::try_from(ratio).unwrap_or(Decimal::ONE).round_dp(6);
    amount.checked_mul(ratio).map_or(amount, round_line)
}
