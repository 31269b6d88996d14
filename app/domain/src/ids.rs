//! Typed identifiers: two ids of different things can never be swapped.
//!
//! An id is a UUID version 7 (time-ordered), made by `backend::clock`; here it is only a word.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id!(
    /// An organization: the tenant.
    OrgId
);
id!(
    /// A person who signs in.
    UserId
);
id!(
    /// One sign-in of a person, as listed and revoked in Settings.
    SignInId
);
id!(
    /// What a team does not accept of its statement.
    DisputeId
);
id!(
    /// An invitation to an organization.
    InvitationId
);
id!(
    /// A team of an organization.
    TeamId
);
id!(
    /// A product line.
    ProductLineId
);
id!(
    /// A project of an organization.
    ProjectId
);
id!(
    /// An API key of an organization.
    KeyId
);
id!(
    /// Tallystick's own id of a recorded event; the sender's `id` is text.
    EventKey
);
id!(
    /// A run of a scheduled export.
    ExportRunId
);
id!(
    /// An entry of the rejected list.
    RejectedId
);
id!(
    /// A budget of an organization.
    BudgetId
);
id!(
    /// A row of the alert history.
    AlertId
);
id!(
    /// An e-mail in the outbox.
    MailId
);
id!(
    /// A row of the audit log.
    AuditId
);
id!(
    /// A change of an organization's rules.
    RuleChangeId
);
id!(
    /// A run that prices or reprices events that were recorded already.
    RunId
);
id!(
    /// A file of newer prices that an organization sent.
    ImportId
);
id!(
    /// A file of events that a member sends from the browser.
    UploadId
);
id!(
    /// A saved view of Explore.
    ViewId
);
id!(
    /// Something that happened at a time, as charts show it.
    AnnotationId
);
