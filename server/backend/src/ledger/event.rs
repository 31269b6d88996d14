//! An event ready to be written.

use super::booking::Booking;
use super::content::{ContentHash, IdHash};
use super::known::DictionaryRefs;
use super::running::Reached;
use chrono::{DateTime, Utc};
use domain::event::{EventInput, Status, Totals};
use domain::ids::{EventKey, KeyId, OrgId, ProjectId};
use domain::meter::{Meters, UsageFormat};

/// An event ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) org_id: OrgId,
    pub(crate) key_id: KeyId,
    pub(crate) project_id: ProjectId,
    pub(crate) event_key: EventKey,
    /// The sender's id or the generated one.
    pub(crate) id: String,
    pub(crate) id_hash: IdHash,
    pub(crate) content_hash: ContentHash,
    pub(crate) timestamp: DateTime<Utc>,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) operation: String,
    pub(crate) status: Status,
    pub(crate) usage_format: UsageFormat,
    pub(crate) meters: Meters,
    /// Names of the usage that no rule read.
    pub(crate) unread: Option<String>,
    /// How often rules of the organization had been undone when it was priced: with another number now, it may have a price that was taken back.
    pub(crate) rules_undone: i32,
    pub(crate) booking: Booking,
    /// The remaining fields, as they were sent.
    pub(crate) sent: EventInput,
    /// The totals from which it counts, where it has running ones.
    pub(crate) counted_from: Option<Totals>,
    /// What its series stands at with it, where that is more than before.
    pub(crate) reached: Option<Reached>,
    /// Where it counts; nowhere until [`Self::settle`].
    pub(crate) refs: DictionaryRefs,
    /// All of the above as a row of PostgreSQL's binary COPY; empty until [`Self::settle`].
    pub(crate) row: Vec<u8>,
}

impl NewEvent {
    /// Its tokens of all kinds.
    pub(crate) fn tokens(&self) -> i64 {
        tokens(&self.meters)
    }
}

/// Tokens of all kinds, as they are stored.
pub(crate) fn tokens(meters: &Meters) -> i64 {
    i64::try_from(meters.tokens()).unwrap_or(i64::MAX)
}
