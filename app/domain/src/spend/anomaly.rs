//! Days on which a project spent far more than it usually does, and projects that have gone quiet.
//!
//! What is usual follows from the project's own past, by weekday: nothing is fitted, so the rule can be checked by hand.

use super::Dimension;
use crate::period::Period;
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeMap;

/// Days that are looked at, up to and including today.
pub const LOOKBACK_DAYS: u64 = 14;
/// The same weekday of so many weeks before a day says what is usual.
const WEEKS: u64 = 8;
/// With fewer such days nothing is usual yet.
const MIN_WEEKS: usize = 4;
/// An unusual day costs at least so many times what is usual.
const MIN_FACTOR: Decimal = Decimal::TWO;
/// Its excess is at least so many standard deviations, estimated from the median absolute deviation.
const MIN_DEVIATIONS: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
/// Median absolute deviations of a normal distribution are so much smaller than its standard deviation: 1.4826.
const TO_DEVIATION: Decimal = Decimal::from_parts(14_826, 0, 0, false, 4);
/// Its excess is at least so much, in USD: less is worth nobody's look.
const MIN_EXCESS: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
/// A value explains an increase if it is at least this share of it.
const MIN_SHARE: f64 = 0.5;
/// And so much more than its usual share of spend: what is always most of it explains nothing.
const MIN_LIFT: f64 = 0.2;
/// What is named as cause at most: a key and its model, say.
const MAX_CAUSES: usize = 2;
/// A project that sent something on each of so many days is missed when it stops.
const STEADY_DAYS: u64 = 28;
/// It has gone quiet after so many hours without an event.
const QUIET_HOURS: i64 = 24;

/// The days whose spend [`unusual_days`] and [`is_quiet`] want to know: those looked at, and their past.
#[must_use]
pub fn days_needed(today: NaiveDate) -> Period {
    Period::last_days(today, LOOKBACK_DAYS + 7 * WEEKS)
}

/// A day that cost far more than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusualDay {
    /// Which day.
    pub day: NaiveDate,
    /// What it cost, in USD.
    pub spend: Decimal,
    /// The median of the same weekday over the 8 weeks before, in USD.
    pub usual: Decimal,
}

impl UnusualDay {
    /// What it cost beyond what is usual, in USD.
    #[must_use]
    pub fn excess(&self) -> Decimal {
        self.spend - self.usual
    }

    /// How many times what is usual; none where nothing is.
    #[must_use]
    pub fn factor(&self) -> Option<f64> {
        self.spend.checked_div(self.usual)?.to_f64()
    }
}

/// The unusual days among the last [`LOOKBACK_DAYS`], in order, from what a project spent on each day on which it spent anything.
///
/// A day is unusual if it costs at least twice the median of the same weekday over the 8 weeks before it, and its excess is at least $5 and at least 5 standard deviations, estimated by the median absolute deviation of these days. Days before the project's first do not count; with fewer than 4 such days there is no rule. Today counts with what it has cost so far.
#[must_use]
pub fn unusual_days(spend: &BTreeMap<NaiveDate, Decimal>, today: NaiveDate) -> Vec<UnusualDay> {
    let Some(first) = spend.keys().next() else { return Vec::new() };
    let on = |day: NaiveDate| spend.get(&day).copied().unwrap_or_default();
    let judge = |day: NaiveDate| {
        let past: Vec<_> = (1..=WEEKS)
            .filter_map(|weeks| day.checked_sub_days(Days::new(7 * weeks)))
            .filter(|day| day >= first)
            .map(on)
            .collect();
        if past.len() < MIN_WEEKS {
            return None;
        }
        let usual = median(past.clone());
        let deviation = median(past.iter().map(|spend| (spend - usual).abs()).collect()) * TO_DEVIATION;
        let found = UnusualDay { day, spend: on(day), usual };
        let is_unusual = found.excess() >= MIN_EXCESS.max(MIN_DEVIATIONS * deviation);
        (is_unusual && found.spend >= MIN_FACTOR * usual).then_some(found)
    };
    Period::last_days(today, LOOKBACK_DAYS).iter().filter_map(judge).collect()
}

/// Whether a project that sent something on each of the 28 days up to its newest event has sent nothing for 24 hours; `days` are those on which it sent anything.
#[must_use]
pub fn is_quiet(days: &BTreeMap<NaiveDate, Decimal>, newest: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let Some((last, _)) = days.last_key_value() else { return false };
    now - newest >= Duration::hours(QUIET_HOURS)
        && Period::last_days(*last, STEADY_DAYS).iter().all(|day| days.contains_key(&day))
}

/// What a project usually spends a day, in USD: the median of its last 28 days with events.
#[must_use]
pub fn usual_day(days: &BTreeMap<NaiveDate, Decimal>) -> Decimal {
    let steady = usize::try_from(STEADY_DAYS).unwrap_or(usize::MAX);
    median(days.values().rev().take(steady).copied().collect())
}

/// What a value of a dimension cost on an unusual day, and on a day before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The value as filters take it; none means missing.
    pub value: Option<String>,
    /// On the day, in USD.
    pub spend: Decimal,
    /// On an average day of the 4 weeks before, in USD.
    pub before: Decimal,
}

impl Contribution {
    fn increase(&self) -> Decimal {
        self.spend - self.before
    }
}

/// What explains an unusual day.
#[derive(Clone, Debug, PartialEq)]
pub struct AnomalyCause {
    /// Of which dimension.
    pub dimension: Dimension,
    /// The value as filters take it.
    pub value: String,
    /// What people call it: an API key has a name of its own.
    pub name: String,
    /// Its share of the increase, 0 to 1.
    pub share: f64,
}

/// The values that explain an unusual day: of each dimension the one with the largest part of the increase, if that is at least half of it and a fifth more than its usual share. The largest share comes first, and of equals the dimension that was named first; at most two.
///
/// A dimension that has one value says nothing, and a missing value is no cause.
#[must_use]
pub fn causes(dimensions: Vec<(Dimension, Vec<Contribution>)>) -> Vec<AnomalyCause> {
    let largest = |(dimension, values): (Dimension, Vec<Contribution>)| {
        let increase: Decimal = values.iter().map(Contribution::increase).sum();
        let before: Decimal = values.iter().map(|value| value.before).sum();
        let top = values.iter().max_by_key(|value| value.increase()).filter(|_| values.len() > 1)?;
        let share = top.increase().checked_div(increase)?.to_f64()?.min(1.0);
        let usual = top.before.checked_div(before).and_then(|usual| usual.to_f64()).unwrap_or_default();
        let value = top.value.clone()?;
        Some(AnomalyCause { dimension, name: value.clone(), value, share })
            .filter(|cause| cause.share >= MIN_SHARE && cause.share - usual >= MIN_LIFT)
    };
    let mut causes: Vec<_> = dimensions.into_iter().filter_map(largest).collect();
    causes.sort_by(|left, right| right.share.total_cmp(&left.share));
    causes.truncate(MAX_CAUSES);
    causes
}

/// The middle of some values; of an even number the mean of the two in the middle.
fn median(mut values: Vec<Decimal>) -> Decimal {
    values.sort_unstable();
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(value), 1) => *value,
        (Some(value), _) => (value + values[middle - 1]) / Decimal::TWO,
        (None, _) => Decimal::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const TODAY: &str = "2026-11-23";

    /// Weekdays at $20 and a bit, weekends at $2, up to and including today.
    fn steady() -> BTreeMap<NaiveDate, Decimal> {
        let of = |(index, day): (usize, NaiveDate)| {
            let base = if index % 7 < 5 { 200 } else { 20 };
            (day, Decimal::new(base + i64::try_from(index / 7 % 3).unwrap(), 1))
        };
        Period::new(day("2026-09-14"), day("2026-11-24")).unwrap().iter().enumerate().map(of).collect()
    }

    fn with(mut days: BTreeMap<NaiveDate, Decimal>, at: &str, spend: i64) -> BTreeMap<NaiveDate, Decimal> {
        days.insert(day(at), spend.into());
        days
    }

    #[test]
    fn a_saturday_is_compared_with_saturdays() {
        assert_eq!(unusual_days(&steady(), day(TODAY)), []);
        // What a Monday costs is unusual on a Saturday, and only there.
        let found = unusual_days(&with(steady(), "2026-11-21", 28), day(TODAY));
        assert_eq!(found.iter().map(|found| found.day).collect::<Vec<_>>(), [day("2026-11-21")]);
        assert_eq!((found[0].usual, found[0].excess()), (Decimal::new(21, 1), Decimal::new(259, 1)));
        assert!((found[0].factor().unwrap() - 13.3).abs() < 0.1);
        assert_eq!(unusual_days(&with(steady(), "2026-11-20", 28), day(TODAY)), []);
    }

    #[test]
    fn small_money_noise_and_a_short_past_are_not_unusual() {
        assert_eq!(unusual_days(&with(steady(), "2026-11-21", 7), day(TODAY)), [], "not $5 more");
        let mut wild = steady();
        for (weeks, spend) in [(1, 60), (2, 3), (3, 45), (4, 80), (5, 2), (6, 30)] {
            wild.insert(day("2026-11-18") - Days::new(7 * weeks), spend.into());
        }
        assert_eq!(unusual_days(&with(wild, "2026-11-18", 90), day(TODAY)), [], "its Wednesdays are like that");
        let young = steady().split_off(&day("2026-11-01"));
        assert_eq!(unusual_days(&with(young, "2026-11-21", 500), day(TODAY)), [], "three Saturdays");
    }

    #[test]
    fn days_without_spend_count_as_zero_and_old_days_are_history() {
        let only_mondays: BTreeMap<_, _> =
            steady().into_iter().filter(|(day, _)| (*day - self::day("2026-09-14")).num_days() % 7 == 0).collect();
        let found = unusual_days(&with(only_mondays, "2026-11-22", 40), day(TODAY));
        assert_eq!((found.len(), found[0].factor()), (1, None));
        assert_eq!(unusual_days(&with(steady(), "2026-11-09", 500), day(TODAY)), []);
        assert_eq!(unusual_days(&with(steady(), "2026-11-10", 500), day(TODAY)).len(), 1);
        assert_eq!(unusual_days(&BTreeMap::new(), day(TODAY)), []);
    }

    #[test]
    fn only_a_project_that_always_sends_is_missed() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let mut days = steady();
        days.retain(|day, _| *day <= self::day("2026-11-21"));
        assert!(is_quiet(&days, at("2026-11-21T20:00:00Z"), at("2026-11-23T09:00:00Z")));
        assert!(!is_quiet(&days, at("2026-11-22T10:00:00Z"), at("2026-11-23T09:00:00Z")), "not a day yet");
        assert_eq!(usual_day(&days), Decimal::new(200, 1));
        days.remove(&day("2026-11-02"));
        assert!(!is_quiet(&days, at("2026-11-21T20:00:00Z"), at("2026-11-23T09:00:00Z")), "it pauses now and then");
        assert!(!is_quiet(&BTreeMap::new(), at("2026-11-21T20:00:00Z"), at("2026-11-23T09:00:00Z")));
    }

    fn part(value: &str, spend: i64, before: i64) -> Contribution {
        let value = Some(value.to_owned()).filter(|value| !value.is_empty());
        Contribution { value, spend: spend.into(), before: before.into() }
    }

    #[test]
    fn the_cause_is_what_most_of_the_increase_came_by() {
        let found = causes(vec![
            (Dimension::ApiKey, vec![part("ci", 400, 1), part("web", 40, 39)]),
            (Dimension::Feature, vec![part("a", 220, 20), part("b", 130, 10), part("c", 90, 10)]),
            (Dimension::Customer, vec![part("", 400, 1), part("acme", 40, 39)]),
            (Dimension::Model, vec![part("sonnet", 360, 20), part("haiku", 80, 20)]),
        ]);
        let said: Vec<_> = found.iter().map(|cause| (cause.dimension.clone(), cause.value.as_str())).collect();
        assert_eq!(said, [(Dimension::ApiKey, "ci"), (Dimension::Model, "sonnet")]);
        assert!((found[0].share - 0.9975).abs() < 0.001);
        assert_eq!(causes(vec![(Dimension::ApiKey, vec![part("only", 400, 1)])]), [], "there is no other");
        assert_eq!(causes(vec![(Dimension::ApiKey, vec![part("a", 1, 1), part("b", 1, 1)])]), []);
        let usual = vec![part("acme", 400, 40), part("globex", 1, 1)];
        assert_eq!(causes(vec![(Dimension::Customer, usual)]), [], "acme is always nearly all of it");
    }

    proptest! {
        #[test]
        fn more_on_a_day_never_makes_it_usual(spend in 0_i64..500, more in 0_i64..500) {
            let found = |spend| !unusual_days(&with(steady(), "2026-11-21", spend), day(TODAY)).is_empty();
            prop_assert!(!found(spend) || found(spend + more));
        }

        #[test]
        fn the_median_lies_between_as_many(values in prop::collection::vec(-50_i64..50, 1..12)) {
            let middle = median(values.iter().copied().map(Decimal::from).collect());
            let below = values.iter().filter(|value| Decimal::from(**value) < middle).count();
            let above = values.iter().filter(|value| Decimal::from(**value) > middle).count();
            prop_assert!(below <= values.len() / 2 && above <= values.len() / 2);
        }
    }
}
