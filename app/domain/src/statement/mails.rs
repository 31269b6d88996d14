//! Statements by mail: when, and to whom.

use crate::identity::Email;
use crate::price::own::Wrong;
use crate::problem::FieldProblem;
use crate::project::Slug;
use serde::{Deserialize, Serialize};

/// Most recipients.
pub const MAX_STATEMENT_RECIPIENTS: usize = 200;

/// When a month's statements are mailed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailSchedule {
    /// Never.
    #[default]
    Off,
    /// When the month ends; late events may still move it.
    Over,
    /// When the month is closed, and final.
    Closed,
}

impl MailSchedule {
    /// All schedules.
    pub const ALL: [Self; 3] = [Self::Off, Self::Over, Self::Closed];

    /// The word in SQL and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Over => "over",
            Self::Closed => "closed",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Over => "When the month ends",
            Self::Closed => "When the month is closed",
        }
    }
}

/// Who gets a statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementRecipient {
    /// A member's address.
    pub email: Email,
    /// The team whose statement it is; none for all that the member sees.
    pub team: Option<Slug>,
}

/// When statements are mailed, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementMails {
    /// When.
    pub schedule: MailSchedule,
    /// To whom, in order.
    pub recipients: Vec<StatementRecipient>,
}

impl StatementMails {
    /// Reads what was typed: one recipient a line, an address, and behind it the team's short name where it is one team's statement.
    ///
    /// # Errors
    /// A problem for every wrong field. Whether the addresses are members' and the teams are there, the organization knows.
    pub fn read(schedule: &str, recipients: &str) -> Result<Self, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let found = MailSchedule::ALL.into_iter().find(|known| known.as_str() == schedule.trim());
        let unknown = || FieldProblem::new("schedule", "unknown", "Use off, over or closed.");
        let schedule = wrong.take(found.ok_or_else(unknown)).unwrap_or_default();
        let lines = recipients.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut recipients: Vec<_> = lines.filter_map(|line| wrong.take(read_recipient(line))).collect();
        recipients.sort();
        recipients.dedup();
        if recipients.len() > MAX_STATEMENT_RECIPIENTS {
            let detail = format!("Enter at most {MAX_STATEMENT_RECIPIENTS} recipients.");
            wrong.0.push(FieldProblem::new("recipients", "too_many", detail));
        }
        wrong.or(Self { schedule, recipients })
    }

    /// The recipients as they are typed.
    #[must_use]
    pub fn recipients_text(&self) -> String {
        let line = |recipient: &StatementRecipient| match &recipient.team {
            Some(team) => format!("{} {team}", recipient.email),
            None => recipient.email.to_string(),
        };
        self.recipients.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn read_recipient(line: &str) -> Result<StatementRecipient, FieldProblem> {
    let wrong = |problem: FieldProblem| FieldProblem {
        pointer: "recipients".to_owned(),
        detail: format!("{line}: {}", problem.detail),
        ..problem
    };
    let mut words = line.split_whitespace();
    let email = Email::parse(words.next().unwrap_or_default()).map_err(wrong)?;
    let team = words.next().map(Slug::parse).transpose().map_err(wrong)?;
    if words.next().is_some() {
        return Err(wrong(FieldProblem::new("", "invalid", "Enter an address and at most one team.")));
    }
    Ok(StatementRecipient { email, team })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_read_line_by_line() {
        let mails =
            StatementMails::read("over", "  Bob@Acme.example growth\n\nada@acme.example\nada@acme.example\n").unwrap();
        assert_eq!(mails.recipients_text(), "ada@acme.example\nbob@acme.example growth");
        assert_eq!(StatementMails::read("over", &mails.recipients_text()).unwrap(), mails);
        let wrong = StatementMails::read("daily", "nobody\nada@acme.example Growth Team").unwrap_err();
        let said: Vec<_> = wrong.iter().map(|problem| (problem.pointer.as_str(), problem.code.as_str())).collect();
        assert_eq!(said, [("schedule", "unknown"), ("recipients", "invalid"), ("recipients", "invalid")]);
        assert!(wrong[1].detail.starts_with("nobody: "));
    }
}
