//! Which organization, who, and what they may see: the first argument of every verb.

use crate::Error;
use chrono::{DateTime, Utc};
use domain::format;
use domain::identity::{KeyScope, Permission, Role};
use domain::ids::{KeyId, OrgId, ProjectId, UserId};
use domain::period::{Calendar, Zone};
use domain::problem::Problem;
use std::collections::BTreeSet;

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

/// Which projects the caller sees; totals never include others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Visible {
    /// All of the organization.
    All,
    /// Only these.
    Only(BTreeSet<ProjectId>),
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

    /// Whether this project is visible.
    #[must_use]
    pub fn sees(&self, project: ProjectId) -> bool {
        match &self.visible {
            Visible::All => true,
            Visible::Only(projects) => projects.contains(&project),
        }
    }

    /// For SQL: null sees all, otherwise the list of visible projects.
    #[must_use]
    pub fn visible_projects(&self) -> Option<Vec<uuid::Uuid>> {
        match &self.visible {
            Visible::All => None,
            Visible::Only(projects) => Some(projects.iter().map(|project| project.0).collect()),
        }
    }

    /// Whether the caller may do it. A key's rights follow from its scopes: `read` reads, `admin` changes projects, budgets, prices and settings.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        match &self.actor {
            Actor::User { role, .. } => role.may(permission),
            Actor::Key { scopes, .. } => match permission {
                Permission::Read => scopes.contains(&KeyScope::Read),
                Permission::ManageProjects
                | Permission::ManageBudgets
                | Permission::ManagePrices
                | Permission::ManageExports
                | Permission::ManageOrganization => scopes.contains(&KeyScope::Admin) && self.visible == Visible::All,
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
            Ok(())
        } else {
            Err(Problem::Forbidden { detail: format!("You may not {}.", permission.description()) })
        }
    }

    /// Lets through whoever may do it and sees the whole organization: for what concerns all projects and cannot be told apart by them.
    ///
    /// # Errors
    /// [`Problem::Forbidden`] otherwise.
    pub fn require_whole(&self, permission: Permission) -> Result<(), Problem> {
        self.require(permission)?;
        if self.visible == Visible::All {
            return Ok(());
        }
        let detail = "This concerns the whole organization, and the API key is bound to one project.".to_owned();
        Err(Problem::Forbidden { detail })
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
