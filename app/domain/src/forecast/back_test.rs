//! The rule applied to the past: how far off would it have been?

use super::past::{PastError, Steadiness};
use super::prior::{self, Prior};
use super::ratios::Ratios;
use super::series::Series;
use super::{MAX_HORIZON, RULE_DAYS};

/// Mean absolute difference to the same weekday a week before, as a share of the mean day, over the last four weeks.
pub(super) fn roughness(days: &[f64]) -> f64 {
    let recent = days.get(days.len().saturating_sub(RULE_DAYS)..).unwrap_or_default();
    let weeks = recent.iter().zip(recent.iter().skip(7));
    let pairs = recent.len().saturating_sub(7);
    let difference: f64 = weeks.map(|(before, after)| (after - before).abs()).sum();
    let sum: f64 = recent.iter().sum();
    if sum <= 0.0 || pairs == 0 {
        return f64::INFINITY;
    }
    (difference / count(pairs)) / (sum / count(recent.len()))
}

/// Every past forecast of a scope, at every number of days ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct BackTest {
    days: Vec<f64>,
    roughness: f64,
    /// Actual / forecast of the sum of the next `index + 1` days, one per day of the past that had four weeks before it.
    ratios: Vec<Vec<f64>>,
}

impl BackTest {
    /// Forecasts the past of a scope from each of its days.
    #[must_use]
    pub fn of(series: &Series) -> Self {
        Self::of_days(series.floats())
    }

    pub(super) fn of_days(days: Vec<f64>) -> Self {
        let mut ratios = vec![Vec::new(); MAX_HORIZON];
        for origin in RULE_DAYS..days.len() {
            for (ratio, ratios) in forward(&days, origin).zip(&mut ratios) {
                ratios.extend(ratio);
            }
        }
        Self { roughness: roughness(&days), days, ratios }
    }

    /// How steady the last four weeks were.
    #[must_use]
    pub fn steadiness(&self) -> Steadiness {
        Steadiness::of(self.roughness)
    }

    /// Difference to the same weekday a week before as a share of the mean day; infinite without spend.
    #[must_use]
    pub const fn roughness(&self) -> f64 {
        self.roughness
    }

    /// Back-tests of a horizon in days.
    pub(super) fn at(&self, horizon: usize) -> &[f64] {
        horizon.checked_sub(1).and_then(|index| self.ratios.get(index)).map_or(&[], Vec::as_slice)
    }

    /// Number of spans of `horizon` days that fit beside each other into the back-tested days: overlapping ones say the same thing twice.
    fn spans(&self, horizon: usize) -> f64 {
        match self.at(horizon).len() {
            0 => 0.0,
            tests => count(tests + horizon - 1) / count(horizon.max(1)),
        }
    }

    /// The ratios that a band over the next `horizon` days rests on.
    ///
    /// A split-conformal sample: the shipped table weighs as much as four spans.
    /// Own back-tests weigh a quarter of the square of their spans: next to nothing beside the table in the first months, nearly everything after a year.
    /// Other projects of the same steadiness weigh half a span for each of theirs.
    /// These weights are the ones that brought the coverage nearest to 80 % on both measured data sets (see `measured`).
    pub(super) fn ratios(&self, horizon: usize, peers: &[&Self], prior: &Prior) -> Ratios {
        let steadiness = self.steadiness();
        let shipped = prior::at(prior, steadiness, horizon);
        let mut sample: Vec<(f64, f64)> =
            shipped.iter().map(|ratio| (*ratio, PRIOR_SPANS / count(shipped.len()))).collect();
        let own = self.spans(horizon);
        weigh(&mut sample, self.at(horizon), own * own / 4.0);
        for peer in peers.iter().filter(|peer| peer.steadiness() == steadiness) {
            weigh(&mut sample, peer.at(horizon), peer.spans(horizon) / 2.0);
        }
        Ratios::new(sample)
    }

    /// Mean absolute error of a span's total, forecast when `elapsed` of its days were over and `remaining` were not.
    pub(super) fn past_error(&self, elapsed: usize, remaining: usize) -> Option<PastError> {
        let sum_before: Vec<f64> = std::iter::once(0.0).chain(running_sums(&self.days)).collect();
        let between = |from: usize, to: usize| Some(sum_before.get(to)? - sum_before.get(from)?);
        let (mut tests, mut rule, mut run_rate) = (0_u32, 0.0, 0.0);
        for origin in RULE_DAYS.max(elapsed)..(self.days.len() + 1).saturating_sub(remaining) {
            let spent = between(origin - elapsed, origin).unwrap_or_default();
            let total = spent + between(origin, origin + remaining).unwrap_or_default();
            if total <= 0.0 {
                continue;
            }
            let week = weekday_means(&self.days, origin);
            let forecast: f64 = week.iter().cycle().take(remaining).sum();
            tests += 1;
            rule += ((spent + forecast) - total).abs() / total;
            run_rate += (spent / count(elapsed.max(1)) * count(elapsed + remaining) - total).abs() / total;
        }
        let percent = |sum: f64| 100.0 * sum / f64::from(tests);
        (tests > 0).then(|| PastError {
            percent: percent(rule),
            run_rate_percent: (elapsed > 0).then(|| percent(run_rate)),
            back_tests: tests,
        })
    }
}

/// Spans that the shipped table counts for.
const PRIOR_SPANS: f64 = 4.0;

fn weigh(sample: &mut Vec<(f64, f64)>, ratios: &[f64], weight: f64) {
    let each = weight / count(ratios.len().max(1));
    sample.extend(ratios.iter().map(|ratio| (*ratio, each)));
}

fn running_sums(days: &[f64]) -> impl Iterator<Item = f64> {
    days.iter().scan(0.0, |sum, day| {
        *sum += day;
        Some(*sum)
    })
}

/// Actual / forecast of the sums of the next one, two, … days; none where nothing was forecast.
pub(super) fn forward(days: &[f64], origin: usize) -> impl Iterator<Item = Option<f64>> {
    let week = weekday_means(days, origin);
    let sums = move |(actual, forecast): &mut (f64, f64), (index, day): (usize, &f64)| {
        *actual += day;
        *forecast += week.get(index % 7).copied().unwrap_or_default();
        Some((*forecast > 0.0).then(|| *actual / *forecast))
    };
    days.get(origin..).unwrap_or_default().iter().enumerate().scan((0.0, 0.0), sums)
}

/// The rule at a day of the past: the mean of the last four of each weekday, from the weekday of `origin` on.
fn weekday_means(days: &[f64], origin: usize) -> [f64; 7] {
    let mut means = [0.0; 7];
    let before = days.get(origin.saturating_sub(RULE_DAYS)..origin).unwrap_or_default();
    for (index, day) in before.iter().enumerate() {
        if let Some(mean) = means.get_mut(index % 7) {
            *mean += day / 4.0;
        }
    }
    means
}

/// A small count as a floating-point number.
const fn count(n: usize) -> f64 {
    n as f64
}
