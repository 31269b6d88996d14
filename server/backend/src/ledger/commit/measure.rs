//! What the committer tells those who watch over the server (Prometheus), by the names under which it is told.

use super::Answer;
use domain::event::IngestStatus;
use domain::meter::UsageFormat;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;

const EVENTS: &str = "tallystick_events_total";
const WAITING: &str = "tallystick_ingest_waiting_events";
const TURNED_AWAY: &str = "tallystick_ingest_turned_away_total";
const COMMIT_SECONDS: &str = "tallystick_commit_seconds";
const COMMIT_EVENTS: &str = "tallystick_commit_events";
const COMMIT_FAILURES: &str = "tallystick_commit_failures_total";
const UNREAD: &str = "tallystick_unread_usage_total";
const REPEATING: &str = "tallystick_repeating_spans_total";
const LAG_SECONDS: &str = "tallystick_ingest_lag_seconds";

/// Says what each of them means; to be called once, after the recorder is there.
pub(crate) fn describe() {
    describe_counter!(EVENTS, "Events by what became of them: accepted, duplicate, conflict, rejected.");
    describe_gauge!(WAITING, Unit::Count, "Events that wait for the committer or are being prepared.");
    describe_counter!(TURNED_AWAY, "Requests answered 503 because too many events were waiting.");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time of a transaction of the committer.");
    describe_histogram!(COMMIT_EVENTS, Unit::Count, "Events in a transaction of the committer.");
    describe_counter!(COMMIT_FAILURES, "Transactions of the committer that failed.");
    describe_counter!(UNREAD, "Events with numbers of their usage that no rule read, by usage format.");
    describe_counter!(REPEATING, "Spans that were left out because calls of their traces tell the same.");
    describe_histogram!(
        LAG_SECONDS,
        Unit::Seconds,
        "From the arrival of the oldest event of a transaction to its commit."
    );
}

/// How many events wait or are in preparation.
pub(super) fn waiting(events: usize) {
    gauge!(WAITING).set(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
}

/// An event has usage that no rule read. By format and not by provider: the words of senders are without number.
pub(crate) fn unread(format: UsageFormat) {
    counter!(UNREAD, "usage_format" => format.as_str()).increment(1);
}

/// So many spans were left out because calls of their traces tell the same.
pub(crate) fn repeating(spans: usize) {
    counter!(REPEATING).increment(u64::try_from(spans).unwrap_or(u64::MAX));
}

/// A request found no room.
pub(super) fn turned_away() {
    counter!(TURNED_AWAY).increment(1);
}

/// A transaction failed.
pub(super) fn failed() {
    counter!(COMMIT_FAILURES).increment(1);
}

/// What a transaction did that no answer counts.
#[derive(Clone, Copy)]
pub(super) struct Unanswered {
    /// Entries of the rejected list.
    pub(super) rejected: usize,
    /// Spans that were left out because others tell the same.
    pub(super) repeating: usize,
}

/// A transaction committed.
pub(super) fn committed(answers: &[Answer], counts: Unanswered, took: Duration, lag: Option<Duration>) {
    let (mut accepted, mut updated, mut duplicates, mut conflicts) = (0, 0, 0, 0);
    repeating(counts.repeating);
    let mut rejected = u64::try_from(counts.rejected).unwrap_or(u64::MAX);
    for outcome in answers.iter().flatten().flatten() {
        match outcome.status {
            IngestStatus::Accepted => accepted += 1,
            IngestStatus::Updated => updated += 1,
            IngestStatus::Duplicate => duplicates += 1,
            IngestStatus::Conflict => conflicts += 1,
            IngestStatus::Rejected => rejected += 1,
        }
    }
    for (result, count) in [
        ("accepted", accepted),
        ("updated", updated),
        ("duplicate", duplicates),
        ("conflict", conflicts),
        ("rejected", rejected),
    ] {
        counter!(EVENTS, "result" => result).increment(count);
    }
    histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
    let events = accepted + updated + duplicates + conflicts;
    histogram!(COMMIT_EVENTS).record(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
    if let Some(lag) = lag {
        histogram!(LAG_SECONDS).record(lag.as_secs_f64());
    }
}
