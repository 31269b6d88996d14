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
use crate::Error;
use chrono::{DateTime, Utc};
use domain::event::{DEFAULT_OPERATION, EventInput, Status};
use domain::ids::{EventKey, KeyId, ProjectId};
use domain::meter::{Meters, UsageFormat};

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
    /// As it was booked.
    pub(crate) booking: Booking,
}

impl StoredEvent {
    /// The sender's id, or the generated one.
    pub(crate) fn id(&self) -> String {
        self.sent.id.clone().unwrap_or_else(|| self.event_key.to_string())
    }

    pub(crate) fn status(&self) -> Status {
        self.sent.status.unwrap_or_default()
    }

    pub(crate) fn operation(&self) -> &str {
        self.sent.operation.as_deref().unwrap_or(DEFAULT_OPERATION)
    }

    /// Whether the sender answered from a cache of its own, so that no provider was called.
    pub(crate) fn is_cache_hit(&self) -> bool {
        self.sent.response_cache_hit == Some(true)
    }
}

fn inconsistent(column: &'static str, detail: impl ToString) -> Error {
    Error::inconsistent("events", column, detail)
}
