//! How many minutes of a span have passed: what rates per minute are divided by.

use chrono::{DateTime, Duration, Timelike, Utc};
use domain::period::{Period, Zone};
use domain::spend::{BucketStart, SpendRange};
use rust_decimal::Decimal;

/// A span as far as it is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) zone: Zone,
    pub(super) range: SpendRange,
    pub(super) now: DateTime<Utc>,
}

impl Passed {
    /// Minutes of a bucket that lie in the span and have passed; of the whole span under none.
    pub(super) fn minutes(&self, bucket: Option<BucketStart>) -> Decimal {
        let (from, to) = match self.range {
            SpendRange::Days { from, to } => self.zone.instants(Period { from, to }),
            SpendRange::Instants { from, to } => (from, to),
        };
        let inside = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).num_seconds().max(0);
        let to = to.min(self.now);
        let secs = match bucket {
            None => inside(from, to),
            // An hour in which the clock changes has as many quarters as show it.
            Some(BucketStart::Hour(hour)) => (0..4)
                .map(|quarter| hour.to_utc() + Duration::minutes(15 * quarter))
                .filter(|at| {
                    let local = self.zone.local(*at);
                    local.offset() == hour.offset() && local.hour() == hour.hour()
                })
                .map(|at| inside(at.max(from), (at + Duration::minutes(15)).min(to)))
                .sum(),
            Some(start) => {
                let (first, end) = self.zone.instants(Period { from: start.day(), to: start.end() });
                inside(first.max(from), end.min(to))
            }
        };
        Decimal::from(secs) / Decimal::from(60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::spend::{Granularity, starts};
    use rust_decimal::prelude::ToPrimitive;

    fn passed(zone: &str, from: &str, to: &str, now: &str) -> Passed {
        let range = SpendRange::Days { from: from.parse().unwrap(), to: to.parse().unwrap() };
        Passed { zone: Zone::parse(zone).unwrap(), range, now: now.parse().unwrap() }
    }

    #[test]
    fn minutes_count_up_to_now_and_only_inside_of_the_span() {
        let month = passed("UTC", "2026-11-02", "2026-12-01", "2026-11-23T10:07:30Z");
        assert_eq!(month.minutes(None), Decimal::new(21 * 1_440 * 10 + 6_075, 1));
        let day = |day: &str| month.minutes(Some(BucketStart::Day(day.parse().unwrap()))).to_f64().unwrap();
        assert_eq!((day("2026-11-22"), day("2026-11-23"), day("2026-11-24")), (1_440.0, 607.5, 0.0));
        let first_week = BucketStart::Month("2026-11-01".parse().unwrap());
        assert_eq!(month.minutes(Some(first_week)), month.minutes(None), "the first of the month is outside");
    }

    #[test]
    fn buckets_of_a_span_have_all_its_minutes_also_where_clocks_change() {
        for (zone, from, to) in [
            ("America/New_York", "2026-10-25", "2026-11-08"),
            ("Australia/Lord_Howe", "2026-04-01", "2026-04-08"),
            ("Asia/Kolkata", "2026-11-01", "2026-11-03"),
        ] {
            let span = passed(zone, from, to, "2027-01-01T00:00:00Z");
            let SpendRange::Days { from, to } = span.range else { unreachable!() };
            let days: Decimal = starts(Period { from, to }, Granularity::Day)
                .into_iter()
                .map(|day| span.minutes(Some(BucketStart::Day(day))))
                .sum();
            let hours: Decimal = crate::spend::explore::buckets(span.zone, span.range, Granularity::Hour)
                .into_iter()
                .map(|hour| span.minutes(Some(hour)))
                .sum();
            assert_eq!((days, hours), (span.minutes(None), span.minutes(None)), "{zone}");
        }
    }
}
