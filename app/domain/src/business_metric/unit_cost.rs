//! What a unit costs: spend of the days that have values, over these values.

use super::MetricValue;
use crate::period::Period;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Labels that values must have.
pub type Selection = BTreeMap<String, String>;

/// The values that answer a question, by their days, which do not overlap.
///
/// A label that no value has narrows nothing here; of one that any value has, only values with it count. Of these, those with the fewest further labels count for their days, so that a total that was sent beside its parts is not counted twice. Values for shorter spans go before those for longer ones that overlap them.
#[must_use]
pub fn selected(values: &[MetricValue], wanted: &Selection) -> Vec<(Period, Decimal)> {
    let known: BTreeSet<&String> = values.iter().flat_map(|value| value.labels.keys()).collect();
    let fits = |value: &&MetricValue| {
        wanted.iter().all(|(name, is)| !known.contains(name) || value.labels.get(name) == Some(is))
    };
    let rank = |value: &MetricValue| {
        let further: Vec<String> = value.labels.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        (further.len(), further)
    };
    let mut by_days: BTreeMap<(i64, NaiveDate), Vec<&MetricValue>> = BTreeMap::new();
    for value in values.iter().filter(fits) {
        by_days.entry((value.period.days(), value.period.from)).or_default().push(value);
    }
    let mut taken: Vec<(Period, Decimal)> = Vec::new();
    for candidates in by_days.into_values() {
        let Some(best) = candidates.iter().map(|value| rank(value)).min() else { continue };
        let Some(period) = candidates.first().map(|value| value.period) else { continue };
        if taken.iter().any(|(other, _)| other.from < period.to && period.from < other.to) {
            continue;
        }
        let sum = candidates.iter().filter(|value| rank(value) == best).map(|value| value.value).sum();
        taken.push((period, sum));
    }
    taken.sort_by_key(|(period, _)| period.from);
    taken
}

/// What the units of a span cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitCost {
    /// The span.
    pub span: Period,
    /// Days of it that have values.
    pub days: i64,
    /// Spend of these days, in US dollars.
    pub spend: Decimal,
    /// The values.
    pub value: Decimal,
}

impl UnitCost {
    /// Dollars for one unit; none where there was no unit.
    #[must_use]
    pub fn per_unit(&self) -> Option<Decimal> {
        self.spend.checked_div(self.value).map(crate::money::round_line)
    }

    /// What is left of revenue, where the values are dollars.
    #[must_use]
    pub fn margin(&self) -> Decimal {
        self.value - self.spend
    }

    /// The margin as a part of revenue; none without revenue.
    #[must_use]
    pub fn margin_ratio(&self) -> Option<f64> {
        crate::format::ratio(self.margin(), self.value)
    }
}

/// Unit costs of some spans, each with only those days of it that have values; a span without any is a gap, never a zero.
#[must_use]
pub fn unit_costs(
    spans: &[Period],
    values: &[(Period, Decimal)],
    spend: &BTreeMap<NaiveDate, Decimal>,
) -> Vec<Option<UnitCost>> {
    let of = |span: &Period| {
        let within = values.iter().filter(|(days, _)| span.from <= days.from && days.to <= span.to);
        let mut found: Option<UnitCost> = None;
        for (days, value) in within {
            let cost =
                found.get_or_insert(UnitCost { span: *span, days: 0, spend: Decimal::ZERO, value: Decimal::ZERO });
            cost.days += days.days();
            cost.value += *value;
            cost.spend += spend.range(days.from..days.to).map(|(_, spent)| *spent).sum::<Decimal>();
        }
        found
    };
    spans.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 1).unwrap() + chrono::TimeDelta::days(number)
    }

    fn days(from: i64, count: i64) -> Period {
        Period::new(day(from), day(from + count)).unwrap()
    }

    fn value(from: i64, count: i64, labels: &[(&str, &str)], value: i64) -> MetricValue {
        let labels = labels.iter().map(|(name, is)| ((*name).to_owned(), (*is).to_owned())).collect();
        MetricValue { period: days(from, count), labels, value: Decimal::from(value) }
    }

    fn wanted(labels: &[(&str, &str)]) -> Selection {
        value(0, 1, labels, 0).labels
    }

    fn sum(values: &[MetricValue], labels: &[(&str, &str)]) -> Vec<(i64, i64)> {
        let plain = |(period, sum): (Period, Decimal)| {
            ((period.from - day(0)).num_days(), i64::try_from(sum.trunc().mantissa()).unwrap())
        };
        selected(values, &wanted(labels)).into_iter().map(plain).collect()
    }

    #[test]
    fn a_total_beside_its_parts_is_not_counted_twice() {
        let (a, b) = (("project", "a"), ("project", "b"));
        let values = [
            value(0, 1, &[], 100),
            value(0, 1, &[a], 60),
            value(0, 1, &[b], 40),
            value(1, 1, &[a], 7),
            value(1, 1, &[b], 8),
            value(2, 1, &[a, ("customer", "x")], 3),
        ];
        assert_eq!(sum(&values, &[]), [(0, 100), (1, 15), (2, 3)]);
        assert_eq!(sum(&values, &[a]), [(0, 60), (1, 7), (2, 3)]);
        assert_eq!(sum(&values, &[("customer", "x")]), [(2, 3)], "what does not say whose it is is nobody's");
        assert_eq!(sum(&values, &[("customer", "y")]), []);
        assert_eq!(sum(&values, &[("team", "growth")]), [(0, 100), (1, 15), (2, 3)], "no value knows teams");
    }

    #[test]
    fn values_of_days_go_before_one_of_their_month() {
        let values = [value(0, 30, &[], 900), value(3, 1, &[], 5), value(40, 7, &[], 70)];
        assert_eq!(sum(&values, &[]), [(3, 5), (40, 70)]);
    }

    #[test]
    fn days_without_values_are_gaps() {
        let spend: BTreeMap<NaiveDate, Decimal> = (0..10).map(|at| (day(at), Decimal::from(at))).collect();
        let values = [(days(1, 1), Decimal::from(2)), (days(3, 1), Decimal::ZERO), (days(5, 2), Decimal::from(11))];
        let each: Vec<Period> = (0..8).map(|at| days(at, 1)).collect();
        let costs = unit_costs(&each, &values, &spend);
        let told: Vec<Option<Option<Decimal>>> =
            costs.iter().map(|cost| cost.as_ref().map(UnitCost::per_unit)).collect();
        assert_eq!(told[..4], [None, Some(Some(Decimal::new(5, 1))), None, Some(None)]);
        assert_eq!(told[4..], [None, None, None, None], "a value for two days is of no one of them");
        let whole = unit_costs(&[days(0, 10)], &values, &spend)[0].unwrap();
        assert_eq!((whole.days, whole.spend, whole.value), (4, Decimal::from(15), Decimal::from(13)));
        let revenue = unit_costs(&[days(5, 2)], &[(days(5, 2), Decimal::from(44))], &spend)[0].unwrap();
        assert_eq!((revenue.margin(), revenue.margin_ratio()), (Decimal::from(33), Some(0.75)));
    }

    proptest! {
        /// Chosen values never overlap, and every day of spend counts once at most.
        #[test]
        fn chosen_values_do_not_overlap(
            values in prop::collection::vec((0_i64..40, 1_i64..12, 0_u8..3, 0_i64..100), 0..20), cut in 1_i64..50,
        ) {
            let names = [vec![], vec![("project", "a")], vec![("project", "b"), ("customer", "x")]];
            let values: Vec<MetricValue> = values.iter()
                .map(|(from, count, labels, number)| value(*from, *count, &names[usize::from(*labels)], *number))
                .collect();
            let chosen = selected(&values, &Selection::new());
            prop_assert!(chosen.is_sorted_by(|(one, _), (next, _)| one.to <= next.from));
            let spend: BTreeMap<NaiveDate, Decimal> = (0..60).map(|at| (day(at), Decimal::ONE)).collect();
            let halves = unit_costs(&[days(0, cut), days(cut, 60 - cut)], &chosen, &spend);
            for cost in halves.into_iter().flatten() {
                prop_assert_eq!(cost.spend, Decimal::from(cost.days));
                prop_assert!(cost.days <= cost.span.days());
            }
        }
    }
}
