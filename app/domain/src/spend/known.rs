//! The dimensions that an organization has, and limits on how many values they have.

use super::Dimension;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// What a value counts as that came when its dimension had as many as an organization may have.
pub const OTHER: &str = "(other)";

/// A dimension that an organization can group and filter by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KnownDimension {
    /// The word in `group_by` and as a filter: `feature`, `customer`, `tag.job` …; `tag.(other)` stands for tags that came too late.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub dimension: Dimension,
    /// How many values were sent, where they come with events; `(other)` is not counted.
    pub values: Option<u64>,
    /// How many values are told apart at most.
    pub limit: Option<u64>,
    /// Since when new values count as `(other)`; their events keep what was sent, and no money is lost.
    pub other_since: Option<DateTime<FixedOffset>>,
}
