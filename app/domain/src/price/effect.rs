//! What a discount or markup would have meant, before it is entered.

use crate::period::Period;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a factor would have moved over some days, had it held all along.
///
/// Factors of any kind multiply, whatever their order, so what was charged times the factor is what would have been charged; only the rounding of each line of a receipt is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifierEffect {
    /// The days.
    pub period: Period,
    /// What is multiplied by.
    pub factor: Decimal,
    /// What it concerns, by falling cost.
    pub rows: Vec<EffectRow>,
}

/// What calls of one model in one project were charged on the meters that a factor concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRow {
    /// Slug of the project.
    pub project: String,
    /// Who sells the model, as sent.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// Dollars, without what a contract took off for the month.
    pub before: Decimal,
}

impl ModifierEffect {
    /// What was charged on what it concerns.
    #[must_use]
    pub fn before(&self) -> Decimal {
        self.rows.iter().map(|row| row.before).sum()
    }

    /// What it would have added; below zero for a discount.
    #[must_use]
    pub fn delta(&self) -> Decimal {
        self.added_to(self.before())
    }

    /// Charged and added by any key of the rows, the largest first.
    #[must_use]
    pub fn by<K: Ord>(&self, key: impl Fn(&EffectRow) -> K) -> Vec<(K, Decimal, Decimal)> {
        let mut sums = BTreeMap::<K, Decimal>::new();
        for row in &self.rows {
            *sums.entry(key(row)).or_default() += row.before;
        }
        let mut sums: Vec<_> = sums.into_iter().map(|(key, before)| (key, before, self.added_to(before))).collect();
        sums.sort_by_key(|(_, before, _)| std::cmp::Reverse(*before));
        sums
    }

    fn added_to(&self, before: Decimal) -> Decimal {
        before * (self.factor - Decimal::ONE)
    }
}

/// What $100.00 at the list price come to step by step when factors of different kinds stack: the amounts after each.
#[must_use]
pub fn worked_example(factors: &[Decimal]) -> Vec<Decimal> {
    let after = |amount: &mut Decimal, factor: &Decimal| {
        *amount *= *factor;
        Some(amount.normalize())
    };
    factors.iter().scan(Decimal::ONE_HUNDRED, after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole() {
        let row = |project: &str, model: &str, before: i64| EffectRow {
            project: project.to_owned(),
            provider: "openai".to_owned(),
            model: model.to_owned(),
            before: Decimal::new(before, 12),
        };
        let effect = ModifierEffect {
            period: Period::month_of("2026-11-01".parse().unwrap()),
            factor: "0.875".parse().unwrap(),
            rows: vec![row("a", "x", 7_000_000_000_003), row("b", "x", 5), row("a", "y", 1)],
        };
        assert_eq!(effect.before(), Decimal::new(7_000_000_000_009, 12));
        for sums in [effect.by(|row| row.project.clone()), effect.by(|row| row.model.clone())] {
            assert_eq!(sums.iter().map(|(.., delta)| *delta).sum::<Decimal>(), effect.delta());
            assert!(sums[0].1 >= sums[1].1);
        }
        assert_eq!(effect.delta(), Decimal::new(-875_000_000_001_125, 15));
    }

    #[test]
    fn the_example_is_worked_step_by_step() {
        let factors = ["1.1", "0.88", "1.05"].map(|factor| factor.parse().unwrap());
        let amounts = worked_example(&factors).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(amounts, ["110", "96.8", "101.64"]);
    }
}
