//! Where a span of OpenTelemetry stands in its trace, so that what several spans tell of one call is counted once.

use chrono::{DateTime, Utc};

/// A span that tells of a model's work. It says nothing of the event's content: the same call in another trace is the same content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSpan {
    /// 16 bytes, big-endian.
    pub trace_id: u128,
    /// 8 bytes, big-endian.
    pub span_id: u64,
    /// The nearest span above that did not come in the same request; none where there is nothing above.
    pub above: Option<u64>,
    /// Its beginning; the earliest instant where it tells none, since it may have begun at any time.
    pub began: DateTime<Utc>,
    /// Its end; the latest instant where it tells none.
    pub ended: DateTime<Utc>,
    /// Name of the service that ran it; empty where there is none.
    pub service: String,
    /// Name of the instrumentation that wrote it; empty where there is none.
    pub scope: String,
    /// Whether it stands around calls, as an agent or a workflow does, and counts what they used together.
    pub is_outer: bool,
}
