//! Who may do what: roles and permissions in one table that every door checks.

use crate::format;
use crate::ids::{InvitationId, OrgId, SignInId, TeamId, UserId};
use crate::problem::FieldProblem;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::{fmt, str::FromStr};

/// The role of a member in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, including deleting the organization and naming owners.
    Owner,
    /// Everything but owners and deletion.
    Admin,
    /// Budgets, statements and exports over all projects; no keys or members.
    Finance,
    /// Works with projects: reads everything, manages keys of projects and own budgets.
    Member,
    /// Reads.
    Viewer,
}

impl Role {
    /// All roles, the most powerful first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Finance, Self::Member, Self::Viewer];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Finance => "finance",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// What the role is for, in one sentence on the invitation form.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Owner => "Everything, including owners and deleting the organization.",
            Self::Admin => "Everything but owners and deleting the organization.",
            Self::Finance => "Reads everything; manages budgets, prices, statements and exports.",
            Self::Member => "Reads everything; sends events; manages projects, API keys and budgets.",
            Self::Viewer => "Reads everything, changes nothing.",
        }
    }

    /// Whether this role may do it: the one table of permissions.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::Read | P::ReadPrices => true,
            P::ManageProjects | P::ManageKeys | P::SendEvents => {
                matches!(self, Self::Owner | Self::Admin | Self::Member)
            }
            P::ManageBudgets | P::ManageViews => {
                matches!(self, Self::Owner | Self::Admin | Self::Finance | Self::Member)
            }
            P::ManagePrices | P::ManageExports => matches!(self, Self::Owner | Self::Admin | Self::Finance),
            P::ManageMembers | P::ManageOrganization | P::ReadAudit => {
                matches!(self, Self::Owner | Self::Admin)
            }
            P::ManageOwners | P::DeleteOrganization => matches!(self, Self::Owner),
        }
    }

    /// Whether a member of this role may make a key with this scope: no key can do what its maker may not.
    #[must_use]
    pub const fn may_make(self, scope: KeyScope) -> bool {
        match scope {
            KeyScope::Admin => self.may(Permission::ManageKeys) && self.may(Permission::ManageOrganization),
            _ => self.may(Permission::ManageKeys),
        }
    }

    /// Whether a member of this role can be limited to what some teams own: whoever could lift the limit cannot.
    #[must_use]
    pub const fn can_be_limited(self) -> bool {
        !self.may(Permission::ManageMembers)
    }

    /// Whether a member of this role may give, change or take the role `other`.
    #[must_use]
    pub const fn may_grant(self, other: Self) -> bool {
        match other {
            Self::Owner => self.may(Permission::ManageOwners),
            _ => self.may(Permission::ManageMembers),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| FieldProblem::new("role", "unknown", "Choose owner, admin, finance, member or viewer."))
    }
}

/// Something a member may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See spend, events, budgets, forecasts, statements.
    Read,
    /// See prices, contract terms and allocation, which concern all projects.
    ReadPrices,
    /// Create and change teams and projects.
    ManageProjects,
    /// Create and revoke API keys.
    ManageKeys,
    /// Send files of events in the name of an API key.
    SendEvents,
    /// Create and change budgets; acknowledge alerts; send test mails.
    ManageBudgets,
    /// Share views, arrange dashboards, annotate charts.
    ManageViews,
    /// Enter own prices, names, discounts, charges, files of business metrics, allocation rules, required labels and aliases of values; price and reprice recorded events.
    ManagePrices,
    /// Enter destinations and schedules of exports.
    ManageExports,
    /// Invite, change and remove members (not owners).
    ManageMembers,
    /// Change the organization's name, zone and fiscal year.
    ManageOrganization,
    /// Read the audit log.
    ReadAudit,
    /// Name and remove owners.
    ManageOwners,
    /// Delete the organization with everything in it.
    DeleteOrganization,
}

impl Permission {
    /// All permissions, for the table in Settings.
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::ReadPrices,
        Self::ManageProjects,
        Self::ManageKeys,
        Self::SendEvents,
        Self::ManageBudgets,
        Self::ManageViews,
        Self::ManagePrices,
        Self::ManageExports,
        Self::ManageMembers,
        Self::ManageOrganization,
        Self::ReadAudit,
        Self::ManageOwners,
        Self::DeleteOrganization,
    ];

    /// Whether it can be used on some projects alone: a member who sees only these keeps it there, and has no other.
    #[must_use]
    pub const fn is_for_projects(self) -> bool {
        matches!(self, Self::Read | Self::ManageKeys | Self::SendEvents | Self::ManageBudgets)
    }

    /// What it allows, as the table in Settings and the no-permission page say it.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Read => "see spend, events, budgets, forecasts and statements",
            Self::ReadPrices => "see prices, contract terms and allocation",
            Self::ManageProjects => "create and change teams and projects",
            Self::ManageKeys => "create and revoke API keys",
            Self::SendEvents => "send files of events",
            Self::ManageBudgets => "create and change budgets, acknowledge alerts, and accept or dispute statements",
            Self::ManageViews => "share views, arrange dashboards and annotate charts",
            Self::ManagePrices => {
                "enter own prices, charges, business metrics, allocation rules and labels, reprice events, and close months"
            }
            Self::ManageExports => "send scheduled exports to object storage",
            Self::ManageMembers => "invite, change and remove members",
            Self::ManageOrganization => "change the organization's settings",
            Self::ReadAudit => "read the audit log",
            Self::ManageOwners => "name and remove owners",
            Self::DeleteOrganization => "delete the organization",
        }
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// Send events.
    Ingest,
    /// Read spend, events, budgets, statements.
    Read,
    /// Ask for decisions.
    Decide,
    /// Change budgets, projects and other settings.
    Admin,
}

impl KeyScope {
    /// All scopes.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Decide, Self::Admin];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Decide => "decide",
            Self::Admin => "admin",
        }
    }

    /// What the scope allows, as the form says it.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Ingest => "send events",
            Self::Read => "read spend, events and statements",
            Self::Decide => "ask for decisions",
            Self::Admin => "change budgets, projects, prices and settings",
        }
    }
}

impl FromStr for KeyScope {
    type Err = FieldProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| FieldProblem::new("scopes", "unknown", "Choose ingest, read, decide or admin."))
    }
}

/// An e-mail address: trimmed, lower case, with exactly one `@` and a dot in the domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// Longest address taken (RFC 5321, 4.5.3.1.3: a path has at most 256 octets with its brackets).
    pub const MAX_LEN: usize = 254;

    /// Reads an address as typed.
    ///
    /// # Errors
    /// A field problem for `email` when it cannot be an address.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let text = text.trim().to_lowercase();
        let wrong = || FieldProblem::new("email", "invalid", "Enter an e-mail address such as ada@example.com.");
        let (local, domain) = text.split_once('@').ok_or_else(wrong)?;
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>\"(),:;@[]\\".contains(c);
        let fits = text.len() <= Self::MAX_LEN && !local.is_empty() && local.len() <= 64;
        let domain_fits = domain.contains('.') && domain.split('.').all(|label| !label.is_empty() && label.len() <= 63);
        if fits && domain_fits && local.chars().all(plain) && domain.chars().all(plain) {
            Ok(Self(text))
        } else {
            Err(wrong())
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Email {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|problem| problem.detail)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

/// An organization as pages and the API show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub org_id: OrgId,
    /// The part of the address `/o/{slug}/…`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// IANA name of the reporting time zone.
    pub time_zone: String,
    /// ISO 4217 code; USD in version 1.
    pub currency: String,
    /// First month of the fiscal year, 1 to 12.
    pub fiscal_year_start_month: u8,
    /// A sample organization holds invented usage and can be thrown away.
    pub is_sample: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it will be deleted, if somebody asked for it and nobody undid it.
    pub deletes_at: Option<DateTime<Utc>>,
}

/// A change of the reporting time zone that is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneChange {
    /// IANA name of the new zone.
    pub time_zone: String,
    /// How it stands.
    pub state: ZoneChangeState,
}

/// How a change of the reporting time zone stands; until it is done the days of the old zone count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneChangeState {
    /// Days are counted anew.
    Running {
        /// Days that are counted.
        done: u32,
        /// All days; zero while that is not known yet.
        days: u32,
    },
    /// It ended, and nothing has changed.
    Failed {
        /// Why, in some words.
        detail: String,
    },
}

impl ZoneChange {
    /// One sentence, or two.
    #[must_use]
    pub fn describe(&self) -> String {
        let zone = &self.time_zone;
        match &self.state {
            ZoneChangeState::Running { days: 0, .. } => format!("Changing to {zone}."),
            ZoneChangeState::Running { done, days } => {
                let word = if *days == 1 { "day" } else { "days" };
                format!("Changing to {zone}: {} of {} {word} counted.", format::count(*done), format::count(*days))
            }
            ZoneChangeState::Failed { detail } => {
                format!("The change to {zone} failed ({detail}). The days are those of the zone before.")
            }
        }
    }
}

/// A user as the person sees themself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub user_id: UserId,
    /// Their address.
    pub email: Email,
    /// Whether the mailed link was opened.
    pub email_verified: bool,
}

/// Teams whose projects a member sees; none means the whole organization.
pub type SeenTeams = Option<BTreeSet<TeamId>>;

/// A member in the list of Settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The user.
    pub user_id: UserId,
    /// Their address.
    pub email: Email,
    /// Their role here.
    pub role: Role,
    /// What they see.
    pub teams: SeenTeams,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// What ends with a membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belongings {
    /// API keys that the member made and that still work.
    pub keys: u32,
    /// Open invitations that the member sent.
    pub invitations: u32,
    /// Budgets that send the member mail.
    pub budgets: u32,
    /// Other addresses that the member entered as recipients and that confirmed it.
    pub addresses: u32,
}

impl Belongings {
    /// In words: "2 API keys, 1 invitation"; empty for nothing.
    #[must_use]
    pub fn describe(&self) -> String {
        let counted = |number: u32, word: &str| (number > 0).then(|| format::counted(number, word));
        let parts = [
            counted(self.keys, "API key"),
            counted(self.invitations, "invitation"),
            counted(self.budgets, "budget").map(|budgets| format!("mail of {budgets}")),
            counted(self.addresses, "confirmed recipient"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// An open invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub invitation_id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// The role they will have.
    pub role: Role,
    /// What they will see.
    pub teams: SeenTeams,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// Until when the link works.
    pub expires_at: DateTime<Utc>,
}

/// One sign-in of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Its id; not the secret in the cookie.
    pub sign_in_id: SignInId,
    /// The browser, as it named itself, cut to a sensible length.
    pub user_agent: String,
    /// The address it came from.
    pub address: String,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used (to the minute).
    pub last_seen_at: DateTime<Utc>,
    /// Whether this is the sign-in that asks.
    pub current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_with_a_membership_is_counted() {
        assert_eq!(Belongings::default().describe(), "");
        let all = Belongings { keys: 2, invitations: 1, budgets: 3, addresses: 0 };
        let plain = all.describe().replace(['\u{a0}', '\u{202f}'], " ");
        assert_eq!(plain, "2 API keys, 1 invitation, mail of 3 budgets");
    }

    #[test]
    fn a_change_of_the_zone_says_how_far_it_is() {
        let said = |state| ZoneChange { time_zone: "Asia/Kolkata".to_owned(), state }.describe();
        assert_eq!(said(ZoneChangeState::Running { done: 0, days: 0 }), "Changing to Asia/Kolkata.");
        assert_eq!(
            said(ZoneChangeState::Running { done: 12, days: 400 }),
            "Changing to Asia/Kolkata: 12 of 400 days counted."
        );
        assert_eq!(
            said(ZoneChangeState::Failed { detail: "an event cannot be read".to_owned() }),
            "The change to Asia/Kolkata failed (an event cannot be read). The days are those of the zone before."
        );
    }

    #[test]
    fn addresses_are_normalised_and_checked() {
        assert_eq!(Email::parse("  Ada@Example.COM ").unwrap().as_str(), "ada@example.com");
        for wrong in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "a b@example.com",
            "ada@@example.com",
            "ada@example..com",
        ] {
            assert!(Email::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_owners_touch_owners() {
        for role in Role::ALL {
            assert_eq!(role.may_grant(Role::Owner), role == Role::Owner);
            assert!(role.may(Permission::Read));
        }
        assert!(Role::Admin.may_grant(Role::Viewer));
        assert!(!Role::Finance.may(Permission::ManageKeys));
        assert!(Role::Admin.may_make(KeyScope::Admin) && Role::Member.may_make(KeyScope::Ingest));
        assert!(!Role::Member.may_make(KeyScope::Admin), "it would do through the key what it may not");
        assert!(Role::Finance.may(Permission::ManagePrices));
        assert!(!Role::Member.may(Permission::ManagePrices));
        assert!(!Role::Viewer.may(Permission::ManageBudgets));
    }
}
