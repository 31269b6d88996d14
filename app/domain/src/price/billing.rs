//! How the usage of a key is billed: by what it costs, included in a plan, or from prepaid credits.
//!
//! A dated choice of the organization per key. What usage would cost and what is billed for it are both on the receipt, and never summed.

use super::own::Wrong;
use crate::ids::KeyId;
use crate::problem::FieldProblem;
use crate::repricing::parse_reason;
use crate::rule::{NewRule, Rule};
use crate::span::Edge;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How usage is billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BillingBasis {
    /// What it costs is billed.
    #[default]
    Metered,
    /// A plan includes it, such as a coding agent's subscription, which is a charge: nothing of it is billed again.
    Included,
    /// It is paid from prepaid credits: usage is spend, and buying the credits is none.
    Credits,
}

impl BillingBasis {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Metered, Self::Included, Self::Credits];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metered => "metered",
            Self::Included => "included",
            Self::Credits => "credits",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Metered => "Metered",
            Self::Included => "Included in a plan",
            Self::Credits => "Prepaid credits",
        }
    }

    /// What it means, for whoever chooses.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Metered => "billed by what usage costs",
            Self::Included => "not billed: the plan is a charge; list value is kept beside spend",
            Self::Credits => "billed by what usage costs, which draws the credits; buying them is no cost",
        }
    }
}

impl FromStr for BillingBasis {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|basis| basis.as_str() == text.trim())
            .ok_or_else(|| FieldProblem::new("basis", "unknown", "Choose metered, included or credits."))
    }
}

/// A choice. It is superseded, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingBasisRule {
    /// Whose usage.
    pub key_id: KeyId,
    /// The key as lists name it.
    pub key: String,
    /// How it is billed.
    pub basis: BillingBasis,
    /// Holds from this instant; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Until before this instant; none means until another choice.
    pub valid_to: Option<DateTime<Utc>>,
    /// Why, for those who read the numbers later.
    pub reason: String,
}

/// How the usage of a key is billed at a time, by the choices that count.
#[must_use]
pub fn billing_at<'a>(
    rows: impl IntoIterator<Item = &'a BillingBasisRule>,
    key: KeyId,
    at: DateTime<Utc>,
) -> BillingBasis {
    let holds = |row: &&BillingBasisRule| row.key_id == key && row.span().holds(at);
    rows.into_iter().find(holds).map_or_else(BillingBasis::default, |row| row.basis)
}

/// A choice as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BillingForm {
    /// Id of the API key; its usage until now keeps its cost until it is repriced.
    #[cfg_attr(feature = "openapi", schema(required = true, format = Uuid))]
    pub key_id: String,
    /// `metered`, `included` or `credits`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "included"))]
    pub basis: String,
    /// From this day of the organization's zone or this instant; empty means for all time before too.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-01"))]
    pub valid_from: String,
    /// Why, for those who read the numbers later.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "Team plan, order 12.", max_length = 500))]
    pub reason: String,
}

impl BillingForm {
    /// Reads all fields. The key's name is for whoever knows the key to fill in.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewRule<BillingBasisRule>, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let from = Some(self.valid_from.trim()).filter(|text| !text.is_empty());
        let from = from.map(|text| Edge::read("valid_from", text));
        let unknown = |_| FieldProblem::new("key_id", "unknown", "Use the id of an API key of this organization.");
        let key_id = wrong.take(self.key_id.trim().parse::<KeyId>().map_err(unknown));
        let basis = wrong.take(self.basis.parse()).unwrap_or_default();
        let from = wrong.take(from.transpose()).flatten();
        let reason = wrong.take(parse_reason(&self.reason)).unwrap_or_default();
        let key_id = key_id.unwrap_or(KeyId(uuid::Uuid::nil()));
        let rule = BillingBasisRule { key_id, key: String::new(), basis, valid_from: None, valid_to: None, reason };
        wrong.or(NewRule { rule, from, to: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_with_every_wrong_field_named() {
        let key_id = KeyId(uuid::Uuid::from_u128(7));
        let form = BillingForm {
            key_id: key_id.to_string(),
            basis: "included".to_owned(),
            valid_from: "2026-11-01".to_owned(),
            reason: "Team plan.".to_owned(),
        };
        let new = form.parse().unwrap();
        assert_eq!((new.rule.key_id, new.rule.basis), (key_id, BillingBasis::Included));
        assert_eq!(new.from, Some(Edge::Day("2026-11-01".parse().unwrap())));
        let wrong = BillingForm { key_id: "ci".to_owned(), valid_from: "soon".to_owned(), ..BillingForm::default() };
        let named: Vec<String> = wrong.parse().unwrap_err().into_iter().map(|problem| problem.pointer).collect();
        assert_eq!(named, ["key_id", "basis", "valid_from", "reason"]);
    }
}
