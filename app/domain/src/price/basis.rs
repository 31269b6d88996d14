//! Which cost counts where a provider reports one: the one computed from the price book, or the provider's own figure.
//!
//! A dated choice of the organization, for all providers or for one.
//! A choice is never edited: the newest one that concerns a provider holds from its instant on, whatever was chosen before.

use super::own::{Wrong, read_provider};
use crate::model::canonical_provider;
use crate::problem::FieldProblem;
use crate::repricing::parse_reason;
use crate::rule::{Dated, History, NewRule, Rule};
use crate::span::Edge;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Which cost of an event counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// What the price book makes of the usage.
    #[default]
    Computed,
    /// What the provider reported with the event; where it reported nothing, the computed cost.
    Reported,
}

impl CostBasis {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Computed, Self::Reported];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Reported => "reported",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Computed => "Computed cost",
            Self::Reported => "Reported cost",
        }
    }
}

impl FromStr for CostBasis {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|basis| basis.as_str() == text.trim())
            .ok_or_else(|| FieldProblem::new("basis", "unknown", "Choose computed or reported."))
    }
}

/// A choice. It is superseded, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostBasisRule {
    /// Canonical provider; none means every provider.
    pub provider: Option<String>,
    /// What counts.
    pub basis: CostBasis,
    /// Holds from this instant; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Until before this instant; none means until another choice.
    pub valid_to: Option<DateTime<Utc>>,
    /// Why, for those who read the numbers later.
    pub reason: String,
}

impl CostBasisRule {
    fn holds(&self, provider: &str, at: DateTime<Utc>) -> bool {
        self.provider.as_deref().is_none_or(|of| of == provider) && self.span().holds(at)
    }
}

/// What counts of a provider's event at its time; `rows` in the order in which they were chosen.
#[must_use]
pub fn basis_at(rows: &[CostBasisRule], provider: &str, at: DateTime<Utc>) -> CostBasis {
    if rows.is_empty() {
        return CostBasis::default();
    }
    let provider = canonical_provider(provider);
    rows.iter().rev().find(|row| row.holds(&provider, at)).map(|row| row.basis).unwrap_or_default()
}

/// Whether a provider's own figure counts anywhere in a span; `rows` in the order in which they were chosen.
#[must_use]
pub fn reported_counts(rows: &[CostBasisRule], from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
    // Between these instants nothing changes.
    let edges = rows.iter().flat_map(|row| [row.valid_from, row.valid_to]).flatten();
    let edges: Vec<_> = edges.chain([from]).filter(|at| from <= *at && *at < to).collect();
    let chosen = rows.iter().filter(|row| row.basis == CostBasis::Reported);
    let mut providers = chosen.map(|row| row.provider.as_deref().unwrap_or_default());
    providers.any(|provider| edges.iter().any(|at| basis_at(rows, provider, *at) == CostBasis::Reported))
}

/// A choice as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BasisForm {
    /// `computed` or `reported`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "reported"))]
    pub basis: String,
    /// Who sells the calls; empty means every provider.
    #[cfg_attr(feature = "openapi", schema(example = "openrouter", max_length = 200))]
    pub provider: String,
    /// From this day of the organization's zone or this instant; empty means for all time before too.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-01"))]
    pub valid_from: String,
    /// Why, for those who read the numbers later.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "The invoice follows it.", max_length = 500))]
    pub reason: String,
}

impl BasisForm {
    /// Reads all fields.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewRule<CostBasisRule>, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let provider = some(&self.provider).map(|text| read_provider("provider", &text));
        let from = some(&self.valid_from).map(|text| Edge::read("valid_from", &text));
        let (basis, provider) = (wrong.take(self.basis.parse()), wrong.take(provider.transpose()).flatten());
        let from = wrong.take(from.transpose()).flatten();
        let reason = wrong.take(parse_reason(&self.reason)).unwrap_or_default();
        let rule =
            CostBasisRule { provider, basis: basis.unwrap_or_default(), valid_from: None, valid_to: None, reason };
        wrong.or(NewRule { rule, from, to: None })
    }
}

/// What a provider reported beside what was computed, over events that came with a reported cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The provider as sent.
    pub provider: String,
    /// Events with both costs.
    pub events: u64,
    /// What the provider reported for these.
    pub reported: Decimal,
    /// What was computed for these.
    pub computed: Decimal,
    /// Events with a reported cost for which the price book has no price.
    pub uncomputed_events: u64,
    /// What the provider reported for these.
    pub uncomputed: Decimal,
    /// What counts of the provider's events now.
    pub basis: CostBasis,
}

impl Drift {
    /// Nothing of a provider yet.
    #[must_use]
    pub fn of(provider: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            events: 0,
            reported: Decimal::ZERO,
            computed: Decimal::ZERO,
            uncomputed_events: 0,
            uncomputed: Decimal::ZERO,
            basis: CostBasis::default(),
        }
    }

    /// Reported over computed: above zero where the provider says that it cost more.
    #[must_use]
    pub fn difference(&self) -> Decimal {
        self.reported - self.computed
    }
}

/// The organization's choices, and what they are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisBook {
    /// Newest first, then superseded ones: of those that count, the first that concerns a provider and whose span holds decides.
    pub choices: History<Dated<CostBasisRule>>,
    /// By provider, the dearest first.
    pub drift: Vec<Drift>,
    /// The newest events that were compared, at most [`MAX_COMPARED`], of the last [`COMPARED_DAYS`] days.
    pub compared: u64,
}

/// Most events whose reported cost is compared with the computed one at once.
pub const MAX_COMPARED: u64 = 20_000;
/// How far back they are looked for, in days.
pub const COMPARED_DAYS: i64 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> DateTime<Utc> {
        format!("{text}T00:00:00Z").parse().unwrap()
    }

    fn row(provider: Option<&str>, basis: CostBasis, from: Option<&str>) -> CostBasisRule {
        CostBasisRule {
            provider: provider.map(str::to_owned),
            basis,
            valid_from: from.map(day),
            valid_to: None,
            reason: String::new(),
        }
    }

    #[test]
    fn the_newest_choice_that_concerns_a_provider_holds_from_its_begin() {
        use CostBasis::{Computed, Reported};
        let rows = [
            row(None, Reported, Some("2026-03-01")),
            row(Some("x-ai"), Computed, Some("2026-05-01")),
            row(Some("openrouter"), Reported, None),
        ];
        for (provider, at, expected) in [
            ("openai", "2026-02-28", Computed),
            ("openai", "2026-03-01", Reported),
            ("xai", "2026-04-30", Reported),
            ("xai", "2026-05-01", Computed),
            ("openrouter", "2020-01-01", Reported),
        ] {
            assert_eq!(basis_at(&rows, provider, day(at)), expected, "{provider} {at}");
        }
        let mut back = rows.to_vec();
        back.push(row(None, Computed, None));
        assert_eq!(basis_at(&back, "openrouter", day("2026-06-01")), Computed, "it supersedes them all");
        assert_eq!(basis_at(&[], "openrouter", day("2026-06-01")), Computed);
    }

    #[test]
    fn reported_costs_count_where_a_choice_holds_in_the_span() {
        use CostBasis::{Computed, Reported};
        let rows = [row(Some("openrouter"), Reported, Some("2026-03-01")), row(None, Computed, Some("2026-06-01"))];
        let counts = |from, to| reported_counts(&rows, day(from), day(to));
        assert!(!counts("2026-02-01", "2026-03-01"));
        assert!(counts("2026-02-01", "2026-03-02"));
        assert!(counts("2026-05-31", "2026-07-01"));
        assert!(!counts("2026-06-01", "2026-07-01"), "a later choice took its place");
        assert!(!reported_counts(&[], day("2026-01-01"), day("2027-01-01")));
    }

    #[test]
    fn a_choice_is_read_with_every_wrong_field_named() {
        let form = BasisForm {
            basis: "reported".to_owned(),
            provider: "Vertex_AI".to_owned(),
            valid_from: "2026-11-01".to_owned(),
            reason: "The invoice follows it.".to_owned(),
        };
        let input = form.parse().unwrap();
        assert_eq!((input.rule.basis, input.rule.provider.as_deref()), (CostBasis::Reported, Some("google")));
        let wrong = BasisForm { provider: "a/b".to_owned(), valid_from: "soon".to_owned(), ..BasisForm::default() };
        let named: Vec<String> = wrong.parse().unwrap_err().into_iter().map(|problem| problem.pointer).collect();
        assert_eq!(named, ["basis", "provider", "valid_from", "reason"]);
    }

    proptest! {
        /// A later choice changes nothing before its own begin, and nothing of other providers.
        #[test]
        fn a_choice_leaves_everything_before_it_alone(
            chosen in prop::collection::vec((0_u8..3, any::<bool>(), prop::option::of(0_i64..100)), 0..6),
            (provider, reported, from) in (0_u8..3, any::<bool>(), 0_i64..100),
            at in 0_i64..100,
        ) {
            let names = [None, Some("a"), Some("b")];
            let instant = |days: i64| day("2026-01-01") + chrono::Duration::days(days);
            let row = |(provider, reported, from): (u8, bool, Option<i64>)| CostBasisRule {
                provider: names[usize::from(provider)].map(str::to_owned),
                basis: CostBasis::ALL[usize::from(reported)],
                valid_from: from.map(instant),
                valid_to: None,
                reason: String::new(),
            };
            let mut rows: Vec<CostBasisRule> = chosen.into_iter().map(row).collect();
            let before: Vec<CostBasis> = ["a", "b", "c"].map(|name| basis_at(&rows, name, instant(at))).to_vec();
            let new = row((provider, reported, Some(from)));
            rows.push(new.clone());
            for (name, before) in ["a", "b", "c"].into_iter().zip(before) {
                let concerned = at >= from && new.provider.as_deref().is_none_or(|of| of == name);
                let expected = if concerned { new.basis } else { before };
                prop_assert_eq!(basis_at(&rows, name, instant(at)), expected);
            }
        }
    }
}
