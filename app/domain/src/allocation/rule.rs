//! What an allocation rule says.

use crate::problem::FieldProblem;
use crate::rule::{Rule, RuleKind};
use crate::span::Span;
use crate::spend::Dimension;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a condition compares the value of a dimension: whole values exactly, parts of them in upper or lower case, as filters do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Test {
    /// It is one of the values.
    Is,
    /// It is none of the values; a missing one is none either.
    IsNot,
    /// One of the values is in it.
    Contains,
    /// It begins with one of the values.
    StartsWith,
    /// There is none.
    Missing,
}

impl Test {
    /// All, in the order of the form.
    pub const ALL: [Self; 5] = [Self::Is, Self::IsNot, Self::Contains, Self::StartsWith, Self::Missing];

    /// The word in JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is_not",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::Missing => "missing",
        }
    }

    /// As people read it, between a dimension and its values.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Contains => "contains",
            Self::StartsWith => "starts with",
            Self::Missing => "is missing",
        }
    }
}

/// What usage has to be for a rule to take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Of which dimension.
    pub dimension: Dimension,
    /// How its value is compared.
    pub test: Test,
    /// With what; none for [`Test::Missing`].
    pub values: Vec<String>,
}

impl Condition {
    /// Whether it holds for a value; empty text means missing.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        let mut values = self.values.iter();
        match self.test {
            Test::Is => values.any(|of| of == value),
            Test::IsNot => values.all(|of| of != value),
            Test::Contains => values.any(|of| value.to_lowercase().contains(&of.to_lowercase())),
            Test::StartsWith => values.any(|of| value.to_lowercase().starts_with(&of.to_lowercase())),
            Test::Missing => value.is_empty(),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dimension = match &self.dimension {
            Dimension::ApiKey => self.dimension.label(),
            other => other.label().to_lowercase(),
        };
        write!(f, "{dimension} {}", self.test.label())?;
        if self.test == Test::Missing { Ok(()) } else { write!(f, " {}", self.values.join(" or ")) }
    }
}

/// Who usage can count for, by its short name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// A project, and so the team that owns it on the day.
    Project(String),
    /// A team.
    Team(String),
}

impl Target {
    /// As people read it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Project(slug) => format!("project {slug}"),
            Self::Team(slug) => format!("team {slug}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(slug) => write!(f, "project:{slug}"),
            Self::Team(slug) => write!(f, "team:{slug}"),
        }
    }
}

impl FromStr for Target {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().split_once(':') {
            Some(("project", slug)) if !slug.is_empty() => Ok(Self::Project(slug.to_owned())),
            Some(("team", slug)) if !slug.is_empty() => Ok(Self::Team(slug.to_owned())),
            _ => Err(FieldProblem::new("to", "invalid", "Choose a project or a team, such as team:growth.")),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|problem: FieldProblem| problem.detail)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// One of those among whom usage is split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Who.
    pub target: Target,
    /// How much of it, in percent, where the shares are fixed.
    pub percent: Option<Decimal>,
}

/// What happens to usage that a rule takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Method {
    /// It counts for one project or team, and later rules see it as theirs.
    Relabel,
    /// It is split evenly. Of split usage only a later rule that takes a whole project takes the share of that project again.
    Even,
    /// Split by fixed percentages.
    Fixed,
    /// Split in proportion to the targets' spend of the calendar month.
    Spend,
    /// Split in proportion to their requests of the calendar month.
    Requests,
    /// Split in proportion to their tokens of the calendar month.
    Tokens,
    /// Split in proportion to their values of a business metric in the calendar month.
    BusinessMetric,
    /// It is shared: unallocated until a later rule takes it.
    Shared,
}

impl Method {
    /// All, in the order of the form.
    pub const ALL: [Self; 8] = [
        Self::Relabel,
        Self::Even,
        Self::Fixed,
        Self::Spend,
        Self::Requests,
        Self::Tokens,
        Self::BusinessMetric,
        Self::Shared,
    ];

    /// The word in JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relabel => "relabel",
            Self::Even => "even",
            Self::Fixed => "fixed",
            Self::Spend => "spend",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::BusinessMetric => "business_metric",
            Self::Shared => "shared",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Relabel => "Count for one project or team",
            Self::Even => "Split evenly",
            Self::Fixed => "Split by fixed percentages",
            Self::Spend => "Split by spend",
            Self::Requests => "Split by requests",
            Self::Tokens => "Split by tokens",
            Self::BusinessMetric => "Split by a business metric",
            Self::Shared => "Mark as shared",
        }
    }
}

/// A rule about who usage counts for. It is superseded, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationRule {
    /// Its number; 0 before it has one.
    pub rule_id: u64,
    /// What people call it; of rules with one name only one holds at a time.
    pub name: String,
    /// Its place among the rules, which are applied in order.
    pub position: u32,
    /// All must hold for the usage that it takes.
    pub conditions: Vec<Condition>,
    /// What happens to it.
    pub method: Method,
    /// Whom it counts for, or among whom it is split.
    pub among: Vec<Share>,
    /// The business metric that a split goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Why, for those who read the numbers later.
    pub reason: String,
    /// Holds from this day of the organization's zone on; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Until before this day; none means without an end date.
    pub valid_to: Option<DateTime<Utc>>,
}

impl AllocationRule {
    /// The dimension of many values that it asks about, if any.
    #[must_use]
    pub fn label_key(&self) -> Option<&Dimension> {
        self.conditions.iter().map(|condition| &condition.dimension).find(|dimension| dimension.is_label())
    }

    /// Whether it takes all that counts for some projects, whatever it was used for: shares of shared cost too.
    #[must_use]
    pub fn takes_whole_projects(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.all(|condition| condition.dimension == Dimension::Project && condition.test == Test::Is)
    }

    /// Whether it asks for nothing but who has something: then it takes charges too, which have no other words.
    #[must_use]
    pub fn asks_for_holders_alone(&self) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.all(|condition| condition.dimension.is_of_project())
    }

    /// Everybody whom it gives something.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.among.iter().map(|share| &share.target)
    }

    /// Whose usage it takes as a whole, by name; nobody's where it asks for more than that.
    pub fn sources(&self) -> impl Iterator<Item = Target> {
        let named = |condition: &&Condition| {
            matches!(condition.dimension, Dimension::Project | Dimension::Team) && condition.test == Test::Is
        };
        let whole = self.conditions.iter().filter(|condition| !named(condition)).count() == 0;
        let of = |condition: &Condition| {
            let is_team = condition.dimension == Dimension::Team;
            let target =
                move |slug: &String| if is_team { Target::Team(slug.clone()) } else { Target::Project(slug.clone()) };
            condition.values.iter().map(target).collect::<Vec<_>>()
        };
        self.conditions.iter().filter(move |_| whole).flat_map(of)
    }

    /// Which usage it takes: "project is vector-store and environment is production".
    #[must_use]
    pub fn condition_words(&self) -> String {
        self.conditions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    }

    /// What happens to the usage that it takes: "is split by tokens of the month among project a, project b".
    #[must_use]
    pub fn effect_words(&self) -> String {
        let name = |share: &Share| match share.percent {
            Some(percent) => format!("{} {} %", share.target.label(), percent.normalize()),
            None => share.target.label(),
        };
        let among = self.among.iter().map(name).collect::<Vec<_>>().join(", ");
        match self.method {
            Method::Relabel => format!("counts for {among}"),
            Method::Even => format!("is split evenly among {among}"),
            Method::Fixed => format!("is split: {among}"),
            Method::Spend | Method::Requests | Method::Tokens => {
                format!("is split by {} of the month among {among}", self.method.as_str())
            }
            Method::BusinessMetric => {
                format!("is split by {} of the month among {among}", self.metric.as_deref().unwrap_or_default())
            }
            Method::Shared => "is shared: unallocated until a later rule takes it".to_owned(),
        }
    }

    /// The rule in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("Usage where {} {}.", self.condition_words(), self.effect_words())
    }
}

impl Rule for AllocationRule {
    const KIND: RuleKind = RuleKind::Allocation;

    fn numbered(self, rule_id: u64, _rank: u64) -> Self {
        Self { rule_id, ..self }
    }

    fn within(self, span: Span) -> Self {
        Self { valid_from: span.from, valid_to: span.to, ..self }
    }

    fn span(&self) -> Span {
        Span { from: self.valid_from, to: self.valid_to }
    }

    fn subject(&self) -> String {
        self.name.clone()
    }

    fn conflict_key(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn describe(&self) -> String {
        let (conditions, effect) = (self.condition_words(), self.effect_words());
        format!("allocation rule {}: usage where {conditions} {effect} ({})", self.name, self.reason)
    }
}
