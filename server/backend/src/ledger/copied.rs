//! How two events stand to each other that may be copies of one answer.

use super::content::{PLACE_ID, call_hash};
use super::event::NewEvent;
use super::stored::StoredEvent;
use chrono::{DateTime, TimeDelta, Utc};
use domain::event::EventInput;
use domain::meter::Meters;
use rust_decimal::Decimal;
use std::cmp::Reverse;

/// Longest time between two copies of one streamed usage.
const STREAMED_WITHIN: TimeDelta = TimeDelta::days(1);

/// How an event stands to one that is there under its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// The same call with counters of which some are larger and none is smaller.
    Larger,
    /// The same call with counters of which some are smaller and none is larger.
    Smaller,
    /// Something else.
    Other,
}

/// An answer as an event tells of it: what says whether another one is a copy.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    sent: &'a EventInput,
    meters: &'a Meters,
    at: DateTime<Utc>,
    cost: Option<Decimal>,
}

impl<'a> Answer<'a> {
    /// Of an event that may be recorded.
    pub(super) fn new(event: &'a NewEvent) -> Self {
        Self { sent: &event.sent, meters: &event.meters, at: event.timestamp, cost: event.booking.cost }
    }

    /// Of one that is.
    pub(super) fn recorded(event: &'a StoredEvent) -> Self {
        Self { sent: &event.sent, meters: &event.meters, at: event.timestamp, cost: event.booking.cost }
    }

    /// How it stands to `other`, which has the same id.
    pub(super) fn copied(self, other: Self) -> Copied {
        // Sums of several requests are no answer that streams.
        let is_one = self.sent.aggregate.is_none() && other.sent.aggregate.is_none();
        let is_answer = !self.sent.id.as_deref().is_some_and(|id| id.starts_with(PLACE_ID));
        let is_near = (self.at - other.at).abs() <= STREAMED_WITHIN;
        if !is_one || !is_answer || !is_near || call_hash(self.sent) != call_hash(other.sent) {
            return Copied::Other;
        }
        let reported = |one: Self| one.sent.reported_cost.as_ref().map(|cost| cost.amount);
        let covers = |one: Self, two: Self| one.meters.covers(two.meters) && reported(one) >= reported(two);
        match (covers(self, other), covers(other, self)) {
            (true, false) => Copied::Larger,
            (false, true) => Copied::Smaller,
            (true, true) | (false, false) => Copied::Other,
        }
    }

    /// The order of copies under different ids, the fullest last: more tokens, a higher cost, then the earlier one, then the one whose id comes first.
    pub(super) fn fullness(self) -> impl Ord + use<'a> {
        (self.meters.tokens(), self.cost, Reverse((self.at, self.sent.id.as_deref())))
    }
}
