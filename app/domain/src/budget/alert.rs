//! The alert history: what was crossed, who was notified, who acknowledged it.

use crate::ids::{AlertId, BudgetId};
use crate::problem::FieldProblem;
use crate::spend::Estimate;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Which entries of the alert history are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AlertFilter {
    /// All rows.
    #[default]
    All,
    /// Rows that nobody acknowledged.
    Open,
    /// Rows that somebody acknowledged.
    Acknowledged,
    /// Rows with an e-mail that was refused or given up.
    Undelivered,
}

impl AlertFilter {
    /// All filters, in the order of the page.
    pub const ALL: [Self; 4] = [Self::All, Self::Open, Self::Acknowledged, Self::Undelivered];

    /// The word in URL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Undelivered => "undelivered",
        }
    }
}

impl FromStr for AlertFilter {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|filter| filter.as_str() == text)
            .ok_or_else(|| FieldProblem::new("state", "unknown", "Use all, open, acknowledged or undelivered."))
    }
}

/// A page of the alert history, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertPage {
    /// The rows.
    pub alerts: Vec<Alert>,
    /// Id after which the next page begins; none on the last one.
    pub next: Option<AlertId>,
    /// Whether the caller may acknowledge them.
    pub may_manage: bool,
}

/// An alert: what one budget crossed at one moment.
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
    /// The thresholds in percent that were crossed at that moment, rising.
    pub thresholds: Vec<u16>,
    /// When the crossing was recorded, in the organization's zone.
    pub at: DateTime<FixedOffset>,
    /// Spend that was evaluated, estimates included.
    pub spend: Decimal,
    /// What of it was estimated.
    pub estimate: Estimate,
    /// Amount that was in force.
    pub amount: Decimal,
    /// Which of the budget's amounts that was, from 1 up.
    pub revision: u32,
    /// Whether the month was over when the spend came: recorded, not mailed.
    pub late: bool,
    /// When somebody acknowledged it.
    pub acknowledged_at: Option<DateTime<FixedOffset>>,
    /// Who acknowledged it, if they are still known.
    pub acknowledged_by: Option<String>,
    /// What they noted.
    pub note: Option<String>,
    /// How many e-mails told of it.
    pub mails: u16,
    /// Those e-mails, for 90 days.
    pub deliveries: Vec<Delivery>,
}

impl Alert {
    /// "50 %, 80 %, 100 %".
    #[must_use]
    pub fn thresholds_text(&self) -> String {
        percents(&self.thresholds).join(", ")
    }
}

/// "50 %", each.
#[must_use]
pub fn percents(thresholds: &[u16]) -> Vec<String> {
    thresholds.iter().map(|threshold| format!("{threshold}\u{a0}%")).collect()
}

/// Longest note of an acknowledgement, in characters.
pub const MAX_NOTE: usize = 500;

/// What somebody notes with an acknowledgement; none where there is nothing but white space.
///
/// # Errors
/// `too_long` above [`MAX_NOTE`].
pub fn parse_note(text: &str) -> Result<Option<String>, FieldProblem> {
    let text = text.trim();
    if text.chars().count() > MAX_NOTE {
        return Err(FieldProblem::new("note", "too_long", format!("Use at most {MAX_NOTE} characters.")));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeliveryState {
    /// Waits for its first or next attempt.
    Queued,
    /// The mail server took it.
    Sent,
    /// Rejection for good or given up.
    Failed,
    /// Local mode without a mail server: shown at `/dev/mail`.
    Shown,
    /// Of the sample organization: never sent.
    Sample,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Sent, Self::Failed, Self::Shown, Self::Sample];

    /// The word in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Shown => "shown",
            Self::Sample => "sample",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_trimmed_and_has_an_end() {
        assert_eq!(parse_note(" \n"), Ok(None));
        assert_eq!(parse_note(" planned load test "), Ok(Some("planned load test".to_owned())));
        assert_eq!(parse_note(&"é".repeat(MAX_NOTE)).map(|note| note.is_some()), Ok(true));
        assert_eq!(parse_note(&"é".repeat(MAX_NOTE + 1)).map_err(|wrong| wrong.pointer), Err("note".to_owned()));
    }
}
