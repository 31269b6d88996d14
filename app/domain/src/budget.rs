//! Budgets, their thresholds, and the alert history.

mod alert;
mod input;

pub use alert::{Alert, AlertFilter, AlertPage, Delivery, DeliveryState, MAX_NOTE, parse_note, percents};
pub use input::{BudgetChange, BudgetForm, BudgetInput, MAX_RECIPIENTS, MAX_THRESHOLD, MAX_THRESHOLDS};

use crate::forecast::Forecast;
use crate::format;
use crate::identity::Email;
use crate::ids::{BudgetId, ProjectId, TeamId};
use crate::problem::FieldProblem;
use crate::project::Slug;
use crate::spend::Estimate;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What part of the organization a budget, forecast or statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum SpendScope {
    /// All of it.
    Organization,
    /// The projects a team owns, day by day.
    Team(TeamId),
    /// One project.
    Project(ProjectId),
}

/// The same part by the words that people use, in forms, addresses and JSON: `organization`, `team:payments`, `project:support-bot`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ScopeRef {
    /// All of it.
    Organization,
    /// A team by its slug.
    Team(Slug),
    /// A project by its slug.
    Project(Slug),
}

impl ScopeRef {
    /// The page that shows spend at this scope, below the organization's address: empty for the Overview.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Organization => String::new(),
            Self::Team(slug) => format!("/teams/{slug}"),
            Self::Project(slug) => format!("/projects/{slug}"),
        }
    }
}

impl fmt::Display for ScopeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => f.write_str("organization"),
            Self::Team(slug) => write!(f, "team:{slug}"),
            Self::Project(slug) => write!(f, "project:{slug}"),
        }
    }
}

impl FromStr for ScopeRef {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            FieldProblem::new("scope", "unknown", "Use organization, team:<slug> or project:<slug> of one that exists.")
        };
        match text.split_once(':') {
            None if text == "organization" => Ok(Self::Organization),
            Some(("team", slug)) => Slug::parse(slug).map(Self::Team).map_err(|_| wrong()),
            Some(("project", slug)) => Slug::parse(slug).map(Self::Project).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for ScopeRef {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|problem: FieldProblem| problem.detail)
    }
}

impl From<ScopeRef> for String {
    fn from(scope: ScopeRef) -> Self {
        scope.to_string()
    }
}

/// A budget: an amount for a scope and each calendar month of the organization's zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Its id.
    pub budget_id: BudgetId,
    /// Its name.
    pub name: String,
    /// The scope.
    pub scope: SpendScope,
    /// The same by its words.
    pub scope_ref: ScopeRef,
    /// Name of the scope, as the page shows it.
    pub scope_name: String,
    /// Amount per month.
    pub amount: Decimal,
    /// Which of its amounts that is, from 1 up.
    pub revision: u32,
    /// Percentages of the amount, rising, such as 50, 80, 100.
    pub thresholds: Vec<u16>,
    /// Who is to get mail.
    pub recipients: Vec<Email>,
    /// Those of them who get none yet: neither members nor confirmed by the link that was sent to them.
    pub unconfirmed: Vec<Email>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Set when it was put away; its alerts stay.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Budget {
    /// Who gets mail.
    pub fn mailed(&self) -> impl Iterator<Item = &Email> {
        self.recipients.iter().filter(|email| !self.unconfirmed.contains(email))
    }
}

/// What the link in the mail to a recipient who is no member offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientOffer {
    /// Name of the organization whose mails these are.
    pub organization: String,
    /// Who would get them.
    pub email: Email,
    /// Whether they confirmed it.
    pub confirmed: bool,
}

/// Used and amount of one month, and what follows from them: the one place that compares the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetUsage {
    /// Spend with the estimate of what is unpriced.
    pub used: Decimal,
    /// What of it is estimated.
    pub estimate: Estimate,
    /// The amount in force.
    pub amount: Decimal,
}

impl BudgetUsage {
    /// Used as a percentage of the amount, exact.
    #[must_use]
    pub fn percent(&self) -> Decimal {
        if self.amount.is_zero() { Decimal::ZERO } else { self.used * Decimal::ONE_HUNDRED / self.amount }
    }

    /// The percentage for reading, cut (not rounded) to one decimal, so that it never claims a threshold that is not crossed: "77.6 %".
    ///
    /// From ten times the amount on it is a factor: "×12".
    #[must_use]
    pub fn percent_text(&self) -> String {
        format::percent_cut(self.percent())
    }

    /// Whether `threshold` percent of the amount are used.
    #[must_use]
    pub fn crosses(&self, threshold: u16) -> bool {
        self.used * Decimal::ONE_HUNDRED >= self.amount * Decimal::from(threshold)
    }

    /// What `threshold` percent of the amount are.
    #[must_use]
    pub fn at(&self, threshold: u16) -> Decimal {
        self.amount * Decimal::from(threshold) / Decimal::ONE_HUNDRED
    }

    /// What is left; negative when more than the amount is used.
    #[must_use]
    pub fn remaining(&self) -> Decimal {
        self.amount - self.used
    }

    /// How it stands, given what is expected for the whole month; `None` with too little history for a forecast.
    #[must_use]
    pub fn status(&self, expected: Option<Decimal>) -> BudgetStatus {
        if self.used > self.amount {
            BudgetStatus::Exceeded
        } else {
            match expected {
                None => BudgetStatus::Within,
                Some(expected) if expected > self.amount => BudgetStatus::AtRisk,
                Some(_) => BudgetStatus::OnTrack,
            }
        }
    }
}

/// Where a month will end, in brief.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// The expected total.
    pub point: Decimal,
    /// Lower end of the 80 % band.
    pub low: Decimal,
    /// Upper end of the 80 % band.
    pub high: Decimal,
    /// How likely the month ends above the amount, from 0 to 1.
    pub chance_over: f64,
    /// The day on which the amount is expected to be used up; none if that is after the month.
    pub run_out: Option<NaiveDate>,
}

impl Expected {
    /// The brief of a forecast for a budget of `amount`; none with too little history.
    #[must_use]
    pub fn of(forecast: &Forecast, amount: Decimal) -> Option<Self> {
        forecast.month_end().map(|month| Self {
            point: month.expected,
            low: month.low80,
            high: month.high80,
            chance_over: month.probability_of_exceeding(amount),
            run_out: month.run_out(amount),
        })
    }
}

/// A recorded threshold with the day on which spend reached it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// The budget's name when it was crossed.
    pub budget: String,
    /// Percent of the amount.
    pub threshold: u16,
    /// The day, in the organization's zone.
    pub day: NaiveDate,
}

impl Crossing {
    /// The first of a month's days by whose end `threshold` percent of `amount` were used; none where they no longer are, after an adjustment.
    #[must_use]
    pub fn day_of(days: &[(NaiveDate, Decimal)], amount: Decimal, threshold: u16) -> Option<NaiveDate> {
        let mut used = Decimal::ZERO;
        days.iter()
            .find(|(_, spend)| {
                used += spend;
                BudgetUsage { used, estimate: Estimate::default(), amount }.crosses(threshold)
            })
            .map(|(day, _)| *day)
    }
}

/// A budget with how it stands in the present month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetState {
    /// The budget.
    pub budget: Budget,
    /// First day of the month.
    pub month: NaiveDate,
    /// Used and amount.
    pub usage: BudgetUsage,
    /// Where the month will end; none with too little history.
    pub expected: Option<Expected>,
    /// How it stands.
    pub status: BudgetStatus,
}

/// What the form for making or changing a budget shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetFormOptions {
    /// What stands in it at first.
    pub form: BudgetForm,
    /// What a budget can be about; empty where that cannot change.
    pub scopes: Vec<ScopeChoice>,
    /// Name of what it is about, where that cannot change.
    pub scope_name: Option<String>,
}

/// A part of the organization that a budget can be about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChoice {
    /// Its word.
    pub scope: ScopeRef,
    /// Its name.
    pub name: String,
}

/// The answer to "why didn't it fire?" for one threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdState {
    /// Percent of the amount.
    pub threshold: u16,
    /// That percentage of the amount in force.
    pub at: Decimal,
    /// The ledger's row, if it was crossed under the amount in force.
    pub alert: Option<Alert>,
    /// The newest row of this month under an amount before.
    pub earlier: Option<Alert>,
}

/// An amount of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetAmount {
    /// The amount.
    pub amount: Decimal,
    /// When it was entered, in the organization's zone; it holds until the next one.
    pub since: DateTime<FixedOffset>,
    /// Who entered it, if they are still known.
    pub by: Option<String>,
}

/// Everything a budget's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetDetail {
    /// The budget and how it stands.
    pub state: BudgetState,
    /// Whether the caller may change it.
    pub may_manage: bool,
    /// Its thresholds, rising.
    pub thresholds: Vec<ThresholdState>,
    /// Its amounts, the newest first.
    pub amounts: Vec<BudgetAmount>,
    /// When the thresholds were last compared with spend, in the organization's zone.
    pub evaluated_at: Option<DateTime<FixedOffset>>,
    /// Spend (with estimates) of each day of the month up to today.
    pub days: Vec<(NaiveDate, Decimal)>,
    /// Where the month will end, day by day.
    pub forecast: Forecast,
    /// The ledger's newest rows of this budget.
    pub alerts: Vec<Alert>,
    /// Its newest test mails.
    pub tests: Vec<TestMail>,
}

/// A test mail of a budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestMail {
    /// When it was asked for, in the organization's zone.
    pub at: DateTime<FixedOffset>,
    /// Who asked: an e-mail address, or the name of an API key.
    pub by: String,
    /// What became of it.
    pub delivery: Delivery,
}

/// How a budget stands in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BudgetStatus {
    /// Not more than the amount is used, and no forecast says anything about the rest of the month.
    Within,
    /// Not more than the amount is used, and the forecast is not above it.
    OnTrack,
    /// The month's forecast is above the amount.
    AtRisk,
    /// More than the amount is used.
    Exceeded,
}

impl BudgetStatus {
    /// The words on pages and in mails.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Within => "within budget",
            Self::OnTrack => "on track",
            Self::AtRisk => "at risk",
            Self::Exceeded => "exceeded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(used: &str, amount: &str) -> BudgetUsage {
        BudgetUsage { used: used.parse().unwrap(), estimate: Estimate::default(), amount: amount.parse().unwrap() }
    }

    #[test]
    fn a_threshold_is_crossed_when_it_is_reached_exactly() {
        assert!(!usage("7.999999999999", "10").crosses(80));
        assert!(usage("8", "10").crosses(80));
        assert!(!usage("0.333333333333", "1").crosses(34));
        assert_eq!(usage("8", "10").at(75), "7.5".parse().unwrap());
        assert_eq!(usage("7.999999999999", "10").percent_text(), "79.9\u{a0}%");
        assert_eq!(usage("8", "10").percent_text(), "80.0\u{a0}%");
        assert_eq!(usage("99.999", "10").percent_text(), "999.9\u{a0}%");
        assert_eq!(usage("10557.96", "10").percent_text(), "×1,055");
    }

    #[test]
    fn a_threshold_is_reached_on_the_day_that_completes_it() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let days = [(day(1), Decimal::from(4)), (day(2), Decimal::ONE), (day(3), Decimal::from(6))];
        let reached = |threshold| Crossing::day_of(&days, Decimal::TEN, threshold);
        assert_eq!([reached(50), reached(100), reached(120)], [Some(day(2)), Some(day(3)), None]);
    }

    #[test]
    fn the_forecast_says_how_a_budget_stands_until_it_is_exceeded() {
        let status = |used, expected: Option<&str>| {
            usage(used, "10").status(expected.map(|expected| expected.parse().unwrap())).label()
        };
        assert_eq!(status("10", None), "within budget");
        assert_eq!(status("5.1", Some("5.1")), "on track", "half of it on the last day");
        assert_eq!(status("9.9", Some("10")), "on track");
        assert_eq!(status("1", Some("10.000000000001")), "at risk");
        assert_eq!(status("10.000000000001", Some("10.5")), "exceeded");
    }

    #[test]
    fn a_scope_has_one_word_everywhere() {
        for text in ["organization", "team:payments", "project:support-bot"] {
            let scope: ScopeRef = text.parse().unwrap();
            assert_eq!(scope.to_string(), text);
            assert_eq!(serde_json::to_value(&scope).unwrap(), text);
        }
        for wrong in ["", "team", "team:", "project:Support", "organization:x", "model:gpt-4o"] {
            assert!(wrong.parse::<ScopeRef>().is_err(), "{wrong}");
        }
    }
}
