//! A part of a statement that was made for everybody: what one reader, team or project sees of it.

use super::{MonthStatement, ProjectStatement, TeamStatement};
use crate::allocation::Party;
use crate::spend::Sums;
use std::collections::BTreeSet;

impl MonthStatement {
    /// What belongs to owners that are kept, told by the short names of team and project; sums are those of what stays.
    #[must_use]
    pub fn part(self, keeps: impl Fn(Option<&str>, Option<&str>) -> bool) -> Self {
        let of_team = |team: TeamStatement| {
            let slug = team.team.as_ref().map(|team| team.slug.clone());
            let kept = |project: &ProjectStatement| keeps(slug.as_deref(), Some(&project.project.slug));
            let projects: Vec<_> = team.projects.into_iter().filter(kept).collect();
            let charges = if keeps(slug.as_deref(), None) { team.charges } else { Vec::new() };
            let shared = if keeps(slug.as_deref(), None) { team.shared } else { Vec::new() };
            let markup = team.markup.filter(|_| keeps(slug.as_deref(), None));
            let sums = add_up(projects.iter().map(|project| &project.sums));
            TeamStatement { sums, projects, charges, shared, markup, ..team }
        };
        let teams = self.teams.into_iter().map(of_team);
        let is_there =
            |team: &TeamStatement| !(team.projects.is_empty() && team.charges.is_empty() && team.shared.is_empty());
        let teams: Vec<_> = teams.filter(is_there).collect();
        let (unallocated, unallocated_shared) =
            if keeps(None, None) { (self.unallocated, self.unallocated_shared) } else { Default::default() };
        let adjustments = self.adjustments.into_iter();
        let adjustments =
            adjustments.filter(|entry| keeps(entry.key.team.as_deref(), entry.key.project.as_deref())).collect();
        Self {
            total: add_up(teams.iter().map(|team| &team.sums)),
            teams,
            unallocated,
            unallocated_shared,
            adjustments,
            ..self
        }
    }

    /// As somebody reads it who sees no others than those who are on it: behind what rules moved, others stay unnamed.
    #[must_use]
    pub fn without_others(mut self) -> Self {
        let teams = self.teams.iter().filter_map(|team| Some(Party::Team(team.team.as_ref()?.slug.clone())));
        let projects = self.teams.iter().flat_map(|team| &team.projects);
        let projects = projects.map(|project| Party::Project(project.project.slug.clone()));
        let seen: BTreeSet<Party> = teams.chain(projects).collect();
        for team in &mut self.teams {
            let of_projects = team.projects.iter_mut().flat_map(|project| &mut project.shared);
            of_projects.chain(&mut team.shared).for_each(|line| line.hide(|party| seen.contains(party)));
        }
        self
    }
}

/// All of some sums together.
pub(super) fn add_up<'a>(parts: impl Iterator<Item = &'a Sums>) -> Sums {
    let mut sums = Sums::default();
    parts.for_each(|part| sums.add(part));
    sums
}
