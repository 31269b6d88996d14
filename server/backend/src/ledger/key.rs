//! Keys of events: UUIDs version 7 that carry the event's own time in microseconds, so that their order is that of time and a key alone finds its partition.
//!
//! Source: RFC 9562, 5.7 and 6.2, method 3 (the bits after the milliseconds increase with the clock's precision). SQL reads them with `event_time`.

use crate::clock::id_at;
use chrono::{DateTime, Utc};
use domain::ids::EventKey;

/// Microseconds of a millisecond take the first ten of the twelve bits behind the version.
const SPARE_BITS: u16 = 2;

/// The key of an event at `at` (to the microsecond).
pub(crate) fn key_at(at: DateTime<Utc>, random: [u8; 32]) -> EventKey {
    let micros = u16::try_from(at.timestamp_subsec_micros() % 1_000).unwrap_or_default();
    let spare = u16::from(random[0]) & ((1 << SPARE_BITS) - 1);
    let [high, low] = ((micros << SPARE_BITS) | spare).to_be_bytes();
    let mut bits = random;
    (bits[0], bits[1]) = (high, low);
    EventKey(id_at(at, bits))
}

/// The first key that an event at `at` or later can have.
pub(crate) fn first_key(at: DateTime<Utc>) -> uuid::Uuid {
    key_at(at, [0; 32]).0
}

/// The time of an event.
pub(crate) fn time_of(key: EventKey) -> DateTime<Utc> {
    let bytes = key.0.as_bytes();
    let millis = key.0.as_u64_pair().0 >> 16;
    let micros = (u16::from_be_bytes([bytes[6], bytes[7]]) & 0x0fff) >> SPARE_BITS;
    let micros = i64::try_from(millis * 1_000 + u64::from(micros)).ok();
    micros.and_then(DateTime::from_timestamp_micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_carries_its_time_and_keeps_its_order(micros in 0_i64..4_102_444_800_000_000, later in 1_i64..5_000, random: [u8; 32]) {
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            let after = DateTime::from_timestamp_micros(micros + later).unwrap();
            let key = key_at(at, random);
            prop_assert_eq!(time_of(key), at);
            prop_assert_eq!(key.0.get_version_num(), 7);
            prop_assert!(first_key(at) <= key.0 && key.0 < first_key(after));
        }
    }
}
