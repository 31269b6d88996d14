//! Events as they are stored, and back: [`shape`] and [`plan`] hold what many have in common, a row what is its own.
//!
//! Everything that was sent comes back as it was sent, and every receipt as it was booked; `verify` checks both on every event.

mod numbers;
mod plan;
mod shape;
mod sql;

pub(crate) use plan::Plan;
pub(crate) use shape::Shape;
pub(crate) use sql::{COLUMNS, Dictionaries};

use super::booking::Booking;
use super::rollup::Slot;
use crate::Error;
use chrono::{DateTime, Utc};
use domain::event::{DEFAULT_OPERATION, EventInput, Status, Totals};
use domain::ids::{EventKey, KeyId, OrgId, ProjectId};
use domain::meter::{Meter, Meters, Usage, UsageFormat, usage};
use domain::period::Zone;
use std::borrow::Cow;

/// A recorded event.
#[derive(Clone, Debug)]
pub(crate) struct StoredEvent {
    pub(crate) event_key: EventKey,
    pub(crate) timestamp: DateTime<Utc>,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) project_id: ProjectId,
    pub(crate) key_id: KeyId,
    pub(crate) series_id: i64,
    pub(crate) labels: Vec<i64>,
    pub(crate) usage_format: UsageFormat,
    pub(crate) meters: Meters,
    pub(crate) tokens: u64,
    /// As it was sent.
    pub(crate) sent: EventInput,
    /// The totals from which it counts, where it has running ones.
    pub(crate) counted_from: Option<Totals>,
    /// As it was booked.
    pub(crate) booking: Booking,
}

impl StoredEvent {
    /// The sender's id, or the generated one.
    pub(crate) fn id(&self) -> String {
        self.sent.id.clone().unwrap_or_else(|| self.event_key.to_string())
    }

    /// What of it counts, its usage aside: what was sent, or what running totals grew by.
    pub(crate) fn counted(&self) -> Cow<'_, EventInput> {
        self.sent.counted_from(self.counted_from.as_ref())
    }

    /// What was used, as it was read when the event was recorded; none where that cannot be read any more.
    pub(crate) fn used(&self) -> Option<Usage> {
        let used = self.read()?;
        let is_inferred = self.is_hour_writes(&used);
        Some(if is_inferred { used.with_hour_writes().unwrap_or(used) } else { used })
    }

    /// Whether its cache writes were taken for those of an hour, because only that comes to the reported cost.
    pub(crate) fn is_inferred_hour_writes(&self) -> bool {
        self.read().is_some_and(|used| self.is_hour_writes(&used))
    }

    fn read(&self) -> Option<Usage> {
        let used = usage(self.usage_format, &self.sent.usage).ok()?;
        match &self.counted_from {
            Some(before) => used.grown_since(&usage(self.usage_format, &before.usage).ok()?),
            None => Some(used),
        }
    }

    fn is_hour_writes(&self, used: &Usage) -> bool {
        let for_an_hour = Meter::InputCacheWrite1h;
        !self.meters.get(for_an_hour).is_zero() && used.total().get(for_an_hour).is_zero()
    }

    /// Where and when it counts, in an organization's zone.
    pub(crate) fn slot(&self, org_id: OrgId, zone: Zone) -> Slot<'_> {
        Slot {
            org_id,
            project_id: self.project_id,
            at: self.timestamp,
            day: zone.day_of(self.timestamp),
            series_id: self.series_id,
            labels: &self.labels,
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.sent.status.unwrap_or_default()
    }

    pub(crate) fn operation(&self) -> &str {
        self.sent.operation.as_deref().unwrap_or(DEFAULT_OPERATION)
    }
}

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("events", column, detail)
}
