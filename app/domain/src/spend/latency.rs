//! How long calls took: counted by classes of time, which add up over series and days, and from which percentiles follow.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Classes per doubling of the time.
const STEPS: u32 = 16;
/// Times below it have a class of their own.
const EXACT: u32 = 2 * STEPS;

/// The class of a time in milliseconds: each below 32 ms has its own, longer ones share sixteen to every doubling, so that no time is more than a thirty-second part (3.2 %) from the middle of its class.
#[must_use]
pub fn latency_class(millis: u64) -> i32 {
    let millis = u32::try_from(millis).unwrap_or(u32::MAX);
    if millis < EXACT {
        return millis.cast_signed();
    }
    let shift = millis.ilog2() - STEPS.ilog2();
    (shift * STEPS + (millis >> shift)).cast_signed()
}

/// The time in the middle of a class, in milliseconds.
fn middle_of(class: i32) -> Decimal {
    let class = u32::try_from(class).unwrap_or_default();
    if class < EXACT {
        return class.into();
    }
    let shift = class / STEPS - 1;
    let first = u64::from(class - shift * STEPS) << shift;
    (first + (1 << shift >> 1)).into()
}

/// How many calls took how long, by class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram(BTreeMap<i32, i64>);

impl Histogram {
    /// Adds calls of a class; below zero to take them away.
    pub fn count(&mut self, class: i32, calls: i64) {
        let sum = self.0.entry(class).or_default();
        *sum += calls;
        if *sum == 0 {
            self.0.remove(&class);
        }
    }

    /// Adds another's calls, or takes them away (`sign` −1).
    fn merge(&mut self, other: &Self, sign: i64) {
        other.0.iter().for_each(|(class, calls)| self.count(*class, sign * calls));
    }

    /// The time in milliseconds that so many percent of the calls did not exceed (nearest rank), to within 3.2 %; none without a call.
    #[must_use]
    pub fn percentile(&self, percent: i64) -> Option<Decimal> {
        let calls: i64 = self.0.values().sum();
        let rank = (calls * percent + 99) / 100;
        let mut below = 0;
        let reached = self.0.iter().find(|(_, calls)| {
            below += **calls;
            below >= rank
        });
        reached.filter(|_| calls > 0).map(|(class, _)| middle_of(*class))
    }
}

/// How long calls took until they were answered, and until the first token, of those that say so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies {
    /// Until the whole answer was there.
    pub responses: Histogram,
    /// Until its first token was.
    pub first_tokens: Histogram,
}

impl Latencies {
    /// Adds another's calls.
    pub fn add(&mut self, other: &Self) {
        self.merge(other, 1);
    }

    /// Takes another's calls away.
    pub fn subtract(&mut self, other: &Self) {
        self.merge(other, -1);
    }

    fn merge(&mut self, other: &Self, sign: i64) {
        self.responses.merge(&other.responses, sign);
        self.first_tokens.merge(&other.first_tokens, sign);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(times: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        times.iter().for_each(|millis| histogram.count(latency_class(*millis), 1));
        histogram
    }

    #[test]
    fn classes_follow_one_another_without_a_gap() {
        let classes: Vec<i32> = (0..100_000).map(latency_class).collect();
        assert!(classes.windows(2).all(|pair| pair[1] - pair[0] <= 1 && pair[0] <= pair[1]));
        assert_eq!([0, 31, 32, 33, 34].map(latency_class), [0, 31, 32, 32, 33]);
        assert_eq!(latency_class(u64::MAX), latency_class(u32::MAX.into()));
    }

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let times: Vec<u64> = (1..=20).collect();
        let percentile = |percent| of(&times).percentile(percent);
        assert_eq!([50, 95, 99, 100].map(percentile), [10, 19, 20, 20].map(|millis: i64| Some(millis.into())));
        assert_eq!(Histogram::default().percentile(50), None);
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_a_thirty_second_part(mut times in prop::collection::vec(0u64..4_000_000, 1..200), percent in 1i64..=100) {
            let found = of(&times).percentile(percent).unwrap();
            times.sort_unstable();
            let rank = (times.len() * usize::try_from(percent).unwrap()).div_ceil(100);
            let exact = Decimal::from(times[rank - 1]);
            prop_assert!((found - exact).abs() * Decimal::from(31) <= exact, "{found} for {exact}");
        }

        #[test]
        fn parts_add_up_and_what_is_taken_away_is_gone(one in prop::collection::vec(0u64..9_000, 0..50), other in prop::collection::vec(0u64..9_000, 0..50)) {
            let mut sum = Latencies { responses: of(&one), ..Latencies::default() };
            let added = Latencies { responses: of(&other), first_tokens: of(&one) };
            sum.add(&added);
            prop_assert_eq!(&sum.responses, &of(&[one.clone(), other].concat()));
            sum.subtract(&added);
            prop_assert_eq!(sum, Latencies { responses: of(&one), ..Latencies::default() });
        }
    }
}
