//! The kinds of rules about prices.

use super::contract::ContractTerm;
use super::{BillingBasisRule, BookPrice, CostBasisRule, ModelAlias, PriceModifier};
use crate::format;
use crate::rule::{Rule, RuleKind, midnight};
use crate::span::Span;

/// Puts a span into a row with instants, and takes it out.
macro_rules! instants {
    () => {
        fn within(self, span: Span) -> Self {
            Self { valid_from: span.from, valid_to: span.to, ..self }
        }

        fn span(&self) -> Span {
            Span { from: self.valid_from, to: self.valid_to }
        }
    };
}

impl Rule for BookPrice {
    const KIND: RuleKind = RuleKind::PriceOverride;
    instants!();

    fn numbered(self, rule_id: u64, _rank: u64) -> Self {
        Self { price_id: rule_id, ..self }
    }

    fn subject(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }

    fn conflict_key(&self) -> Option<String> {
        let schedule = self.schedule.map(|schedule| schedule.to_string()).unwrap_or_default();
        Some(format!(
            "{}/{}\t{}\t{}\t{}\t{schedule}\t{}",
            self.provider,
            self.model,
            self.meter.as_str(),
            self.variant.as_str(),
            self.tier_from,
            self.attributes
        ))
    }

    fn describe(&self) -> String {
        let tier = match self.tier_from {
            0 => String::new(),
            tokens => format!(" from {} input tokens", format::count(tokens)),
        };
        format!(
            "price {} per {} of {} ({}{tier}) for {}",
            format::money_full(self.rate),
            format::count(self.per),
            self.meter.as_str(),
            self.variant.as_str(),
            self.subject()
        )
    }
}

impl Rule for PriceModifier {
    const KIND: RuleKind = RuleKind::PriceModifier;
    instants!();

    fn numbered(self, rule_id: u64, _rank: u64) -> Self {
        Self { modifier_id: rule_id, ..self }
    }

    fn subject(&self) -> String {
        String::new()
    }

    /// Modifiers multiply, however many there are.
    fn conflict_key(&self) -> Option<String> {
        None
    }

    fn describe(&self) -> String {
        let provider = self.provider.as_deref().unwrap_or("every provider");
        let models = self.models.as_ref().map_or_else(String::new, |models| format!(", models {models}"));
        format!("{} of factor {} for {provider}{models}", self.kind.label(), self.factor)
    }
}

impl Rule for ModelAlias {
    const KIND: RuleKind = RuleKind::ModelAlias;
    instants!();

    /// Its position follows from the ranks of all.
    fn numbered(self, _rule_id: u64, _rank: u64) -> Self {
        self
    }

    fn subject(&self) -> String {
        format!("{}/{}", self.to_provider, self.to_model)
    }

    fn conflict_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.provider, self.pattern))
    }

    fn describe(&self) -> String {
        let name = self.pattern.exact().map_or_else(|| self.pattern.to_string(), str::to_owned);
        format!("alias {}/{name} for {}", self.provider, self.subject())
    }
}

impl Rule for ContractTerm {
    const KIND: RuleKind = RuleKind::ContractTerm;

    fn numbered(self, rule_id: u64, rank: u64) -> Self {
        Self { term_id: rule_id, rank, ..self }
    }

    fn within(self, span: Span) -> Self {
        let from = span.from.map_or(self.from, |from| from.date_naive());
        Self { from, to: span.to.map(|to| to.date_naive()), ..self }
    }

    fn span(&self) -> Span {
        Span { from: Some(midnight(self.from)), to: self.to.map(midnight) }
    }

    fn subject(&self) -> String {
        String::new()
    }

    /// Where several count the same, the one entered last goes first; the others stay.
    fn conflict_key(&self) -> Option<String> {
        None
    }

    fn describe(&self) -> String {
        format!("term {}", self.words())
    }
}

impl Rule for CostBasisRule {
    const KIND: RuleKind = RuleKind::CostBasis;
    instants!();

    fn numbered(self, _rule_id: u64, _rank: u64) -> Self {
        self
    }

    fn subject(&self) -> String {
        self.provider.clone().unwrap_or_default()
    }

    /// The newest choice that concerns a provider holds, whatever was chosen before for it or for all.
    fn conflict_key(&self) -> Option<String> {
        None
    }

    fn describe(&self) -> String {
        let provider = self.provider.as_deref().unwrap_or("every provider");
        format!("choice of the {} for {provider} ({})", self.basis.label().to_lowercase(), self.reason)
    }
}

impl Rule for BillingBasisRule {
    const KIND: RuleKind = RuleKind::BillingBasis;
    instants!();

    fn numbered(self, _rule_id: u64, _rank: u64) -> Self {
        self
    }

    fn subject(&self) -> String {
        self.key_id.to_string()
    }

    fn conflict_key(&self) -> Option<String> {
        Some(self.subject())
    }

    fn describe(&self) -> String {
        format!("billing basis of the key {}: {} ({})", self.key, self.basis.label().to_lowercase(), self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::entered;
    use proptest::prelude::*;

    fn at(day: i64) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp(day * 86_400, 0).unwrap()
    }

    fn alias(to: u8, span: Span) -> ModelAlias {
        ModelAlias {
            provider: "azure".to_owned(),
            position: 0,
            pattern: "=ours".parse().unwrap(),
            to_provider: "openai".to_owned(),
            to_model: format!("model-{to}"),
            valid_from: span.from,
            valid_to: span.to,
        }
    }

    proptest! {
        /// However rules of one key are entered, at each instant the one entered last of those that held there counts, alone.
        #[test]
        fn of_one_key_the_rule_entered_last_holds_alone(
            spans in prop::collection::vec((prop::option::of(0_i64..9), prop::option::of(0_i64..9)), 1..8),
            day in 0_i64..9,
        ) {
            let spans: Vec<Span> =
                spans.into_iter().filter_map(|(from, to)| Span::new(from.map(at), to.map(at)).ok()).collect();
            let mut rules = Vec::new();
            for (number, span) in (0..).zip(&spans) {
                rules = entered(rules, alias(number, *span));
            }
            let holding: Vec<&str> =
                rules.iter().filter(|rule| rule.span().holds(at(day))).map(|rule| rule.to_model.as_str()).collect();
            let last = (0..).zip(&spans).filter(|(_, span)| span.holds(at(day))).last();
            let expected: Vec<String> = last.map(|(number, _): (u8, _)| format!("model-{number}")).into_iter().collect();
            prop_assert_eq!(holding, expected);
        }
    }

    #[test]
    fn what_a_kind_says_survives_storage() {
        let row = alias(1, Span { from: Some(at(3)), to: None });
        let stored = serde_json::to_value(row.clone().within(Span::ALWAYS)).unwrap();
        let read: ModelAlias = serde_json::from_value(stored).unwrap();
        assert_eq!(read.within(row.span()), row);
    }
}
