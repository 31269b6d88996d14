//! Markup: what is added to what teams owe, in percent, dated by month.

use super::{MonthStatement, TeamStatement, parse_month};
use crate::money::round_line;
use crate::period::Period;
use crate::price::own::Wrong;
use crate::problem::FieldProblem;
use crate::project::Slug;
use crate::repricing::parse_reason;
use crate::rule::{NewRule, Rule, RuleKind, midnight};
use crate::span::{Edge, Span};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Largest markup, in percent.
const MAX_PERCENT: u64 = 100;
/// Places of a markup.
const PERCENT_PLACES: u32 = 4;

/// A markup on what one team owes, or all that have none of their own. A rule: superseded, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkupRule {
    /// Short name of the team; none for all that have no markup of their own.
    pub team: Option<Slug>,
    /// In percent; zero takes it from a team.
    pub percent: Decimal,
    /// Holds from this month on; none means from the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// Until before this month; none means without an end date.
    pub valid_to: Option<DateTime<Utc>>,
    /// Why, for those who read the statements later.
    pub reason: String,
}

impl MarkupRule {
    /// "5 %".
    #[must_use]
    pub fn percent_text(&self) -> String {
        percent_text(self.percent)
    }
}

impl Rule for MarkupRule {
    const KIND: RuleKind = RuleKind::Markup;

    fn numbered(self, _rule_id: u64, _rank: u64) -> Self {
        self
    }

    fn within(self, span: Span) -> Self {
        Self { valid_from: span.from, valid_to: span.to, ..self }
    }

    fn span(&self) -> Span {
        Span { from: self.valid_from, to: self.valid_to }
    }

    fn subject(&self) -> String {
        self.team.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn conflict_key(&self) -> Option<String> {
        Some(self.subject())
    }

    fn describe(&self) -> String {
        let whose = self.team.as_ref().map_or_else(|| "all teams".to_owned(), |team| format!("team {team}"));
        format!("markup of {} on statements of {whose} ({})", self.percent_text(), self.reason)
    }
}

fn percent_text(percent: Decimal) -> String {
    format!("{}\u{a0}%", percent.normalize())
}

/// A markup as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MarkupForm {
    /// In percent from 0 to 100, with at most 4 places; 0 takes it from a team.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "5"))]
    pub percent: String,
    /// Short name of the team; empty for all that have no markup of their own.
    #[cfg_attr(feature = "openapi", schema(example = "growth"))]
    pub team: String,
    /// First month, such as `2026-11`; empty means all time before, too.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub from: String,
    /// The month in which it no longer holds; empty means without an end date.
    pub to: String,
    /// Why, for those who read the statements later.
    #[cfg_attr(
        feature = "openapi",
        schema(required = true, example = "Platform cost, agreed for 2027.", max_length = 500)
    )]
    pub reason: String,
}

impl MarkupForm {
    /// Reads all fields. Whether the team is there, the organization knows.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<NewRule<MarkupRule>, Vec<FieldProblem>> {
        let mut wrong = Wrong::default();
        let percent = wrong.take(read_percent(&self.percent)).unwrap_or_default();
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let team = some(&self.team).map(|team| {
            Slug::try_from(team).map_err(|_| FieldProblem::new("team", "invalid", "Use the short name of a team."))
        });
        let team = wrong.take(team.transpose()).flatten();
        let mut month = |field, text: &str| {
            let edge = |month: Period| Edge::Day(month.from);
            let read = some(text).map(|text| parse_month(&text).map(edge));
            let named = |_| FieldProblem::new(field, "invalid", "Use a month such as 2026-11.");
            wrong.take(read.transpose().map_err(named)).flatten()
        };
        let (from, to) = (month("from", &self.from), month("to", &self.to));
        let reason = wrong.take(parse_reason(&self.reason)).unwrap_or_default();
        wrong.or(NewRule { rule: MarkupRule { team, percent, valid_from: None, valid_to: None, reason }, from, to })
    }
}

fn read_percent(text: &str) -> Result<Decimal, FieldProblem> {
    let percent: Option<Decimal> = text.trim().trim_end_matches('%').trim_end().parse().ok();
    let fits =
        |percent: &Decimal| (Decimal::ZERO..=MAX_PERCENT.into()).contains(percent) && percent.scale() <= PERCENT_PLACES;
    percent.map(|percent| percent.normalize()).filter(fits).ok_or_else(|| {
        let detail = format!("Enter percent from 0 to {MAX_PERCENT}, such as 5 or 2.5.");
        FieldProblem::new("percent", "invalid", detail)
    })
}

/// What is added to an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkupLine {
    /// In percent.
    pub percent: Decimal,
    /// How much that is in US dollars: rounded once, to the 12th place, half to even.
    pub amount: Decimal,
}

impl MarkupLine {
    /// On what is owed; none of nothing.
    #[must_use]
    pub fn on(owed: Decimal, percent: Decimal) -> Option<Self> {
        let amount = round_line(owed * percent / Decimal::ONE_HUNDRED);
        (!percent.is_zero() && !owed.is_zero()).then_some(Self { percent, amount })
    }

    /// "Markup 5 %".
    #[must_use]
    pub fn label(&self) -> String {
        format!("Markup {}", percent_text(self.percent))
    }
}

/// The sum of lines that may be there.
pub(super) fn marked_up<'a>(lines: impl IntoIterator<Item = &'a Option<MarkupLine>>) -> Decimal {
    lines.into_iter().flatten().map(|line| line.amount).sum()
}

impl MonthStatement {
    /// With the markups of its month: of each team its own, else the one of all; on what each project and the team itself owe. What nobody answers for has none.
    #[must_use]
    pub fn with_markups(mut self, rules: &[MarkupRule]) -> Self {
        let at = midnight(self.month.from);
        let of = |team: Option<&str>| {
            let rule = rules.iter().find(|rule| rule.team.as_ref().map(Slug::as_str) == team && rule.span().holds(at));
            rule.map(|rule| rule.percent)
        };
        for team in &mut self.teams {
            let Some(owner) = &team.team else { continue };
            let Some(percent) = of(Some(&owner.slug)).or_else(|| of(None)) else { continue };
            team.markup = MarkupLine::on(team.own_total(), percent);
            for project in &mut team.projects {
                project.markup = MarkupLine::on(project.total(), percent);
            }
        }
        self
    }

    /// What markup adds, without that of adjustments.
    #[must_use]
    pub fn marked_up(&self) -> Decimal {
        self.teams.iter().map(TeamStatement::marked_up).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::version::tests::statement;
    use crate::statement::{EntrySource, MonthState};
    use chrono::NaiveDate;
    use proptest::prelude::*;

    fn form(percent: &str, team: &str, from: &str, to: &str) -> MarkupForm {
        let [percent, team, from, to] = [percent, team, from, to].map(str::to_owned);
        MarkupForm { percent, team, from, to, reason: "Platform.".to_owned() }
    }

    fn rule(percent: &str, team: &str, from: &str, to: &str) -> MarkupRule {
        let month = |text: &str| parse_month(text).ok().map(|month| midnight(month.from));
        let span = Span { from: month(from), to: month(to) };
        form(percent, team, "", "").parse().unwrap().rule.within(span)
    }

    fn november() -> NaiveDate {
        "2026-11-01".parse().unwrap()
    }

    #[test]
    fn a_form_names_every_wrong_field() {
        let wrong = form("101", "Growth!", "2026", "x").parse().unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.pointer.as_str()).collect();
        assert_eq!(fields, ["percent", "team", "from", "to"]);
        for percent in ["", "-1", "0.00001", "many"] {
            assert!(form(percent, "", "", "").parse().is_err(), "{percent}");
        }
        let new = form(" 2.50 % ", "growth", "2026-11", "").parse().unwrap();
        assert_eq!((new.rule.percent.to_string().as_str(), new.from), ("2.5", Some(Edge::Day(november()))));
        let said = new.rule.describe().replace('\u{a0}', " ");
        assert_eq!(said, "markup of 2.5 % on statements of team growth (Platform.)");
    }

    #[test]
    fn a_team_has_its_own_markup_else_that_of_all_in_its_months() {
        let owes = |rules: &[MarkupRule]| statement(november(), MonthState::Open, &[1_000]).with_markups(rules);
        let added = |rules: &[MarkupRule]| owes(rules).marked_up().normalize().to_string();
        let all = || rule("5", "", "2026-11", "");
        assert_eq!(added(&[all()]), "0.5");
        assert_eq!(added(&[all(), rule("2.5", "growth", "", "2026-12")]), "0.25");
        assert_eq!(added(&[all(), rule("0", "growth", "", "")]), "0");
        assert_eq!(added(&[all(), rule("9", "search", "", "")]), "0.5");
        assert_eq!(added(&[rule("5", "", "2026-12", ""), rule("5", "", "", "2026-11")]), "0");
        let owed = owes(&[all()]);
        assert_eq!((owed.grand_total(), owed.teams[0].total()), (Decimal::new(1_050, 2), Decimal::new(1_000, 2)));
        assert_eq!(owed.teams[0].projects[0].markup.as_ref().unwrap().label().replace('\u{a0}', " "), "Markup 5 %");
        assert!(owed.csv().contains("2026-11,growth,,main,,,Markup 5\u{a0}%,markup,,,,,,,0.500000000000,USD,,"));
    }

    proptest! {
        /// A markup is a line of its own: without it, everything is as it would be without any rule; entries are the total with it.
        #[test]
        fn without_markup_nothing_is_another(
            amounts in proptest::collection::vec(-9_999_999_i64..9_999_999, 1..5), percent in 0_i64..1_000_000,
        ) {
            let plain = statement(november(), MonthState::Open, &amounts);
            let rule = MarkupRule { percent: Decimal::new(percent, 4), ..rule("5", "", "", "") };
            let marked = plain.clone().with_markups(&[rule]);
            prop_assert_eq!(marked.grand_total() - marked.marked_up(), plain.grand_total());
            prop_assert_eq!(marked.entries().total(), marked.grand_total());
            let of_markup: Decimal = marked.entries().iter().filter(|(key, _)| key.source == EntrySource::Markup).map(|(_, amount)| amount).sum();
            prop_assert_eq!(of_markup, marked.marked_up());
            let exact = plain.grand_total() * Decimal::new(percent, 6);
            prop_assert!((marked.marked_up() - exact).abs() <= Decimal::new(1, 12), "rounded once");
        }
    }
}
