//! What changed between two spans: only what can be computed exactly from sums.

use super::Sums;
use crate::format::ratio;
use crate::money::round_line;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Why spend moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// More or fewer requests, at what one cost before.
    Requests,
    /// More or fewer tokens per request, at what one token cost before.
    TokensPerRequest,
    /// More or less per token: price, kinds of tokens, cache.
    CostPerToken,
    /// A model that its project did not use before.
    Started,
    /// A model that its project no longer uses.
    Stopped,
    /// What these cannot tell apart, for example where tokens are not counted.
    CostPerRequest,
}

impl Cause {
    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::TokensPerRequest => "Tokens per request",
            Self::CostPerToken => "Cost per token",
            Self::Started => "Newly used models",
            Self::Stopped => "Models no longer used",
            Self::CostPerRequest => "Cost per request, no tokens",
        }
    }

    /// What it means, in one sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Requests => "More or fewer requests of each project and model, at what one cost before.",
            Self::TokensPerRequest => "Longer or shorter requests, at what one token cost before.",
            Self::CostPerToken => "Price, share of output tokens and cache, per token used.",
            Self::Started => "Models that their project did not use in the span before.",
            Self::Stopped => "Models that their project used only in the span before.",
            Self::CostPerRequest => "Cost of one request where tokens are not counted.",
        }
    }
}

/// One model of one project in both spans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mover {
    /// Slug of the project.
    pub project: String,
    /// Who sells the model.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Its sums now.
    pub now: Sums,
    /// Its sums in the span before.
    pub before: Sums,
}

impl Mover {
    /// By how much its spend moved.
    #[must_use]
    pub fn difference(&self) -> Decimal {
        self.now.spend - self.before.spend
    }

    /// The difference in parts that add up to it.
    ///
    /// Requests without a price cost nothing yet, so only priced ones count.
    #[must_use]
    pub fn causes(&self) -> Vec<(Cause, Decimal)> {
        let difference = self.difference();
        let priced = |sums: &Sums| Decimal::from(sums.requests - sums.unpriced_requests);
        let (now, before) = (priced(&self.now), priced(&self.before));
        if before.is_zero() {
            return vec![(Cause::Started, difference)];
        }
        if now.is_zero() {
            return vec![(Cause::Stopped, difference)];
        }
        let volume = round_line(self.before.spend * (now - before) / before);
        let rest = difference - volume;
        let mut causes = vec![(Cause::Requests, volume)];
        match self.token_share(now, before) {
            Some(tokens) => causes.extend([(Cause::TokensPerRequest, tokens), (Cause::CostPerToken, rest - tokens)]),
            None => causes.push((Cause::CostPerRequest, rest)),
        }
        causes
    }

    /// What moved it most, with that change as a ratio: 0.38 for 38 % more requests.
    ///
    /// No ratio for a model that is new or gone; nothing where nothing moved.
    #[must_use]
    pub fn main_cause(&self) -> Option<(Cause, Option<f64>)> {
        let (cause, amount) = self.causes().into_iter().max_by_key(|(_, amount)| amount.abs())?;
        let priced = |sums: &Sums| Decimal::from(sums.requests - sums.unpriced_requests);
        let tokens = |sums: &Sums| Decimal::from(sums.tokens);
        let spend = |sums: &Sums| sums.spend;
        let ratio = match cause {
            Cause::Requests => self.growth(priced, |_| Decimal::ONE),
            Cause::TokensPerRequest => self.growth(tokens, priced),
            Cause::CostPerToken => self.growth(spend, tokens),
            Cause::CostPerRequest => self.growth(spend, priced),
            Cause::Started | Cause::Stopped => None,
        };
        (!amount.is_zero()).then_some((cause, ratio))
    }

    /// By how much `part` of each `whole` grew.
    fn growth(&self, part: impl Fn(&Sums) -> Decimal, whole: impl Fn(&Sums) -> Decimal) -> Option<f64> {
        let now = part(&self.now).checked_div(whole(&self.now))?;
        let before = part(&self.before).checked_div(whole(&self.before))?;
        ratio(now - before, before)
    }

    /// What longer or shorter requests cost at the old cost per token; none where tokens do not say it.
    fn token_share(&self, now: Decimal, before: Decimal) -> Option<Decimal> {
        let all_priced = self.now.unpriced_requests == 0 && self.before.unpriced_requests == 0;
        if !all_priced || self.now.tokens <= 0 || self.before.tokens <= 0 {
            return None;
        }
        let (tokens, tokens_before) = (Decimal::from(self.now.tokens), Decimal::from(self.before.tokens));
        let at_old_length = tokens_before.checked_mul(now)?.checked_div(before)?;
        let more = (tokens - at_old_length).checked_div(tokens_before)?;
        Some(round_line(self.before.spend.checked_mul(more)?))
    }
}

/// What changed in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Spend now less spend before.
    pub difference: Decimal,
    /// Its parts, the largest first; they add up to the difference.
    pub causes: Vec<(Cause, Decimal)>,
    /// The models that moved most, at most `limit`.
    pub movers: Vec<Mover>,
}

/// Compares every model of every project in two spans; keys are project, provider and model.
#[must_use]
pub fn changes(
    now: impl IntoIterator<Item = ([String; 3], Sums)>,
    before: impl IntoIterator<Item = ([String; 3], Sums)>,
    limit: usize,
) -> Changes {
    let mut both: BTreeMap<[String; 3], (Sums, Sums)> = BTreeMap::new();
    for (key, sums) in now {
        both.entry(key).or_default().0.add(&sums);
    }
    for (key, sums) in before {
        both.entry(key).or_default().1.add(&sums);
    }
    let mut movers: Vec<_> = both
        .into_iter()
        .map(|([project, provider, model], (now, before))| Mover { project, provider, model, now, before })
        .collect();
    let mut causes: BTreeMap<Cause, Decimal> = BTreeMap::new();
    for (cause, amount) in movers.iter().flat_map(Mover::causes) {
        *causes.entry(cause).or_default() += amount;
    }
    let mut causes: Vec<_> = causes.into_iter().filter(|(_, amount)| !amount.is_zero()).collect();
    causes.sort_by_key(|(_, amount)| Reverse(amount.abs()));
    let difference = movers.iter().map(Mover::difference).sum();
    movers.sort_by_key(|mover| Reverse(mover.difference().abs()));
    movers.retain(|mover| !mover.difference().is_zero());
    movers.truncate(limit);
    Changes { difference, causes, movers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sums(spend: &str, requests: i64, tokens: i64) -> Sums {
        Sums { spend: spend.parse().unwrap(), requests, tokens, ..Sums::default() }
    }

    fn key(model: &str) -> [String; 3] {
        ["a".to_owned(), "openai".to_owned(), model.to_owned()]
    }

    fn text(causes: &[(Cause, Decimal)]) -> Vec<(Cause, String)> {
        causes.iter().map(|(cause, amount)| (*cause, amount.normalize().to_string())).collect()
    }

    #[test]
    fn a_difference_is_taken_apart() {
        // Twice the requests, each half as long again, each token a third cheaper.
        let mover = Mover {
            project: "a".to_owned(),
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            before: sums("10", 100, 1000),
            now: sums("20", 200, 3000),
        };
        let expected = [
            (Cause::Requests, "10".to_owned()),
            (Cause::TokensPerRequest, "10".to_owned()),
            (Cause::CostPerToken, "-10".to_owned()),
        ];
        assert_eq!(text(&mover.causes()), expected);
    }

    #[test]
    fn the_main_cause_says_by_how_much_it_moved() {
        let mover = |now, before| Mover {
            project: "a".to_owned(),
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            before,
            now,
        };
        let cause = |now, before| {
            mover(now, before).main_cause().map(|(cause, ratio)| (cause, ratio.map(|ratio| format!("{ratio:.2}"))))
        };
        let ratio = |text: &str| Some(text.to_owned());
        let before = || sums("10", 100, 1000);
        assert_eq!(cause(sums("14", 138, 1390), before()), Some((Cause::Requests, ratio("0.38"))));
        assert_eq!(cause(sums("15", 100, 1500), before()), Some((Cause::TokensPerRequest, ratio("0.50"))));
        assert_eq!(cause(sums("5", 100, 1000), before()), Some((Cause::CostPerToken, ratio("-0.50"))));
        assert_eq!(cause(sums("12", 100, 0), sums("10", 100, 0)), Some((Cause::CostPerRequest, ratio("0.20"))));
        assert_eq!(cause(sums("12", 100, 0), Sums::default()), Some((Cause::Started, None)));
        assert_eq!(cause(Sums::default(), before()), Some((Cause::Stopped, None)));
        assert_eq!(cause(before(), before()), None);
    }

    #[test]
    fn new_and_ended_models_are_told_apart() {
        let found = changes([(key("new"), sums("3", 1, 1))], [(key("old"), sums("5", 1, 1))], 1);
        assert_eq!(found.difference, Decimal::from(-2));
        assert_eq!(text(&found.causes), [(Cause::Stopped, "-5".to_owned()), (Cause::Started, "3".to_owned())]);
        assert_eq!(found.movers.len(), 1);
        assert_eq!(found.movers[0].model, "old");
    }

    proptest! {
        #[test]
        fn causes_add_up_to_the_difference(
            cells in prop::collection::vec((0usize..4, 0i64..4_000_000_000_000_000, 0i64..50, 0i64..10_000, 0i64..3), 0..12),
            split in 0usize..12,
        ) {
            let rows: Vec<_> = cells
                .into_iter()
                .map(|(model, nano, requests, tokens, unpriced)| {
                    let unpriced = unpriced.min(requests);
                    let spend = if requests == unpriced { Decimal::ZERO } else { Decimal::new(nano, 12) };
                    (key(&model.to_string()), Sums { spend, requests, tokens, unpriced_requests: unpriced, ..Sums::default() })
                })
                .collect();
            let (now, before) = rows.split_at(split.min(rows.len()));
            let sum = |rows: &[([String; 3], Sums)]| -> Decimal { rows.iter().map(|(_, sums)| sums.spend).sum() };
            let found = changes(now.to_vec(), before.to_vec(), 5);
            prop_assert_eq!(found.difference, sum(now) - sum(before));
            let parts: Decimal = found.causes.iter().map(|(_, amount)| *amount).sum();
            prop_assert_eq!(parts, found.difference);
        }
    }
}
