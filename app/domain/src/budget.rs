//! Budgets, their thresholds, and the alert ledger.

use crate::identity::Email;
use crate::ids::{AlertId, BudgetId, ProjectId, TeamId};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

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

/// A budget: an amount for a scope and each calendar month of the organization's zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Its id.
    pub budget_id: BudgetId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub scope: SpendScope,
    /// Name of the scope, as the page shows it.
    pub scope_name: String,
    /// Amount per month.
    pub amount: Decimal,
    /// Percentages of the amount, rising, such as 50, 80, 100.
    pub thresholds: Vec<u16>,
    /// Who gets mail.
    pub recipients: Vec<Email>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Set when it was put away; its alerts stay.
    pub archived_at: Option<DateTime<Utc>>,
}

/// How a budget stands in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetStatus {
    /// Below every threshold and not expected to exceed.
    Ok,
    /// A threshold is crossed, or it is expected to exceed.
    Warning,
    /// More than the amount is used.
    Exceeded,
}

/// A row of the alert ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub alert_id: AlertId,
    /// The budget.
    pub budget_id: BudgetId,
    /// Its name when it fired.
    pub budget_name: String,
    /// First day of the budget's month.
    pub month: NaiveDate,
    /// The crossed threshold in percent.
    pub threshold: u16,
    /// When the crossing was recorded, in the organization's zone.
    pub at: DateTime<FixedOffset>,
    /// Spend that was evaluated, upper bounds of unpriced events included.
    pub spend: Decimal,
    /// Part of it that is an upper-bound estimate.
    pub estimated: Decimal,
    /// Amount that was in force.
    pub amount: Decimal,
    /// Whether the month was over when it was found: recorded, not mailed.
    pub late: bool,
    /// When somebody acknowledged it.
    pub acknowledged_at: Option<DateTime<FixedOffset>>,
    /// Its e-mails.
    pub deliveries: Vec<Delivery>,
}

/// One e-mail with what the mail server said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Who gets it.
    pub recipient: String,
    /// How far it is.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// The mail server's last answer, as it gave it.
    pub answer: Option<String>,
    /// When the last attempt ended, in the organization's zone.
    pub last_attempt_at: Option<DateTime<FixedOffset>>,
}

/// How far an e-mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its first or next attempt.
    Queued,
    /// The mail server took it.
    Sent,
    /// Refused for good or given up.
    Failed,
    /// Local mode without a mail server: shown at `/dev/mail`.
    Shown,
}
