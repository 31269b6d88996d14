//! Limits on how many values the dimensions of an organization have.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// What a value counts as that came when its dimension had as many as an organization may have.
pub const OTHER: &str = "(other)";

/// A dimension whose newest values count as [`OTHER`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Capped {
    /// Its name: `feature`, `customer`, `tag.job` …; `tag.(other)` stands for tags that came too late.
    pub dimension: String,
    /// Since when.
    pub since: DateTime<FixedOffset>,
}
