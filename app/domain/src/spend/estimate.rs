//! What unpriced usage is estimated to have cost: its quantities at the prices that the organization itself paid.

use super::ProjectDay;
use crate::format;
use crate::ids::ProjectId;
use crate::meter::Meter;
use crate::money::round_line;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::AddAssign;

/// The estimated part of a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Dollars that unpriced usage is estimated to have cost.
    pub amount: Decimal,
    /// Events without a price.
    pub events: i64,
    /// Dollars that they can have cost at most, by the price book; never below the amount.
    pub upper_bound: Decimal,
}

impl Estimate {
    /// Names what a sum contains: "includes $0.36 estimated for 60 unpriced events, at most $69.26"; none where every event has a price.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        if self.events == 0 && self.amount.is_zero() {
            return None;
        }
        let events = format::counted(self.events, "unpriced event");
        Some(if self.upper_bound.is_zero() {
            format!("counts {events} as $0")
        } else {
            let (amount, most) = (format::money(self.amount), format::money(self.upper_bound));
            format!("includes {amount} estimated for {events}, at most {most}")
        })
    }
}

impl AddAssign for Estimate {
    fn add_assign(&mut self, other: Self) {
        self.amount += other.amount;
        self.events += other.events;
        self.upper_bound += other.upper_bound;
    }
}

/// What a meter of a model cost the organization in a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidMeter {
    /// Who sells the model.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// `chat`, `embeddings` …
    pub operation: String,
    /// The meter.
    pub meter: Meter,
    /// Quantity of priced events.
    pub quantity: Decimal,
    /// Dollars, above zero.
    pub spend: Decimal,
}

/// What was used without a price, of one model by one project on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpricedUsage {
    /// The organization's day.
    pub day: NaiveDate,
    /// The project.
    pub project_id: ProjectId,
    /// Who sells the model.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// `chat`, `embeddings` …
    pub operation: String,
    /// Quantities by meter; empty where usage is unknown.
    pub meters: Vec<(Meter, Decimal)>,
    /// Dollars that it can have cost at most.
    pub upper_bound: Decimal,
}

impl UnpricedUsage {
    /// Dollars by the organization's own prices, at most the upper bound; the bound where one of the meters was never paid for.
    fn estimate(&self, paid: &PaidPrices) -> Decimal {
        let amount = |(meter, quantity): &(Meter, Decimal)| paid.price(self, *meter)?.checked_mul(*quantity);
        let own = || self.meters.iter().map(amount).try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount?));
        let known = (!self.meters.is_empty()).then(own).flatten();
        known.map_or(self.upper_bound, |own| round_line(own).min(self.upper_bound))
    }
}

/// How near what was paid is to what was used: empty words are not compared.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind<'a> {
    provider: &'a str,
    model: &'a str,
    operation: &'a str,
    meter: Meter,
}

/// The nearest first: the model itself, its provider for the same kind of operation, its provider, the kind of operation, everything.
fn kinds<'a>(provider: &'a str, model: &'a str, operation: &'a str, meter: Meter) -> [Kind<'a>; 5] {
    [(provider, model, ""), (provider, "", operation), (provider, "", ""), ("", "", operation), ("", "", "")]
        .map(|(provider, model, operation)| Kind { provider, model, operation, meter })
}

/// The effective prices per unit that an organization paid, the span that counts first in front.
#[derive(Debug, Default)]
pub struct PaidPrices<'a> {
    spans: Vec<HashMap<Kind<'a>, (Decimal, Decimal)>>,
}

impl<'a> PaidPrices<'a> {
    /// Sums what was paid in each span, such as the last 30 and the last 90 days.
    #[must_use]
    pub fn of(spans: &[&'a [PaidMeter]]) -> Self {
        let sums = |rows: &&'a [PaidMeter]| {
            let mut sums: HashMap<_, (Decimal, Decimal)> = HashMap::new();
            for row in *rows {
                for kind in kinds(&row.provider, &row.model, &row.operation, row.meter) {
                    let (quantity, spend) = sums.entry(kind).or_default();
                    *quantity += row.quantity;
                    *spend += row.spend;
                }
            }
            sums
        };
        Self { spans: spans.iter().map(sums).collect() }
    }

    /// Dollars per unit of a meter by the nearest kind that was paid for, or of the meter whose price stands in for it.
    fn price(&self, of: &UnpricedUsage, meter: Meter) -> Option<Decimal> {
        let meters: Vec<Meter> = [meter].iter().chain(meter.fallbacks()).copied().collect();
        let per_meter: Vec<_> =
            meters.into_iter().map(|meter| kinds(&of.provider, &of.model, &of.operation, meter)).collect();
        (0..5).find_map(|rank| {
            let kinds = per_meter.iter().filter_map(|kinds| kinds.get(rank));
            kinds
                .flat_map(|kind| self.spans.iter().filter_map(move |sums| sums.get(kind)))
                .find_map(|(quantity, spend)| spend.checked_div(*quantity).filter(|price| *price > Decimal::ZERO))
        })
    }
}

/// Puts the estimates of unpriced usage on the days of projects.
pub fn estimate_days(days: &mut [ProjectDay], unpriced: &[UnpricedUsage], paid: &PaidPrices<'_>) {
    let mut amounts: HashMap<(NaiveDate, ProjectId), Decimal> = HashMap::new();
    for usage in unpriced {
        *amounts.entry((usage.day, usage.project_id)).or_default() += usage.estimate(paid);
    }
    for day in days {
        day.estimate.amount = amounts.remove(&(day.day, day.project_id)).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paid(provider: &str, model: &str, operation: &str, meter: Meter, quantity: i64, spend: &str) -> PaidMeter {
        PaidMeter {
            provider: provider.to_owned(),
            model: model.to_owned(),
            operation: operation.to_owned(),
            meter,
            quantity: quantity.into(),
            spend: spend.parse().unwrap(),
        }
    }

    fn used(provider: &str, model: &str, operation: &str, meters: &[(Meter, i64)], bound: &str) -> UnpricedUsage {
        UnpricedUsage {
            day: NaiveDate::default(),
            project_id: ProjectId(uuid::Uuid::nil()),
            provider: provider.to_owned(),
            model: model.to_owned(),
            operation: operation.to_owned(),
            meters: meters.iter().map(|(meter, quantity)| (*meter, (*quantity).into())).collect(),
            upper_bound: bound.parse().unwrap(),
        }
    }

    fn estimate(usage: &UnpricedUsage, recent: &[PaidMeter], older: &[PaidMeter]) -> String {
        usage.estimate(&PaidPrices::of(&[recent, older])).normalize().to_string()
    }

    const INPUT: Meter = Meter::InputUncached;

    #[test]
    fn the_nearest_that_was_paid_for_counts() {
        let rows = [
            paid("openai", "gpt-4o", "chat", INPUT, 100, "5"),
            paid("openai", "text-embedding-3", "embeddings", INPUT, 900, "1"),
            paid("mistral", "large", "chat", INPUT, 100, "3"),
        ];
        let of = |provider, model, operation| {
            estimate(&used(provider, model, operation, &[(INPUT, 100)], "1000"), &rows, &[])
        };
        assert_eq!(of("openai", "gpt-4o", "embeddings"), "5", "the model itself");
        assert_eq!(of("openai", "own-1", "chat"), "5", "its provider, for chat");
        assert_eq!(of("openai", "own-1", "images"), "0.6", "its provider");
        assert_eq!(of("cohere", "own-1", "chat"), "4", "any chat: 8 for 200");
        assert_eq!(of("cohere", "own-1", "images"), "0.818181818182", "everything: 9 for 1,100");
    }

    #[test]
    fn the_last_days_go_before_older_ones_of_the_same_kind_alone() {
        let recent = [paid("mistral", "large", "chat", INPUT, 100, "3")];
        let older =
            [paid("mistral", "large", "chat", INPUT, 100, "30"), paid("openai", "gpt-4o", "chat", INPUT, 100, "5")];
        let of = |provider| estimate(&used(provider, "own-1", "chat", &[(INPUT, 100)], "1000"), &recent, &older);
        assert_eq!((of("mistral"), of("openai")), ("3".to_owned(), "5".to_owned()));
    }

    #[test]
    fn a_meter_is_estimated_by_the_one_whose_price_stands_in_for_it() {
        let rows = [
            paid("openai", "gpt-4o", "chat", INPUT, 100, "1"),
            paid("openai", "gpt-4o", "chat", Meter::Output, 100, "4"),
        ];
        let reasoning = used("openai", "own-1", "chat", &[(Meter::OutputReasoning, 10), (INPUT, 100)], "1000");
        assert_eq!(estimate(&reasoning, &rows, &[]), "1.4");
    }

    #[test]
    fn what_was_never_paid_for_counts_with_its_bound() {
        let rows = [paid("openai", "gpt-4o", "chat", INPUT, 100, "1"), paid("x", "x", "", Meter::Images, 0, "1")];
        assert_eq!(estimate(&used("openai", "own-1", "chat", &[(INPUT, 1), (Meter::Images, 1)], "7"), &rows, &[]), "7");
        assert_eq!(estimate(&used("openai", "own-1", "chat", &[], "7"), &rows, &[]), "7", "usage is unknown");
        assert_eq!(estimate(&used("openai", "own-1", "chat", &[(INPUT, 1)], "7"), &[], &[]), "7");
    }

    proptest! {
        #[test]
        fn an_estimate_is_never_above_its_bound(quantity in 0_i64..1_000_000_000, bound in 0_u64..1_000, spend in 1_u32..1_000_000) {
            let rows = [paid("openai", "gpt-4o", "chat", INPUT, 3, &spend.to_string())];
            let usage = used("openai", "own-1", "chat", &[(INPUT, quantity)], &bound.to_string());
            let amount = usage.estimate(&PaidPrices::of(&[&rows]));
            prop_assert!(amount >= Decimal::ZERO && amount <= usage.upper_bound);
        }
    }

    #[test]
    fn a_sum_names_its_estimate() {
        let of = |amount: &str, events, bound: &str| {
            let (amount, upper_bound) = (amount.parse().unwrap(), bound.parse().unwrap());
            Estimate { amount, events, upper_bound }.describe()
        };
        assert_eq!(of("0", 0, "0"), None);
        assert_eq!(
            of("0.36", 60, "69.26").as_deref(),
            Some("includes $0.36 estimated for 60\u{a0}unpriced events, at most $69.26")
        );
        assert_eq!(of("0", 1, "0").as_deref(), Some("counts 1\u{a0}unpriced event as $0"));
    }
}
