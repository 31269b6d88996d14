//! Which organization, who, and what they may see: the first argument of every verb.

use crate::Error;
use chrono::{DateTime, NaiveDate, Utc};
use domain::format;
use domain::identity::{KeyScope, Permission, Role};
use domain::ids::{KeyId, OrgId, ProjectId, TeamId, UserId};
use domain::period::{Calendar, Period, Zone};
use domain::problem::Problem;
use domain::project::Ownership;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in member.
    User {
        /// Who.
        user_id: UserId,
        /// Their role here.
        role: Role,
    },
    /// A program with an API key.
    Key {
        /// Which key.
        key_id: KeyId,
        /// What it may do.
        scopes: BTreeSet<KeyScope>,
        /// The project of events that name none.
        default_project: ProjectId,
    },
    /// A background loop of the server.
    System,
}

/// What the caller sees; totals never include anything else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Visible {
    /// All of the organization.
    All,
    /// Only this.
    Only(Arc<SeenPart>),
}

impl Visible {
    /// One project, whoever owned it when: what a key of one project sees.
    pub(crate) fn project(project_id: ProjectId) -> Self {
        let days = ProjectDays { project_id, from: None, to: None };
        Self::Only(Arc::new(SeenPart {
            teams: BTreeSet::new(),
            projects: BTreeSet::from([project_id]),
            days: BTreeSet::from([days]),
        }))
    }

    /// The projects that are visible today; of all none is told.
    pub(crate) fn projects(&self) -> Vec<Uuid> {
        match self {
            Self::All => Vec::new(),
            Self::Only(part) => part.projects.iter().map(|project| project.0).collect(),
        }
    }

    /// What some teams own: on each day the projects that were theirs, and where there is no day those that are theirs today.
    pub(crate) fn teams(teams: BTreeSet<TeamId>, owned: &[Ownership], today: NaiveDate) -> Self {
        let owned = owned.iter().filter(|span| teams.contains(&span.team_id));
        let days: BTreeSet<_> = owned
            .map(|span| ProjectDays { project_id: span.project_id, from: span.valid_from, to: span.valid_to })
            .collect();
        let projects = days.iter().filter(|days| days.has(today)).map(|days| days.project_id).collect();
        Self::Only(Arc::new(SeenPart { teams, projects, days }))
    }
}

/// A part of an organization that a caller sees.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SeenPart {
    teams: BTreeSet<TeamId>,
    projects: BTreeSet<ProjectId>,
    days: BTreeSet<ProjectDays>,
}

impl SeenPart {
    /// The projects that are seen on some days alone, with these days.
    pub(crate) fn days(&self) -> impl Iterator<Item = &ProjectDays> {
        self.days.iter().filter(|days| !days.are_all())
    }

    /// The projects that are seen on every day.
    pub(crate) fn always(&self) -> Vec<Uuid> {
        self.days.iter().filter(|days| days.are_all()).map(|days| days.project_id.0).collect()
    }
}

/// Days of a project, in the organization's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProjectDays {
    pub(crate) project_id: ProjectId,
    /// The first; none means since the beginning of time.
    pub(crate) from: Option<NaiveDate>,
    /// The day after the last; none means without an end date.
    pub(crate) to: Option<NaiveDate>,
}

impl ProjectDays {
    const fn are_all(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    fn has(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }
}

/// The caller's view of one organization. Holding one is the proof of having been let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgScope {
    org_id: OrgId,
    zone: Zone,
    fiscal_year_start_month: u8,
    actor: Actor,
    visible: Visible,
    deletes_at: Option<DateTime<Utc>>,
}

impl OrgScope {
    /// Only `identity` and `keys`, which checked who asks, make one.
    pub(crate) const fn new(org_id: OrgId, zone: Zone, actor: Actor, visible: Visible) -> Self {
        Self { org_id, zone, fiscal_year_start_month: 1, actor, visible, deletes_at: None }
    }

    /// The view of an organization whose fiscal year begins with this month, 1 to 12; in January where nothing is said.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] for what is no month.
    pub(crate) fn fiscal_year_from(mut self, month: i16) -> Result<Self, Error> {
        self.fiscal_year_start_month =
            u8::try_from(month).map_err(|_| Error::inconsistent("organizations", "fiscal_year_start_month", month))?;
        Ok(self)
    }

    /// The view of an organization that is going to be deleted: nothing is recorded there any more.
    pub(crate) fn deleted_at(self, deletes_at: Option<DateTime<Utc>>) -> Self {
        Self { deletes_at, ..self }
    }

    /// The organization.
    #[must_use]
    pub const fn org_id(&self) -> OrgId {
        self.org_id
    }

    /// Its reporting time zone.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// First month of its fiscal year, 1 to 12.
    #[must_use]
    pub const fn fiscal_year_start_month(&self) -> u8 {
        self.fiscal_year_start_month
    }

    /// What named spans of days are seen from.
    #[must_use]
    pub fn calendar(&self, now: DateTime<Utc>) -> Calendar {
        Calendar { today: self.zone.day_of(now), fiscal_year_start_month: self.fiscal_year_start_month }
    }

    /// Who asks.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Which projects are visible.
    #[must_use]
    pub const fn visible(&self) -> &Visible {
        &self.visible
    }

    /// Whether the caller sees all of the organization.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.visible == Visible::All
    }

    /// Whether this project is visible, today.
    #[must_use]
    pub fn sees(&self, project: ProjectId) -> bool {
        match &self.visible {
            Visible::All => true,
            Visible::Only(part) => part.projects.contains(&project),
        }
    }

    /// Whether the caller sees what all days of this team add up to.
    #[must_use]
    pub fn sees_team(&self, team: TeamId) -> bool {
        match &self.visible {
            Visible::All => true,
            Visible::Only(part) => part.teams.contains(&team),
        }
    }

    /// The visible days of a project, in spans; none where all are.
    #[must_use]
    pub fn days_of(&self, project: ProjectId) -> Option<Vec<Period>> {
        let Visible::Only(part) = &self.visible else { return None };
        let of_project = || part.days.iter().filter(move |days| days.project_id == project);
        let span = |days: &ProjectDays| Period {
            from: days.from.unwrap_or(NaiveDate::MIN),
            to: days.to.unwrap_or(NaiveDate::MAX),
        };
        (!of_project().any(ProjectDays::are_all)).then(|| of_project().map(span).collect())
    }

    /// For SQL: null sees all, otherwise the list of projects that are visible today.
    #[must_use]
    pub fn visible_projects(&self) -> Option<Vec<Uuid>> {
        match &self.visible {
            Visible::All => None,
            Visible::Only(_) => Some(self.visible.projects()),
        }
    }

    /// For SQL: null sees all, otherwise the list of projects of which any day is visible.
    #[must_use]
    pub fn projects_ever(&self) -> Option<Vec<Uuid>> {
        match &self.visible {
            Visible::All => None,
            Visible::Only(part) => Some(part.days.iter().map(|days| days.project_id.0).collect()),
        }
    }

    /// For SQL: null sees all, otherwise the list of visible teams; a key of one project sees none.
    #[must_use]
    pub fn visible_teams(&self) -> Option<Vec<Uuid>> {
        match &self.visible {
            Visible::All => None,
            Visible::Only(part) => Some(part.teams.iter().map(|team| team.0).collect()),
        }
    }

    /// For SQL: the teams by which it goes what is seen; null sees all, or one project.
    #[must_use]
    pub fn limiting_teams(&self) -> Option<Vec<Uuid>> {
        self.visible_teams().filter(|teams| !teams.is_empty())
    }

    /// For SQL: null sees all, otherwise the visible projects and teams, for what belongs to either.
    #[must_use]
    pub fn visible_owners(&self) -> Option<Vec<Uuid>> {
        Some([self.visible_projects()?, self.visible_teams()?].concat())
    }

    /// Whether the caller may do it. A key's rights follow from its scopes: `read` reads, `admin` changes projects, budgets, prices and settings. A member who sees some teams has the rights that can be used on projects.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        match &self.actor {
            Actor::User { role, .. } => role.may(permission) && (self.sees_all() || permission.is_for_projects()),
            Actor::Key { scopes, .. } => match permission {
                Permission::Read | Permission::ReadPrices => scopes.contains(&KeyScope::Read),
                Permission::ManageProjects
                | Permission::ManageBudgets
                | Permission::ManageViews
                | Permission::ManagePrices
                | Permission::ManageExports
                | Permission::ManageOrganization => scopes.contains(&KeyScope::Admin) && self.sees_all(),
                _ => false,
            },
            Actor::System => true,
        }
    }

    /// Lets through whoever may do it.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] otherwise.
    pub fn require(&self, permission: Permission) -> Result<(), Problem> {
        if self.may(permission) {
            return Ok(());
        }
        let why = match self.actor {
            Actor::User { role, .. } if role.may(permission) => ": you see some teams alone. Ask an owner or admin",
            _ => "",
        };
        Err(Problem::Forbidden { detail: format!("You may not {}{why}.", permission.description()) })
    }

    /// Lets through whoever may do it and sees the whole organization: for what concerns all projects and cannot be told apart by them.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] otherwise.
    pub fn require_whole(&self, permission: Permission) -> Result<(), Problem> {
        self.require(permission)?;
        if self.sees_all() {
            return Ok(());
        }
        let why = match self.actor {
            Actor::Key { .. } => "the API key is bound to one project",
            _ => "you see some teams alone. Ask an owner or admin",
        };
        Err(Problem::Forbidden { detail: format!("This concerns the whole organization, and {why}.") })
    }

    /// Lets through keys with the scope; none sends events to an organization that is going to be deleted.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] otherwise.
    pub fn require_key_scope(&self, scope: KeyScope) -> Result<(), Problem> {
        let has = matches!(&self.actor, Actor::Key { scopes, .. } if scopes.contains(&scope));
        let detail = match (has, scope, self.deletes_at) {
            (true, KeyScope::Ingest, Some(at)) => {
                let day = format::day_year(self.zone.day_of(at));
                format!("The organization will be deleted on {day} and records no events any more.")
            }
            (true, _, _) => return Ok(()),
            (false, _, _) => format!("This API key lacks the scope `{}`.", scope.as_str()),
        };
        Err(Problem::Forbidden { detail })
    }

    /// The person, if a person asks.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match &self.actor {
            Actor::User { user_id, .. } => Some(*user_id),
            _ => None,
        }
    }

    /// The key, if a program asks.
    #[must_use]
    pub const fn key_id(&self) -> Option<KeyId> {
        match &self.actor {
            Actor::Key { key_id, .. } => Some(*key_id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::period::Zone;

    const fn project(number: u128) -> ProjectId {
        ProjectId(Uuid::from_u128(number))
    }

    const fn team(number: u128) -> TeamId {
        TeamId(Uuid::from_u128(number))
    }

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn owned(project_id: ProjectId, team_id: TeamId, from: Option<u32>, to: Option<u32>) -> Ownership {
        Ownership { project_id, team_id, valid_from: from.map(day), valid_to: to.map(day) }
    }

    fn member(role: Role, visible: Visible) -> OrgScope {
        let actor = Actor::User { user_id: UserId(Uuid::from_u128(9)), role };
        OrgScope::new(OrgId(Uuid::from_u128(8)), Zone::UTC, actor, visible)
    }

    #[test]
    fn a_team_sees_what_it_owns_today_and_the_days_on_which_it_owned_more() {
        let spans = [
            owned(project(1), team(1), None, None),
            owned(project(2), team(1), None, Some(15)),
            owned(project(2), team(2), Some(15), None),
            owned(project(3), team(2), None, None),
        ];
        let visible = Visible::teams(BTreeSet::from([team(1)]), &spans, day(20));
        let Visible::Only(part) = &visible else { panic!("everything") };
        assert_eq!(part.always(), [project(1).0]);
        let days = ProjectDays { project_id: project(2), from: None, to: Some(day(15)) };
        assert_eq!(part.days().copied().collect::<Vec<_>>(), [days]);
        let scope = member(Role::Member, visible);
        assert_eq!([1, 2, 3].map(|number| scope.sees(project(number))), [true, false, false]);
        assert_eq!([1, 2].map(|number| scope.sees_team(team(number))), [true, false]);
        let before = member(Role::Member, Visible::teams(BTreeSet::from([team(1)]), &spans, day(14)));
        assert!(before.sees(project(2)));
    }

    #[test]
    fn nobodys_team_sees_nothing() {
        let scope = member(Role::Viewer, Visible::teams(BTreeSet::new(), &[], day(20)));
        assert_eq!(scope.visible_owners(), Some(Vec::new()));
        assert_eq!(member(Role::Viewer, Visible::All).visible_owners(), None);
    }

    #[test]
    fn whoever_sees_some_teams_may_do_what_is_done_to_projects() {
        for role in Role::ALL {
            let limited = member(role, Visible::teams(BTreeSet::from([team(1)]), &[], day(20)));
            for permission in Permission::ALL {
                let expected = role.may(permission) && permission.is_for_projects();
                assert_eq!(limited.may(permission), expected, "{role} {permission:?}");
            }
            assert!(limited.require_whole(Permission::Read).is_err());
        }
    }
}
