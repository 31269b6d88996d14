//! What the doors of this room hand to its pages.

use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::event::EventRow;
use domain::identity::{
    Belongings, Email, Invitation, Member, Organization, Permission, Role, SignIn, User, ZoneChange,
};
use domain::ids::UserId;
use domain::period::Offsets;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A mail is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// To whom.
    pub email: Email,
    /// Local mode without a mail server: it can be read at `/dev/mail`.
    pub shown_locally: bool,
}

/// What stands around an organization's pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameData {
    /// The organization.
    pub organization: Organization,
    /// All organizations of the reader: name and slug.
    pub organizations: Vec<(String, String)>,
    /// Who is signed in.
    pub email: Email,
    /// Their role here.
    pub role: Role,
    /// Today in the organization's zone.
    pub today: NaiveDate,
    /// The organization's clock.
    pub offsets: Offsets,
    /// When the organization will be deleted, in its own zone.
    pub deletes_at: Option<DateTime<FixedOffset>>,
}

impl FrameData {
    /// Whether the reader may do it.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}

/// Numbers beside places of the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Rejected and unpriced events.
    pub events: u64,
    /// Budgets over their amount.
    pub budgets: u64,
    /// Alerts nobody acknowledged.
    pub alerts: u64,
}

/// The page of all organizations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationList {
    /// Who is signed in.
    pub email: Email,
    /// Theirs, with the role.
    pub organizations: Vec<(Organization, Role)>,
    /// Names of all time zones.
    pub time_zones: Vec<String>,
}

/// The page of a person's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who is signed in.
    pub user: User,
    /// Their sign-ins.
    pub sign_ins: Vec<SignIn>,
}

/// Settings of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The organization.
    pub organization: Organization,
    /// The reader's role.
    pub role: Role,
    /// When it was created, in its own zone.
    pub created_at: DateTime<FixedOffset>,
    /// Names of all time zones.
    pub time_zones: Vec<String>,
    /// For how many days events are kept; none means for ever.
    pub retention_days: Option<u32>,
    /// Whether possible duplicates are left out instead of being marked.
    pub drops_doubles: bool,
    /// The change of the reporting time zone that is not done.
    pub zone_change: Option<ZoneChange>,
}

/// The members of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// The reader.
    pub me: UserId,
    /// The reader's role.
    pub role: Role,
    /// All members, with the day they joined in the organization's zone.
    pub members: Vec<(Member, NaiveDate)>,
    /// What would end beside each membership.
    pub belongings: BTreeMap<UserId, Belongings>,
    /// Open invitations, with the last moment to accept; empty for readers who may not invite.
    pub invitations: Vec<(Invitation, DateTime<FixedOffset>)>,
}

/// What an invitation's link offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    /// Name of the organization.
    pub organization: String,
    /// Who is invited.
    pub email: Email,
    /// The role they will have.
    pub role: Role,
    /// Whether that address can sign in already.
    pub has_account: bool,
    /// Who is signed in on this browser.
    pub signed_in: Option<Email>,
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// When, in the organization's zone.
    pub at: DateTime<FixedOffset>,
    /// Who.
    pub who: String,
    /// A stable word.
    pub action: String,
    /// One sentence.
    pub detail: String,
}

/// The way to the first number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Onboarding {
    /// Where events are sent.
    pub endpoint: String,
    /// A key made for this browser a moment ago.
    pub key: Option<String>,
    /// Whether the reader may make keys.
    pub may_make_keys: bool,
    /// Slugs of the projects in use.
    pub projects: Vec<String>,
    /// The first event, for who waits for it.
    pub arrived: Option<EventRow>,
}
