//! Which events a run is to look at.

use super::RunKind;
use crate::period::Period;
use crate::problem::FieldProblem;
use crate::span::Edge;
use crate::spend::{Dimension, Filter};
use crate::statement::parse_month;
use serde::{Deserialize, Serialize};

/// What a run is to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInput {
    /// Which events.
    pub kind: RunKind,
    /// From here on; none means from the first event.
    pub from: Option<Edge>,
    /// Up to but without here; none means to the last event.
    pub to: Option<Edge>,
    /// All must hold.
    pub filters: Vec<Filter>,
}

impl RunInput {
    /// A run over all events of one model that wait for a price.
    #[must_use]
    pub fn pricing(provider: &str, model: &str) -> Self {
        let only = |dimension, value: &str| Filter::only(dimension, vec![value.to_owned()]);
        Self {
            kind: RunKind::Pricing,
            from: None,
            to: None,
            filters: vec![only(Dimension::Provider, provider), only(Dimension::Model, model)],
        }
    }

    /// A run that applies the contract's terms to a month.
    #[must_use]
    pub const fn contract(month: Period) -> Self {
        let (from, to) = (Some(Edge::Day(month.from)), Some(Edge::Day(month.to)));
        Self { kind: RunKind::Contract, from, to, filters: Vec::new() }
    }

    /// The month of a run of the contract; none for other runs.
    #[must_use]
    pub fn month(&self) -> Option<Period> {
        match (self.kind, self.from, self.to) {
            (RunKind::Contract, Some(Edge::Day(from)), Some(Edge::Day(to))) if self.filters.is_empty() => {
                Some(Period::month_of(from)).filter(|month| *month == Period { from, to })
            }
            _ => None,
        }
    }

    /// The contract is applied to one whole month, and nothing else is.
    fn over(self, month: Option<Period>) -> Result<Self, FieldProblem> {
        let is_narrowed = self.from.is_some() || self.to.is_some() || !self.filters.is_empty();
        match (self.kind, month) {
            (RunKind::Contract, Some(month)) if !is_narrowed => Ok(Self::contract(month)),
            (RunKind::Contract, Some(_)) => {
                Err(FieldProblem::new("month", "whole", "A contract counts whole months: leave out dates and filters."))
            }
            (RunKind::Contract, None) => {
                Err(FieldProblem::new("month", "required", "Say which month, such as 2026-11."))
            }
            (_, Some(_)) => Err(FieldProblem::new("month", "not_here", "Only a run of the contract has a month.")),
            (_, None) => Ok(self),
        }
    }
}

/// Which events a run is to look at, as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunForm {
    /// `repricing` for all events, `pricing` for those without a price, `contract` to apply the contract's terms to a `month`.
    #[cfg_attr(feature = "openapi", schema(value_type = RunKind))]
    pub kind: String,
    /// The month of a run of the kind `contract`, which takes neither dates nor filters.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub month: Option<String>,
    /// From this day of the organization's zone or this instant; from the first event when missing.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-01"))]
    pub from: Option<String>,
    /// Up to but without this day or instant; to the last event when missing.
    pub to: Option<String>,
    /// Only this provider, as sent.
    pub provider: Option<String>,
    /// Only this model, as sent.
    pub model: Option<String>,
    /// Only this project.
    pub project: Option<String>,
    /// Only projects that this team owned at the time.
    pub team: Option<String>,
}

impl RunForm {
    /// Reads all fields; empty ones are left out.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self) -> Result<RunInput, Vec<FieldProblem>> {
        let mut input = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: Vec::new() };
        let mut wrong = Vec::new();
        wrong.extend(self.kind.parse().map(|kind| input.kind = kind).err());
        let mut month = None;
        let fields = [
            ("month", &self.month),
            ("from", &self.from),
            ("to", &self.to),
            ("provider", &self.provider),
            ("model", &self.model),
            ("project", &self.project),
            ("team", &self.team),
        ];
        for (name, value) in fields {
            let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) else { continue };
            let taken = match name {
                "month" => read_month(value).map(|read| month = Some(read)),
                "from" => Edge::read(name, value).map(|edge| input.from = Some(edge)),
                "to" => Edge::read(name, value).map(|edge| input.to = Some(edge)),
                _ => Filter::read_of_events(&mut input.filters, name, value),
            };
            wrong.extend(taken.err());
        }
        if wrong.is_empty() { input.over(month).map_err(|problem| vec![problem]) } else { Err(wrong) }
    }
}

fn read_month(text: &str) -> Result<Period, FieldProblem> {
    parse_month(text).map_err(|_| FieldProblem::new("month", "invalid", "Use a month such as 2026-11."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn form(kind: &str) -> RunForm {
        RunForm { kind: kind.to_owned(), ..RunForm::default() }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_run_is_read_from_a_form() {
        let read = RunForm { from: some(""), provider: some("openai"), model: some("gpt-4o"), ..form("pricing") };
        assert_eq!(read.parse().unwrap(), RunInput::pricing("openai", "gpt-4o"));
        let wrong = RunForm { from: some("x"), month: some("October"), ..form("") }.parse().unwrap_err();
        assert_eq!(wrong.iter().map(|wrong| &*wrong.pointer).collect::<Vec<_>>(), ["kind", "month", "from"]);
    }

    #[test]
    fn the_contract_is_applied_to_whole_months() {
        let october = Period::month_of(NaiveDate::from_ymd_opt(2026, 10, 1).unwrap());
        let whole = RunForm { month: some("2026-10"), provider: some(""), ..form("contract") };
        let input = whole.parse().unwrap();
        assert_eq!((&input, input.month()), (&RunInput::contract(october), Some(october)));
        for wrong in [
            form("contract"),
            RunForm { provider: some("openai"), ..whole.clone() },
            RunForm { month: some("October"), ..whole.clone() },
            RunForm { month: some("2026-10"), ..form("repricing") },
        ] {
            assert_eq!(wrong.parse().unwrap_err()[0].pointer, "month", "{wrong:?}");
        }
        let part = RunInput { from: Some(Edge::Day(october.to)), ..RunInput::contract(october) };
        assert_eq!(part.month(), None);
    }
}
