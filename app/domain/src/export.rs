//! Scheduled exports: where files go, when they are made, and of which days.

mod destination;
mod schedule;

pub use destination::{Destination, DestinationForm, Place, StoreKind};
pub use schedule::{Cadence, Schedule, ScheduleForm, ScheduleState};

use crate::ids::ExportRunId;
use crate::period::Period;
use crate::project::Slug;
use chrono::{DateTime, FixedOffset};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportRunState {
    /// It waits for its first or next attempt.
    Planned,
    /// A server is at it.
    Running,
    /// The file and its manifest are in the storage.
    Done,
    /// It was given up.
    Failed,
}

impl ExportRunState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Planned, Self::Running, Self::Done, Self::Failed];

    /// The word in SQL, JSON and on the page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// One file of a schedule: the days it is of, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRun {
    /// Its id.
    pub run_id: ExportRunId,
    /// The schedule.
    pub schedule: Slug,
    /// The days of the file.
    pub span: Period,
    /// How far it is.
    pub state: ExportRunState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was planned.
    pub planned_at: DateTime<FixedOffset>,
    /// When the next attempt is due; none once it is over.
    pub next_attempt_at: Option<DateTime<FixedOffset>>,
    /// When it was done or given up.
    pub finished_at: Option<DateTime<FixedOffset>>,
    /// Seconds that the last attempt took.
    pub seconds: Option<u64>,
    /// What lies in the storage; none until it is done.
    pub file: Option<ExportFile>,
    /// Why the last attempt failed, as the storage said it.
    pub error: Option<String>,
}

/// A file in the storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// Its name in the bucket.
    pub object: String,
    /// 1 for the first file of these days; one more each time that it was written again because the days had moved.
    pub revision: u32,
    /// Bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}
