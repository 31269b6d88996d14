//! Review and close of a month: its state, what has to hold before it is closed, and what teams say about their statements.

use super::{MonthStatement, Readiness, Version, month_text};
use crate::format;
use crate::ids::DisputeId;
use crate::period::Period;
use crate::problem::{FieldProblem, Problem};
use crate::repricing::parse_reason;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Where a month stands on its way; it never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MonthState {
    /// Sums move, and statements with them.
    #[default]
    Open,
    /// A version was taken, which teams accept or dispute.
    InReview,
    /// The last version is the statement for good.
    Closed,
}

impl MonthState {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InReview => "in_review",
            Self::Closed => "closed",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InReview => "in review",
            Self::Closed => "closed",
        }
    }
}

/// One thing that has to hold before a month is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Check {
    /// Its last day has passed.
    MonthOver,
    /// No usage is without a price.
    Priced,
    /// Statements and what is unallocated are together the month's usage and charges.
    Allocated,
    /// Every dispute is answered.
    Disputes,
    /// The month before is closed, where any is.
    PreviousClosed,
    /// What moved in closed months stands in this one.
    Adjustments,
}

impl Check {
    /// The word in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MonthOver => "month_over",
            Self::Priced => "priced",
            Self::Allocated => "allocated",
            Self::Disputes => "disputes",
            Self::PreviousClosed => "previous_closed",
            Self::Adjustments => "adjustments",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::MonthOver => "Month is over",
            Self::Priced => "All usage priced",
            Self::Allocated => "Statements add up",
            Self::Disputes => "Disputes settled",
            Self::PreviousClosed => "Previous month closed",
            Self::Adjustments => "Adjustments of closed months posted",
        }
    }
}

impl FromStr for Check {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The others are arithmetic, or settled by doing them.
        match text {
            "priced" => Ok(Self::Priced),
            _ => Err(FieldProblem::new("check", "unknown", "Only `priced` can be waived.")),
        }
    }
}

/// How one thing of the checklist stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CheckState {
    /// It holds.
    Ok,
    /// It does not, and somebody answers for that.
    Waived {
        /// Why.
        reason: String,
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It does not.
    Open,
}

/// A line of the checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckItem {
    /// What has to hold.
    pub check: Check,
    /// How it is.
    pub value: String,
    /// How it has to be.
    pub bar: String,
    /// Whether it is so.
    #[serde(flatten)]
    pub state: CheckState,
}

/// Unpriced usage that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// So many requests at most: more of them are another matter.
    pub up_to: i64,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Waiver {
    /// Whether it answers for so many requests, if there are any.
    #[must_use]
    pub const fn covers(&self, unpriced: i64) -> bool {
        0 < unpriced && unpriced <= self.up_to
    }
}

/// What the checklist of a month follows from, and how much of it can be charged back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFacts {
    /// The month.
    pub month: Period,
    /// The organization's present day.
    pub today: NaiveDate,
    /// All requests.
    pub requests: i64,
    /// Requests without a price.
    pub unpriced: i64,
    /// What these can have cost at most, by the price book.
    pub unpriced_at_most: Decimal,
    /// Who answers for them.
    pub waiver: Option<Waiver>,
    /// Usage and charges of the month, as the Overview and the charges say them.
    pub counted: Decimal,
    /// What the statements and what is unallocated come to, without adjustments.
    pub stated: Decimal,
    /// What of that nobody answers for.
    pub unallocated: Decimal,
    /// Disputes without an answer.
    pub open_disputes: usize,
    /// What they are about ([`super::disputed`]).
    pub disputed: Decimal,
    /// The last closed month.
    pub last_closed: Option<NaiveDate>,
    /// What moved in closed months and is posted in none.
    pub pending: Decimal,
    /// How many amounts that are.
    pub pending_entries: usize,
}

impl CloseFacts {
    /// Whether this is the month in which adjustments of closed ones stand: the one after the last closed.
    #[must_use]
    pub fn is_next(&self) -> bool {
        self.last_closed.is_none_or(|closed| next_month(closed) == self.month.from)
    }

    /// The checklist.
    #[must_use]
    pub fn checklist(&self) -> Vec<CheckItem> {
        vec![self.over(), self.priced(), self.allocated(), self.disputes(), self.previous(), self.adjustments()]
    }

    fn over(&self) -> CheckItem {
        let last = format::day(self.month.last_day());
        let is_over = self.today >= self.month.to;
        let value = if is_over { format!("ended {last}") } else { format!("ends {last}") };
        item(Check::MonthOver, value, format!("after {last}"), is_over)
    }

    fn priced(&self) -> CheckItem {
        let plain =
            item(Check::Priced, format::counted(self.unpriced, "unpriced request"), "0".to_owned(), self.unpriced == 0);
        match &self.waiver {
            Some(waiver) if waiver.covers(self.unpriced) => {
                let Waiver { reason, by, at, .. } = waiver.clone();
                CheckItem { state: CheckState::Waived { reason, by, at }, ..plain }
            }
            _ => plain,
        }
    }

    fn allocated(&self) -> CheckItem {
        let percent = self.stated.checked_div(self.counted).map_or(Decimal::ONE, |part| part) * Decimal::ONE_HUNDRED;
        let missing = self.counted - self.stated;
        let missing = (!missing.is_zero()).then(|| format!(", {} missing", format::money_signed(missing)));
        let value = format!("{percent:.3} %{}", missing.clone().unwrap_or_default());
        item(Check::Allocated, value, "100.000 %".to_owned(), missing.is_none())
    }

    fn disputes(&self) -> CheckItem {
        let value = format!("{} open", format::count(i128::try_from(self.open_disputes).unwrap_or(i128::MAX)));
        item(Check::Disputes, value, "0 open".to_owned(), self.open_disputes == 0)
    }

    fn previous(&self) -> CheckItem {
        let value = match self.last_closed {
            None => "no month was closed before".to_owned(),
            Some(closed) => format!("{} is the last one closed", format::month(closed)),
        };
        let before = self.month.previous().from;
        item(Check::PreviousClosed, value, format!("{} closed", format::month(before)), self.is_next())
    }

    fn adjustments(&self) -> CheckItem {
        let (value, is_posted) = match (self.pending_entries, self.is_next(), self.last_closed) {
            (0, ..) | (_, _, None) => ("none".to_owned(), true),
            (number, true, _) => {
                (format!("{} here, {}", adjustments(number), format::money_signed(self.pending)), true)
            }
            (number, false, Some(closed)) => {
                let (sum, month) = (format::money_signed(self.pending), format::month(next_month(closed)));
                (format!("{}, {sum}, in {month}", adjustments(number)), false)
            }
        };
        item(Check::Adjustments, value, "all posted".to_owned(), is_posted)
    }
}

fn adjustments(number: usize) -> String {
    format::counted(i128::try_from(number).unwrap_or(i128::MAX), "adjustment")
}

fn item(check: Check, value: String, bar: String, holds: bool) -> CheckItem {
    CheckItem { check, value, bar, state: if holds { CheckState::Ok } else { CheckState::Open } }
}

/// First day of the month after.
#[must_use]
pub fn next_month(month: NaiveDate) -> NaiveDate {
    Period::month_of(month).to
}

/// Whether nothing is in the way of a close.
///
/// # Errors
/// [`Problem::Conflict`] that names what is.
pub fn check_closable(checklist: &[CheckItem]) -> Result<(), Problem> {
    let open: Vec<_> = checklist.iter().filter(|item| item.state == CheckState::Open).collect();
    if open.is_empty() {
        return Ok(());
    }
    let said = |item: &&CheckItem| format!("{} ({})", item.check.label(), item.value);
    Err(Problem::conflict(format!("Not yet: {}.", open.iter().map(said).collect::<Vec<_>>().join(", "))))
}

/// A month on its way to be closed, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthClose {
    /// What everyone owes: as it was closed, or as it is now.
    pub statement: MonthStatement,
    /// What has to hold before it is closed, or held when it was.
    pub checklist: Vec<CheckItem>,
    /// How much of it can be charged back as it stands.
    pub readiness: Readiness,
    /// Oldest first.
    pub versions: Vec<Version>,
    /// What teams said about any of them, oldest first.
    pub replies: Vec<TeamReply>,
}

impl MonthClose {
    /// Its last version.
    #[must_use]
    pub fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// Whether the sums are others than those of its last version.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.latest().is_some_and(|version| version.total != self.statement.grand_total())
    }

    /// What one team said, oldest first.
    pub fn replies_of<'a>(&'a self, team: &'a str) -> impl Iterator<Item = &'a TeamReply> {
        self.replies.iter().filter(move |reply| reply.team == team)
    }
}

/// What a team says about its statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TeamReply {
    /// Short name of the team.
    pub team: String,
    /// The version that it is about.
    pub version: u32,
    /// None accepts the statement.
    pub dispute: Option<Dispute>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
}

/// The statement of one team in review, as it is accepted or disputed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamReview {
    /// The last version: its number, and what the team owes by it. None before the first one.
    pub version: Option<(u32, Decimal)>,
    /// Names of its lines.
    pub lines: Vec<String>,
    /// What the team said, oldest first.
    pub replies: Vec<TeamReply>,
}

/// What a team does not accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dispute {
    /// Its id.
    pub dispute_id: DisputeId,
    /// The line, by its name; none for the whole statement.
    pub line: Option<String>,
    /// How much of it, in US dollars: a decimal string with 12 places.
    #[serde(with = "crate::money::amount_opt", default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "12.400000000000"))]
    pub amount: Option<Decimal>,
    /// Why.
    pub reason: String,
    /// What finance says.
    pub answer: Option<DisputeAnswer>,
}

/// The end of a dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisputeAnswer {
    /// Whether the team is right.
    pub accepted: bool,
    /// What is done, or why nothing is.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
}

/// A dispute as somebody enters it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisputeForm {
    /// Name of the line as the version's entries give it; empty for the whole statement.
    #[serde(default)]
    pub line: String,
    /// How much of it is disputed, in US dollars; may be empty.
    #[serde(default)]
    pub amount: String,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

impl DisputeForm {
    /// The dispute under an id, if it is about one of the lines.
    ///
    /// # Errors
    /// Every wrong field.
    pub fn parse(&self, dispute_id: DisputeId, lines: &[String]) -> Result<Dispute, Vec<FieldProblem>> {
        let mut wrong = Vec::new();
        let line = Some(self.line.trim()).filter(|line| !line.is_empty()).map(str::to_owned);
        if line.as_ref().is_some_and(|line| !lines.contains(line)) {
            wrong.push(FieldProblem::new("line", "unknown", "The statement of this team has no such line."));
        }
        let typed = self.amount.trim().replace([',', '$'], "");
        let amount: Option<Decimal> = typed.parse().ok();
        if !typed.is_empty() && amount.is_none_or(|amount| amount.is_zero()) {
            wrong.push(FieldProblem::new("amount", "invalid", "Enter an amount such as 12.40."));
        }
        match parse_reason(&self.reason) {
            Ok(reason) if wrong.is_empty() => Ok(Dispute { dispute_id, line, amount, reason, answer: None }),
            reason => Err(wrong.into_iter().chain(reason.err()).collect()),
        }
    }
}

/// "2026-11 is closed", for whoever wants to change it.
#[must_use]
pub fn closed_problem(month: NaiveDate) -> Problem {
    Problem::conflict(format!("{} is closed: what moves now stands in the open month.", month_text(month)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    pub(in crate::statement) fn facts() -> CloseFacts {
        CloseFacts {
            month: Period::month_of(day("2026-11-01")),
            today: day("2026-12-01"),
            requests: 100,
            unpriced: 0,
            unpriced_at_most: Decimal::ZERO,
            waiver: None,
            counted: Decimal::from(480),
            stated: Decimal::from(480),
            unallocated: Decimal::ZERO,
            open_disputes: 0,
            disputed: Decimal::ZERO,
            last_closed: Some(day("2026-10-01")),
            pending: Decimal::ZERO,
            pending_entries: 0,
        }
    }

    fn open(facts: &CloseFacts) -> Vec<String> {
        let open = facts.checklist().into_iter().filter(|item| item.state == CheckState::Open);
        open.map(|item| format!("{}: {}", item.check.as_str(), item.value.replace('\u{a0}', " "))).collect()
    }

    #[test]
    fn each_thing_of_the_checklist_stands_in_the_way_by_itself() {
        assert_eq!(open(&facts()), Vec::<String>::new());
        assert_eq!(open(&CloseFacts { today: day("2026-11-30"), ..facts() }), ["month_over: ends Nov 30"]);
        assert_eq!(open(&CloseFacts { unpriced: 60, ..facts() }), ["priced: 60 unpriced requests"]);
        let less = CloseFacts { stated: Decimal::from(456), ..facts() };
        assert_eq!(open(&less), ["allocated: 95.000 %, +$24.00 missing"]);
        let hair = CloseFacts { stated: Decimal::from(480) - Decimal::new(1, 12), ..facts() };
        assert_eq!(open(&hair).len(), 1, "to the last place");
        assert_eq!(open(&CloseFacts { open_disputes: 1, ..facts() }), ["disputes: 1 open"]);
        let nothing = CloseFacts { counted: Decimal::ZERO, stated: Decimal::ZERO, ..facts() };
        assert_eq!(open(&nothing), Vec::<String>::new());
    }

    #[test]
    fn months_are_closed_one_after_another_and_adjustments_stand_in_the_next() {
        let moved = CloseFacts { pending: Decimal::new(310, 2), pending_entries: 2, ..facts() };
        assert_eq!(open(&moved), Vec::<String>::new());
        assert_eq!(moved.checklist()[5].value.replace('\u{a0}', " "), "2 adjustments here, +$3.10");
        let later = CloseFacts { last_closed: Some(day("2026-09-01")), ..moved };
        assert_eq!(
            open(&later),
            [
                "previous_closed: September 2026 is the last one closed",
                "adjustments: 2 adjustments, +$3.10, in October 2026"
            ]
        );
        let earlier = CloseFacts { last_closed: Some(day("2026-12-01")), ..facts() };
        assert_eq!(open(&earlier).len(), 1, "a month before the first closed one is never closed");
        assert_eq!(open(&CloseFacts { last_closed: None, ..facts() }), Vec::<String>::new());
    }

    #[test]
    fn a_waiver_is_for_what_was_there_when_it_was_given() {
        let at = "2026-12-02T09:00:00Z".parse().unwrap();
        let waiver = Waiver { up_to: 60, reason: "Free trial.".to_owned(), by: "ada@example.com".to_owned(), at };
        let waived = |unpriced| CloseFacts { unpriced, waiver: Some(waiver.clone()), ..facts() }.checklist()[1].clone();
        assert!(matches!(waived(60).state, CheckState::Waived { .. }));
        assert_eq!(waived(0).state, CheckState::Ok);
        assert_eq!(waived(61).state, CheckState::Open);
        assert!(check_closable(&[waived(60), waived(0)]).is_ok());
        let refused = check_closable(&[waived(61)]).unwrap_err().detail().replace('\u{a0}', " ");
        assert_eq!(refused, "Not yet: All usage priced (61 unpriced requests).");
        let stored = serde_json::to_value(waived(60)).unwrap();
        assert_eq!(stored["state"], "waived");
        assert_eq!(serde_json::from_value::<CheckItem>(stored).unwrap(), waived(60));
    }

    #[test]
    fn a_dispute_is_about_a_line_that_is_there() {
        let id: DisputeId = "018f0000-0000-7000-8000-0000000000aa".parse().unwrap();
        let lines = ["search/openai/gpt-4o".to_owned()];
        let form = |line: &str, amount: &str, reason: &str| {
            DisputeForm { line: line.to_owned(), amount: amount.to_owned(), reason: reason.to_owned() }
                .parse(id, &lines)
        };
        let dispute = form("search/openai/gpt-4o", " $1,012.40", "Not ours.").unwrap();
        assert_eq!((dispute.amount, dispute.line), (Some(Decimal::new(101_240, 2)), Some(lines[0].clone())));
        assert_eq!(form("", "", "All of it.").unwrap().line, None);
        let wrong = form("other", "0", " ").unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(fields, ["line", "amount", "reason"]);
    }
}
