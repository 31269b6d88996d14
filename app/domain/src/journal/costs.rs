//! What a statement has that a journal books.

use super::{Account, Side};
use crate::charge::ChargeLine;
use crate::format;
use crate::statement::{CostOwner, MonthStatement, ProjectStatement, TeamStatement};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// What a cost is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostKind {
    /// Usage of the month.
    Usage,
    /// Charges beside events.
    Charge,
    /// What came in and went out by rules.
    Shared,
    /// What moved a closed month, which is named by its first day.
    Adjustment(NaiveDate),
}

/// An amount of a statement with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// What it is.
    pub kind: CostKind,
    /// The team's name; none where no owner is recorded.
    pub team: Option<String>,
    /// The project's name.
    pub project: Option<String>,
    /// Where it is booked: its own code, or the project's, or the team's.
    pub cost_centre: Option<String>,
    /// To whom it is owed.
    pub provider: String,
    /// How much, unrounded.
    pub amount: Decimal,
}

impl Cost {
    /// The line on which it is an expense.
    pub(super) fn side(&self, month: NaiveDate) -> Side {
        let what = match self.kind {
            CostKind::Usage => format!("AI usage, {}", format::month(month)),
            CostKind::Charge => format!("AI charges, {}", format::month(month)),
            CostKind::Shared => format!("Shared AI cost, {}", format::month(month)),
            CostKind::Adjustment(of) => format!("Adjustment of {} in {}", format::month(of), format::month(month)),
        };
        let of = [self.project.as_deref(), self.team.as_deref()].into_iter().flatten().next().unwrap_or("unallocated");
        Side {
            account: Account::Expense,
            cost_centre: self.cost_centre.clone().unwrap_or_default(),
            department: self.team.clone().unwrap_or_default(),
            project: self.project.clone().unwrap_or_default(),
            provider: self.provider.clone(),
            memo: format!("{what}: {of}"),
        }
    }
}

/// Everything that a statement with its lines adds up, which is its total exactly.
#[must_use]
pub fn costs(statement: &MonthStatement) -> Vec<Cost> {
    let teams = statement.teams.iter().flat_map(|team| {
        let projects = team.projects.iter().flat_map(|project| of_project(team.team.as_ref(), project));
        projects.chain(of_team(team))
    });
    let unallocated = statement.unallocated.iter().map(|line| of_charge(None, None, line));
    teams.chain(unallocated).collect()
}

fn of_project<'a>(team: Option<&'a CostOwner>, project: &'a ProjectStatement) -> impl Iterator<Item = Cost> + 'a {
    let usage = project.lines.iter().filter_map(move |line| {
        Some(Cost {
            kind: CostKind::Usage,
            provider: line.provider.clone(),
            amount: line.amount?,
            ..whose(team, Some(&project.project))
        })
    });
    usage.chain(project.charges.iter().map(move |line| of_charge(team, Some(&project.project), line)))
}

fn of_team(team: &TeamStatement) -> impl Iterator<Item = Cost> + '_ {
    team.charges.iter().map(|line| of_charge(team.team.as_ref(), None, line))
}

fn of_charge(team: Option<&CostOwner>, project: Option<&CostOwner>, line: &ChargeLine) -> Cost {
    let whose = whose(team, project);
    Cost {
        kind: CostKind::Charge,
        cost_centre: line.cost_centre.clone().or(whose.cost_centre),
        provider: line.provider.clone().unwrap_or_default(),
        amount: line.amount,
        ..whose
    }
}

fn whose(team: Option<&CostOwner>, project: Option<&CostOwner>) -> Cost {
    let name = |owner: &CostOwner| owner.name.clone();
    let codes = [project, team].into_iter().flatten().filter_map(|owner| owner.cost_centre.clone());
    Cost {
        kind: CostKind::Usage,
        team: team.map(name),
        project: project.map(name),
        cost_centre: codes.into_iter().next(),
        provider: String::new(),
        amount: Decimal::ZERO,
    }
}
