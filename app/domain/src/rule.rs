//! Dated rules: what somebody entered for a reason, that holds for a span of time, and that is superseded, never edited.
//!
//! One mechanism enters, ends, undoes and lists rules of every kind; a kind is a type with its fields, its meaning and its form.

use crate::ids::RuleChangeId;
use crate::problem::FieldProblem;
use crate::span::{Edge, Span};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Numbers of rules count up from here; those of the common book are all smaller. Numbers of JSON are exact up to twice this.
pub const FIRST_RULE_ID: u64 = 1 << 52;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RuleKind {
    /// A price of the organization's own.
    PriceOverride,
    /// A discount or markup.
    PriceModifier,
    /// A reported model name that means another model.
    ModelAlias,
    /// A term of a contract that counts over a month.
    ContractTerm,
    /// Which cost counts where a provider reports one.
    CostBasis,
    /// Who usage counts for.
    Allocation,
    /// A cost beside events.
    Charge,
    /// What is added to what teams owe.
    Markup,
    /// How the usage of a key is billed.
    BillingBasis,
}

impl RuleKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::PriceOverride,
        Self::PriceModifier,
        Self::ModelAlias,
        Self::ContractTerm,
        Self::CostBasis,
        Self::Charge,
        Self::Allocation,
        Self::Markup,
        Self::BillingBasis,
    ];

    /// The word in SQL, JSON and the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PriceOverride => "price_override",
            Self::PriceModifier => "price_modifier",
            Self::ModelAlias => "model_alias",
            Self::ContractTerm => "contract_term",
            Self::CostBasis => "cost_basis",
            Self::Allocation => "allocation",
            Self::Charge => "charge",
            Self::Markup => "markup",
            Self::BillingBasis => "billing_basis",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it holds for whole months of whatever zone the organization has: its edges are midnights of UTC.
    #[must_use]
    pub const fn is_monthly(self) -> bool {
        matches!(self, Self::ContractTerm | Self::Markup)
    }

    /// Whether it holds for whole days of whatever zone the organization has: its edges are midnights of UTC.
    #[must_use]
    pub const fn is_daily(self) -> bool {
        matches!(self, Self::Allocation | Self::Charge)
    }

    /// The instant at which a rule of this kind begins or ends.
    ///
    /// # Errors
    /// A field problem where the kind holds for months or days and this is none.
    #[cfg(feature = "tz")]
    pub fn instant(self, edge: Edge, zone: crate::period::Zone) -> Result<DateTime<Utc>, FieldProblem> {
        match edge {
            Edge::Day(day) if self.is_daily() => Ok(midnight(day)),
            Edge::At(_) if self.is_daily() => {
                Err(FieldProblem::new("valid_to", "invalid", "Use a day such as 2026-11-15."))
            }
            edge if !self.is_monthly() => Ok(edge.instant(zone)),
            Edge::Day(day) if chrono::Datelike::day(&day) == 1 => Ok(midnight(day)),
            _ => Err(FieldProblem::new("valid_to", "invalid", "Use a month such as 2026-11.")),
        }
    }

    /// An edge as people read it: a day of the organization's zone, its time where it is not the beginning of one, or a month.
    #[cfg(feature = "tz")]
    #[must_use]
    pub fn edge_text(self, at: DateTime<Utc>, zone: crate::period::Zone) -> String {
        if self.is_monthly() {
            return at.format("%Y-%m").to_string();
        }
        let day = if self.is_daily() { at.date_naive() } else { zone.day_of(at) };
        if self.is_daily() || zone.start_of(day) == at {
            return day.to_string();
        }
        zone.local(at).format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }
}

/// The edge of a rule that holds for months.
#[must_use]
pub const fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// Reads when a rule ends: a date, an instant, or a month such as `2026-11`.
///
/// # Errors
/// A field problem for `valid_to`.
pub fn parse_end(text: &str) -> Result<Edge, FieldProblem> {
    let text = text.trim();
    let month = (text.len() == 7).then(|| format!("{text}-01").parse().ok()).flatten();
    month.map_or_else(|| Edge::read("valid_to", text), |day| Ok(Edge::Day(day)))
}

/// A kind of dated rule.
pub trait Rule: Clone + Serialize + DeserializeOwned {
    /// Its kind.
    const KIND: RuleKind;

    /// The rule under its number, and under the number with which it was first entered: what is left of a rule that was cut keeps that rank among the others.
    #[must_use]
    fn numbered(self, rule_id: u64, rank: u64) -> Self;

    /// The same rule at another time.
    #[must_use]
    fn within(self, span: Span) -> Self;

    /// When it holds.
    fn span(&self) -> Span;

    /// By what it is looked up: a model as `provider/model`, mostly; empty where there is nothing.
    fn subject(&self) -> String;

    /// Of rules with the same key only one holds at a time, the one entered last; none: they hold beside each other.
    fn conflict_key(&self) -> Option<String>;

    /// What it says, as a noun for the audit log: "price $2 per 1,000,000 of output for openai/gpt-4o".
    fn describe(&self) -> String;
}

/// A rule as somebody asks for it: not numbered yet, its edges as they were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule<R> {
    /// What it says.
    pub rule: R,
    /// Begin; none means from the beginning of time.
    pub from: Option<Edge>,
    /// End; none means without an end date.
    pub to: Option<Edge>,
}

#[cfg(feature = "tz")]
impl<R: Rule> NewRule<R> {
    /// The rule at its time in the organization's zone.
    ///
    /// # Errors
    /// A field problem for an end before the begin.
    pub fn dated(&self, zone: crate::period::Zone) -> Result<R, FieldProblem> {
        let instant = |edge: Option<Edge>| edge.map(|edge| R::KIND.instant(edge, zone)).transpose();
        Ok(self.rule.clone().within(Span::new(instant(self.from)?, instant(self.to)?)?))
    }
}

/// A rule as its list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<R> {
    /// Its number.
    pub rule_id: u64,
    /// What it says.
    pub row: R,
    /// Where it stands in the history.
    pub entry: Entry,
}

impl<R> Dated<R> {
    /// Whether it counts: nothing superseded it.
    pub const fn is_live(&self) -> bool {
        self.entry.superseded_at.is_none()
    }
}

/// Rules or their changes as far as a list names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History<T> {
    /// What is listed.
    pub rows: Vec<T>,
    /// How many more there are.
    pub more: u64,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), more: 0 }
    }
}

impl<T> std::ops::Deref for History<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.rows
    }
}

/// When and by whom a rule was entered, and since when it no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Entered when, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// By whom: an e-mail address, the name of a key, or `Tallystick`.
    pub recorded_by: String,
    /// With which change.
    pub change_id: RuleChangeId,
    /// Since when it no longer counts for events that come; old receipts still point to it.
    pub superseded_at: Option<DateTime<FixedOffset>>,
}

/// One thing that a person did to the organization's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleChange {
    /// Its id, to undo it.
    pub change_id: RuleChangeId,
    /// When, in the organization's zone.
    pub recorded_at: DateTime<FixedOffset>,
    /// Who.
    pub recorded_by: String,
    /// One sentence.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Entered the price $2.25 per 1,000,000 of input_uncached for openai/gpt-4o.")
    )]
    pub detail: String,
    /// Whether a later change took it back.
    pub undone: bool,
    /// The change that it took back.
    pub undoes: Option<RuleChangeId>,
}

/// The rules as they would be with one more entered: what it overlaps gives way.
pub fn entered<R: Rule>(rules: Vec<R>, new: R) -> Vec<R> {
    let (key, span) = (new.conflict_key(), new.span());
    let remaining = |old: R| -> Vec<R> {
        if key.is_none() || old.conflict_key() != key {
            return vec![old];
        }
        old.span().subtract(span).map(|left| old.clone().within(left)).collect()
    };
    let mut rules: Vec<R> = rules.into_iter().flat_map(remaining).collect();
    rules.push(new);
    rules
}
