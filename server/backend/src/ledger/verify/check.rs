//! Whether an event is what it says: its receipt, its tokens, its dimensions, and the content that it was sent with.

use crate::ledger::adjust::StoredAdjustment;
use crate::ledger::booking::Booking;
use crate::ledger::content::{ContentHash, content_hash, id_hash};
use crate::ledger::series::{Label, Series, TAG, UNREAD};
use crate::ledger::stored::{Dictionaries, StoredEvent};
use domain::ids::EventKey;
use domain::spend::OTHER;
use rust_decimal::Decimal;
use std::collections::HashMap;

/// What is remembered of the content of events, by their keys.
pub(super) type Contents = HashMap<EventKey, (uuid::Uuid, ContentHash)>;

/// What is wrong with an event, if anything is.
pub(super) fn wrong(
    event: &StoredEvent,
    adjustments: &[StoredAdjustment],
    named: &Dictionaries,
    contents: &Contents,
) -> Option<&'static str> {
    let bookings = std::iter::once(&event.booking).chain(adjustments.iter().map(|adjustment| &adjustment.to));
    if !bookings.into_iter().all(adds_up) {
        Some("its receipt does not come to its cost")
    } else if event.meters.tokens() != event.tokens {
        Some("its tokens are not those of its meters")
    } else if !is_placed(event, named) {
        Some("it counts under dimensions that it was not sent with")
    } else if !is_content(event, contents) {
        Some("it is not what was sent under its id")
    } else {
        None
    }
}

/// Lines were made from quantities and rates when they were read: the cost that was booked has to be their sum.
fn adds_up(booking: &Booking) -> bool {
    let sum: Decimal = booking.lines.iter().map(|line| line.amount).sum();
    booking.cost.map_or(booking.lines.is_empty(), |cost| cost == sum)
}

/// Whether series and labels are those of the event as it was sent, as far as these have not become [`OTHER`].
fn is_placed(event: &StoredEvent, named: &Dictionaries) -> bool {
    let counts = |word: &str, sent: &str| word == sent || word == OTHER;
    let own = Series::of((event.project_id, event.key_id), event.status(), event.operation(), &event.sent);
    let in_series = named.series(event.series_id).is_some_and(|series| {
        series.id() == event.series_id
            && (series.project_id, series.key_id, series.status) == (own.project_id, own.key_id, own.status)
            && series.texts().into_iter().zip(own.texts()).all(|(word, sent)| counts(word, sent))
    });
    let sent: Vec<Label<'_>> = Label::of(&event.sent, None).collect();
    let labels: Option<Vec<&Label<'_>>> =
        event.labels.iter().map(|id| named.label(*id).filter(|label| label.id() == *id)).collect();
    // What was not read is a fact of the day on which the event was recorded: rules may read it since.
    let labels = labels.map(|labels| labels.into_iter().filter(|label| label.label != UNREAD).collect::<Vec<_>>());
    let is_same = |label: &Label<'_>, sent: &Label<'_>| {
        label.label == sent.label && counts(&label.value, &sent.value)
            || label.label.strip_prefix(TAG) == Some(OTHER) && sent.label.starts_with(TAG)
    };
    in_series
        && labels.is_some_and(|labels| {
            sent.iter().all(|sent| labels.iter().any(|label| is_same(label, sent)))
                && labels.iter().all(|label| sent.iter().any(|sent| is_same(label, sent)))
        })
}

fn is_content(event: &StoredEvent, contents: &Contents) -> bool {
    let own = (uuid::Uuid::from_bytes(id_hash(&event.id())), content_hash(&event.sent));
    contents.get(&event.event_key) == Some(&own)
}
