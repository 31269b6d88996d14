//! Statements: what each team and project owes for one month, with the lines behind every total.
//!
//! A total is the same sum that Overview shows for the same days; its lines add up to it exactly.

mod close;
mod entry;
mod file;
mod mails;
mod markup;
mod part;
mod readiness;
mod version;

pub use close::{
    Check, CheckItem, CheckState, CloseFacts, Dispute, DisputeAnswer, DisputeForm, MonthClose, MonthState, TeamReply,
    TeamReview, Waiver, check_closable, closed_problem, next_month,
};
pub use entry::{Entries, Entry, EntryChange, EntryKey, EntrySource};
pub use mails::{MAX_STATEMENT_RECIPIENTS, MailSchedule, StatementMails, StatementRecipient};
pub use markup::{MarkupForm, MarkupLine, MarkupRule};
pub use readiness::{Readiness, disputed};
pub use version::{BUNDLE_FORMAT, Bundle, BundledVersion, Finding, StatementBody, Version, canonical, sha256, verify};

use markup::marked_up;

use crate::allocation::{SharedLine, shared};
use crate::charge::{ChargeLine, charged};
use crate::meter::Meter;
use crate::period::Period;
use crate::price::usual_per;
use crate::problem::Problem;
use crate::spend::Sums;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Places of a line's rate: what is behind them comes from the rounding of each event.
const RATE_PLACES: u32 = 6;

/// Who a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// A team, with the projects that it owned.
    Team,
    /// One project.
    Project,
}

impl StatementKind {
    /// The word in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Project => "project",
        }
    }
}

impl FromStr for StatementKind {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "team" => Ok(Self::Team),
            "project" => Ok(Self::Project),
            _ => Err(Problem::NotFound),
        }
    }
}

/// Reads a month such as `2026-11`.
///
/// # Errors
/// [`Problem::Invalid`] that names `month`.
pub fn parse_month(text: &str) -> Result<Period, Problem> {
    let wrong = || Problem::field("month", "invalid", "Use a month such as 2026-11.");
    let fits = text.len() == 7 && text.is_ascii();
    let first: NaiveDate = format!("{text}-01").parse().map_err(|_| wrong())?;
    if fits { Ok(Period::month_of(first)) } else { Err(wrong()) }
}

/// A month as [`parse_month`] reads it.
#[must_use]
pub fn month_text(day: NaiveDate) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

/// A team or project with the code under which finance books it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostOwner {
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its cost centre code.
    pub cost_centre: Option<String>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// One meter of a model.
    Meter(Meter),
    /// What a term of the contract took off or added for the month.
    Contract,
    /// What else moved the model's spend after it was booked.
    Adjusted,
    /// Requests whose cost is not known.
    Unpriced,
    /// Spend of a model that no meter accounts for.
    Rest,
}

impl LineKind {
    /// The word in JSON and CSV.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meter(meter) => meter.as_str(),
            Self::Contract => "contract",
            Self::Adjusted => "adjusted",
            Self::Unpriced => "unpriced",
            Self::Rest => "rest",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Meter(meter) => meter.label(),
            Self::Contract => "Contract",
            Self::Adjusted => "Adjusted after booking",
            Self::Unpriced => "Waiting for a price",
            Self::Rest => "Not split by meter",
        }
    }

    /// What the quantity counts.
    #[must_use]
    pub const fn unit(self) -> Option<&'static str> {
        match self {
            Self::Meter(meter) => Some(meter.unit().as_str()),
            Self::Contract | Self::Adjusted | Self::Unpriced | Self::Rest => None,
        }
    }
}

/// A line of a project's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// Who sells the model.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// The scope.
    pub kind: LineKind,
    /// Which term of the contract; none for other lines.
    #[serde(default)]
    pub term: Option<String>,
    /// How much of the meter was used.
    pub quantity: Option<Decimal>,
    /// Requests that used it.
    pub requests: i64,
    /// What it cost as booked; adjustments stand on lines of their own. None where no price is known.
    pub amount: Option<Decimal>,
}

impl StatementLine {
    /// What its units cost on average in US dollars, and for how many of them that is: the amount over the quantity, to six places. One rate where the price held all month.
    #[must_use]
    pub fn rate(&self) -> Option<(Decimal, u64)> {
        // What is reported over or included in a plan is an amount, of no quantity.
        let LineKind::Meter(meter) = self.kind else { return None };
        let per = meter.is_usage().then(|| usual_per(meter))?;
        let rate = self.amount?.checked_mul(Decimal::from(per))?.checked_div(self.quantity?)?;
        Some((rate.round_dp(RATE_PLACES), per))
    }
}

/// What a project owes for the days on which one team owned it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectStatement {
    /// The project.
    pub project: CostOwner,
    /// Its total.
    pub sums: Sums,
    /// The lines behind it, by falling spend of their model; empty where only totals were asked.
    pub lines: Vec<StatementLine>,
    /// Its charges beside events, which are no part of its sums.
    pub charges: Vec<ChargeLine>,
    /// What allocation rules brought and took, which is no part of its sums either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<SharedLine>,
    /// What is added to all of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markup: Option<MarkupLine>,
}

impl ProjectStatement {
    /// Usage, what was shared, and charges together, without markup.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.sums.spend + shared(&self.shared) + charged(&self.charges)
    }
}

/// What a team owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamStatement {
    /// The team; none where no owner is recorded.
    pub team: Option<CostOwner>,
    /// Its total.
    pub sums: Sums,
    /// Its projects by falling total.
    pub projects: Vec<ProjectStatement>,
    /// Its own charges, beside those of its projects.
    pub charges: Vec<ChargeLine>,
    /// What allocation rules brought to the team itself and took from it, beside those of its projects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<SharedLine>,
    /// What is added to these; to what its projects owe, it is added there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markup: Option<MarkupLine>,
}

impl TeamStatement {
    /// Its own charges and those of its projects.
    #[must_use]
    pub fn charged(&self) -> Decimal {
        let projects = self.projects.iter().flat_map(|project| &project.charges);
        charged(projects.chain(&self.charges))
    }

    /// What allocation rules brought to it and its projects, less what they took.
    #[must_use]
    pub fn shared(&self) -> Decimal {
        let projects = self.projects.iter().flat_map(|project| &project.shared);
        shared(projects.chain(&self.shared))
    }

    /// Usage, what was shared, and charges together, without markup.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.sums.spend + self.shared() + self.charged()
    }

    /// What the team itself owes beside its projects, without markup.
    #[must_use]
    pub fn own_total(&self) -> Decimal {
        charged(&self.charges) + shared(&self.shared)
    }

    /// What markup adds to what it and its projects owe.
    #[must_use]
    pub fn marked_up(&self) -> Decimal {
        marked_up(self.projects.iter().map(|project| &project.markup).chain([&self.markup]))
    }
}

/// What everyone owes for one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthStatement {
    /// The month, in the organization's zone.
    pub month: Period,
    /// The organization's present day.
    pub today: NaiveDate,
    /// ISO 4217 code.
    pub currency: String,
    /// IANA name of the organization's zone.
    pub time_zone: String,
    /// Over all teams.
    pub total: Sums,
    /// The teams by falling total.
    pub teams: Vec<TeamStatement>,
    /// Charges of no team and no project.
    pub unallocated: Vec<ChargeLine>,
    /// What allocation rules made nobody's, and took from there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unallocated_shared: Vec<SharedLine>,
    /// Where the month stands; a closed one is as it was closed.
    #[serde(default)]
    pub state: MonthState,
    /// What moved in closed months and stands in this one, each amount with the month that it belongs to. No part of the other sums.
    #[serde(default)]
    pub adjustments: Vec<Entry>,
}

impl MonthStatement {
    /// All charges, unallocated ones included; they are no part of the total's sums.
    #[must_use]
    pub fn charged(&self) -> Decimal {
        self.teams.iter().map(TeamStatement::charged).sum::<Decimal>() + charged(&self.unallocated)
    }

    /// What allocation rules brought to everybody on it, less what they took: nothing, where it is of everybody.
    #[must_use]
    pub fn shared(&self) -> Decimal {
        self.teams.iter().map(TeamStatement::shared).sum::<Decimal>() + shared(&self.unallocated_shared)
    }

    /// Whether rules moved anything.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        let of_team = |team: &TeamStatement| {
            !team.shared.is_empty() || team.projects.iter().any(|project| !project.shared.is_empty())
        };
        !self.unallocated_shared.is_empty() || self.teams.iter().any(of_team)
    }

    /// What nobody answers for: what no team owned, and what is of no project. With the statements of teams it adds up to usage and charges.
    #[must_use]
    pub fn unallocated(&self) -> Decimal {
        let nobodys = self.teams.iter().filter(|team| team.team.is_none()).map(TeamStatement::total);
        nobodys.sum::<Decimal>() + shared(&self.unallocated_shared) + charged(&self.unallocated)
    }

    /// All adjustments of closed months.
    #[must_use]
    pub fn adjusted(&self) -> Decimal {
        self.adjustments.iter().map(|entry| entry.amount).sum()
    }

    /// Adjustments of one team; of nobody for none.
    pub fn adjustments_of(&self, team: Option<&str>) -> impl Iterator<Item = &Entry> {
        self.adjustments.iter().filter(move |entry| entry.key.team.as_deref() == team)
    }

    /// Usage, what was shared, charges, markup and adjustments together.
    #[must_use]
    pub fn grand_total(&self) -> Decimal {
        self.total.spend + self.shared() + self.charged() + self.marked_up() + self.adjusted()
    }

    /// Whether the month has ended, so that only late events can still change it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.today >= self.month.to
    }
}

/// The total of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthTotal {
    /// First day of the month.
    pub month: NaiveDate,
    /// Its sums.
    pub sums: Sums,
    /// Its charges beside events, which are no part of the sums.
    pub charged: Decimal,
    /// What moved in closed months and was posted in it: of a closed month alone.
    pub adjusted: Decimal,
    /// Where it stands; spend, charges and adjustments of a closed one are as it was closed.
    pub state: MonthState,
}

/// The sums of one model in one project's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSums {
    /// Who sells the model.
    pub provider: String,
    /// The model as sent.
    pub model: String,
    /// Its sums.
    pub sums: Sums,
    /// What its meters account for: meter, quantity, requests, amount as booked.
    pub meters: Vec<(Meter, Decimal, i64, Decimal)>,
    /// What the terms of the contract took off or added: each in one line, and the amount.
    pub terms: Vec<(String, Decimal)>,
}

/// The lines of one model: its meters in the order of receipts, then what has no price, what no meter accounts for, the contract's terms, and what else moved since.
///
/// The amounts add up to the model's spend exactly.
#[must_use]
pub fn lines(mut model: ModelSums) -> Vec<StatementLine> {
    model.meters.sort_by_key(|(meter, ..)| *meter);
    let sums = &model.sums;
    let unpriced = sums.unpriced_requests > 0 && sums.unpriced_requests == sums.requests;
    let line = |kind, quantity, requests, amount| StatementLine {
        provider: model.provider.clone(),
        model: model.model.clone(),
        kind,
        term: None,
        quantity,
        requests,
        amount,
    };
    let by_meter: Decimal = model.meters.iter().map(|(.., amount)| *amount).sum();
    let mut lines: Vec<_> = model
        .meters
        .iter()
        .map(|(meter, quantity, requests, amount)| {
            let known = (!unpriced || !amount.is_zero()).then_some(*amount);
            line(LineKind::Meter(*meter), Some(*quantity), *requests, known)
        })
        .collect();
    if sums.unpriced_requests > 0 {
        lines.push(line(LineKind::Unpriced, None, sums.unpriced_requests, None));
    }
    if by_meter != sums.booked || lines.is_empty() {
        lines.push(line(LineKind::Rest, None, sums.requests, Some(sums.booked - by_meter)));
    }
    let by_term: Decimal = model.terms.iter().map(|(_, amount)| *amount).sum();
    lines.extend(model.terms.iter().map(|(term, amount)| StatementLine {
        term: Some(term.clone()),
        ..line(LineKind::Contract, None, 0, Some(*amount))
    }));
    let adjusted = sums.spend - sums.booked - by_term;
    if !adjusted.is_zero() {
        lines.push(line(LineKind::Adjusted, None, 0, Some(adjusted)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn model(spend: &str, requests: i64, unpriced_requests: i64, meters: &[(Meter, &str)]) -> ModelSums {
        ModelSums {
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            sums: Sums { spend: amount(spend), booked: amount(spend), requests, unpriced_requests, ..Sums::default() },
            meters: meters.iter().map(|(meter, cost)| (*meter, Decimal::TEN, requests, amount(cost))).collect(),
            terms: vec![],
        }
    }

    fn read(lines: Vec<StatementLine>) -> Vec<(&'static str, Option<String>)> {
        lines.iter().map(|line| (line.kind.as_str(), line.amount.map(|amount| amount.to_string()))).collect()
    }

    #[test]
    fn lines_add_up_to_the_models_spend() {
        let some = |text: &str| Some(text.to_owned());
        let meters = [(Meter::Output, "2"), (Meter::InputUncached, "1")];
        assert_eq!(read(lines(model("3", 5, 0, &meters))), [("input_uncached", some("1")), ("output", some("2"))]);
        assert_eq!(
            read(lines(model("2.5", 5, 1, &meters))),
            [("input_uncached", some("1")), ("output", some("2")), ("unpriced", None), ("rest", some("-0.5"))]
        );
        assert_eq!(read(lines(model("0", 5, 5, &[(Meter::Output, "0")]))), [("output", None), ("unpriced", None)]);
        assert_eq!(read(lines(model("0", 5, 0, &[]))), [("rest", some("0"))]);
        let mut moved = model("3", 5, 0, &meters);
        moved.sums.spend = amount("3.5");
        assert_eq!(
            read(lines(moved)),
            [("input_uncached", some("1")), ("output", some("2")), ("adjusted", some("0.5"))]
        );
        let mut contract = model("3", 5, 0, &meters);
        contract.sums.spend = amount("2.5");
        contract.terms = vec![("1,000 free tokens".to_owned(), amount("-0.5"))];
        let stated = lines(contract.clone());
        assert_eq!(stated[2].term.as_deref(), Some("1,000 free tokens"));
        assert_eq!(read(stated), [("input_uncached", some("1")), ("output", some("2")), ("contract", some("-0.5"))]);
        contract.terms[0].1 = amount("-0.75");
        assert_eq!(read(lines(contract))[3], ("adjusted", some("0.25")));
    }

    #[test]
    fn a_lines_rate_is_its_amount_over_its_quantity() {
        let rate = |meter, amount: &str, quantity: &str| {
            let sums = (meter, quantity.parse().unwrap(), 1, amount.parse().unwrap());
            lines(ModelSums { meters: vec![sums], ..model(amount, 1, 0, &[]) })[0].rate()
        };
        assert_eq!(rate(Meter::Output, "0.002500000001", "1000"), Some((amount("2.500000"), 1_000_000)));
        assert_eq!(rate(Meter::Images, "0.4", "10"), Some((amount("0.04"), 1)));
        assert_eq!(rate(Meter::Images, "0.4", "0"), None);
        assert_eq!(lines(model("0", 5, 5, &[])).iter().filter_map(StatementLine::rate).count(), 0);
    }

    #[test]
    fn months_are_read_and_written() {
        let month = parse_month("2026-11").unwrap();
        assert_eq!(month_text(month.from), "2026-11");
        assert_eq!(month.days(), 30);
        for wrong in ["", "2026", "2026-13", "2026-1", "+2026-11", "2026-11-01"] {
            assert!(parse_month(wrong).is_err(), "{wrong}");
        }
    }
}
