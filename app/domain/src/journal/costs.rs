//! What a statement has that a journal books.

use super::{Account, Side};
use crate::allocation::SharedLine;
use crate::charge::ChargeLine;
use crate::format;
use crate::statement::{CostOwner, Entry, EntrySource, MarkupLine, MonthStatement, ProjectStatement, TeamStatement};
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
    /// What markup adds.
    Markup,
    /// What moved a closed month, which is named by its first day.
    Adjustment(NaiveDate),
    /// What moved its markup.
    MarkupAdjustment(NaiveDate),
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
    /// Whether it is booked against what markup brings, not against the platform's recovery.
    pub(super) const fn is_markup(&self) -> bool {
        matches!(self.kind, CostKind::Markup | CostKind::MarkupAdjustment(_))
    }

    /// The line on which it is an expense.
    pub(super) fn side(&self, month: NaiveDate) -> Side {
        let what = match self.kind {
            CostKind::Usage => format!("AI usage, {}", format::month(month)),
            CostKind::Charge => format!("AI charges, {}", format::month(month)),
            CostKind::Shared => format!("Shared AI cost, {}", format::month(month)),
            CostKind::Markup => format!("Markup, {}", format::month(month)),
            CostKind::MarkupAdjustment(of) => {
                format!("Adjustment of the markup of {} in {}", format::month(of), format::month(month))
            }
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

/// Teams and projects as they are called and booked now, for adjustments of those that have nothing else on a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownOwners {
    /// Teams.
    pub teams: Vec<CostOwner>,
    /// Projects.
    pub projects: Vec<CostOwner>,
}

/// Everything that a statement with its lines adds up, which is its total exactly.
#[must_use]
pub fn costs(statement: &MonthStatement, known: &KnownOwners) -> Vec<Cost> {
    let teams = statement.teams.iter().flat_map(|team| {
        let projects = team.projects.iter().flat_map(|project| of_project(team.team.as_ref(), project));
        projects.chain(of_team(team))
    });
    let unallocated = statement.unallocated.iter().map(|line| of_charge(None, None, line));
    let unallocated = unallocated.chain(statement.unallocated_shared.iter().map(|line| of_shared(None, None, line)));
    let adjustments = statement.adjustments.iter().map(|entry| of_adjustment(statement, known, entry));
    teams.chain(unallocated).chain(adjustments).collect()
}

fn of_adjustment(statement: &MonthStatement, known: &KnownOwners, Entry { key, amount }: &Entry) -> Cost {
    let teams = statement.teams.iter().filter_map(|team| team.team.as_ref());
    let projects = statement.teams.iter().flat_map(|team| &team.projects).map(|project| &project.project);
    let team = key.team.as_ref().map(|slug| find(slug, teams.chain(&known.teams)));
    let project = key.project.as_ref().map(|slug| find(slug, projects.chain(&known.projects)));
    let provider = match &key.source {
        EntrySource::Usage { provider, .. } => provider.clone(),
        EntrySource::Charge { .. } | EntrySource::Shared { .. } | EntrySource::Markup => String::new(),
    };
    let kind = match key.source {
        EntrySource::Markup => CostKind::MarkupAdjustment(key.month),
        _ => CostKind::Adjustment(key.month),
    };
    let whose = whose(team.as_ref(), project.as_ref());
    Cost { kind, provider, amount: *amount, ..whose }
}

/// The first of this name; a cost is never dropped for want of one.
fn find<'a>(slug: &str, mut owners: impl Iterator<Item = &'a CostOwner>) -> CostOwner {
    let nameless = || CostOwner { slug: slug.to_owned(), name: slug.to_owned(), cost_centre: None };
    owners.find(|owner| owner.slug == slug).cloned().unwrap_or_else(nameless)
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
    let charges = project.charges.iter().map(move |line| of_charge(team, Some(&project.project), line));
    let shared = project.shared.iter().map(move |line| of_shared(team, Some(&project.project), line));
    usage.chain(charges).chain(shared).chain(of_markup(team, Some(&project.project), project.markup.as_ref()))
}

fn of_markup(team: Option<&CostOwner>, project: Option<&CostOwner>, line: Option<&MarkupLine>) -> Option<Cost> {
    line.map(|line| Cost { kind: CostKind::Markup, amount: line.amount, ..whose(team, project) })
}

fn of_team(team: &TeamStatement) -> impl Iterator<Item = Cost> + '_ {
    let charges = team.charges.iter().map(|line| of_charge(team.team.as_ref(), None, line));
    let shared = team.shared.iter().map(|line| of_shared(team.team.as_ref(), None, line));
    charges.chain(shared).chain(of_markup(team.team.as_ref(), None, team.markup.as_ref()))
}

/// It is owed to nobody anew: what one has more, another has less.
fn of_shared(team: Option<&CostOwner>, project: Option<&CostOwner>, line: &SharedLine) -> Cost {
    Cost { kind: CostKind::Shared, amount: line.amount, ..whose(team, project) }
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
    let mut codes = [project, team].into_iter().flatten().filter_map(|owner| owner.cost_centre.clone());
    Cost {
        kind: CostKind::Usage,
        team: team.map(name),
        project: project.map(name),
        cost_centre: codes.next(),
        provider: String::new(),
        amount: Decimal::ZERO,
    }
}
