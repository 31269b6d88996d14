//! Where a bucket of time begins, typed from the query to the chart.

use super::Granularity;
use crate::period::Period;
use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, SecondsFormat};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The begin of a bucket; of one answer all are of one kind, in the order of time.
///
/// Written as the API says it: RFC 3339 with offset, a date, a Monday, `YYYY-MM`, `YYYY-Qn`, `YYYY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketStart {
    /// An hour, with the offset that was in force, which tells the two repeated hours of a day apart.
    Hour(DateTime<FixedOffset>),
    /// A day.
    Day(NaiveDate),
    /// The Monday of a week.
    Week(NaiveDate),
    /// The first day of a month.
    Month(NaiveDate),
    /// The first day of a quarter of a year.
    Quarter(NaiveDate),
    /// The first day of a year.
    Year(NaiveDate),
}

impl BucketStart {
    /// The bucket that begins with a day; none for hours, and where there are no buckets.
    #[must_use]
    pub const fn of(bucket: Granularity, day: NaiveDate) -> Option<Self> {
        match bucket {
            Granularity::None | Granularity::Hour => None,
            Granularity::Day => Some(Self::Day(day)),
            Granularity::Week => Some(Self::Week(day)),
            Granularity::Month => Some(Self::Month(day)),
            Granularity::Quarter => Some(Self::Quarter(day)),
            Granularity::Year => Some(Self::Year(day)),
        }
    }

    /// Its first day; of an hour the day that holds it.
    #[must_use]
    pub fn day(self) -> NaiveDate {
        match self {
            Self::Hour(at) => at.date_naive(),
            Self::Day(day) | Self::Week(day) | Self::Month(day) | Self::Quarter(day) | Self::Year(day) => day,
        }
    }

    /// The hour, where it is one.
    #[must_use]
    pub const fn hour(self) -> Option<DateTime<FixedOffset>> {
        match self {
            Self::Hour(at) => Some(at),
            _ => None,
        }
    }

    /// The day after its last; of an hour the day after the one that holds it.
    #[must_use]
    pub fn end(self) -> NaiveDate {
        let after = |days| self.day().checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX);
        match self {
            Self::Hour(_) | Self::Day(_) => after(1),
            Self::Week(_) => after(7),
            Self::Month(day) => Period::months_of(day, 1).to,
            Self::Quarter(day) => Period::months_of(day, 3).to,
            Self::Year(day) => Period::months_of(day, 12).to,
        }
    }
}

impl fmt::Display for BucketStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hour(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::Secs, false)),
            Self::Day(day) | Self::Week(day) => day.fmt(f),
            Self::Month(day) => write!(f, "{:04}-{:02}", day.year(), day.month()),
            Self::Quarter(day) => write!(f, "{:04}-Q{}", day.year(), day.month0() / 3 + 1),
            Self::Year(day) => write!(f, "{:04}", day.year()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_written_as_the_api_says_and_sorted_by_time() {
        let day: NaiveDate = "2026-11-02".parse().unwrap();
        let text = |bucket| BucketStart::of(bucket, day).map(|start| start.to_string());
        let texts = Granularity::ALL.map(text);
        let written = |text: &str| Some(text.to_owned());
        let expected = ["2026-11-02", "2026-11-02", "2026-11", "2026-Q4", "2026"].map(written);
        assert_eq!((&texts[..2], &texts[2..]), (&[None, None][..], &expected[..]));
        let ends = [Granularity::Week, Granularity::Quarter, Granularity::Year]
            .map(|bucket| BucketStart::of(bucket, day).map(|start| start.end().to_string()));
        assert_eq!(ends, ["2026-11-09", "2027-01-01", "2027-01-01"].map(written));
        // The second of two equal local times is the one with the smaller offset.
        let hour = |text: &str| BucketStart::Hour(text.parse().unwrap());
        let (first, second) = (hour("2026-11-01T01:00:00-04:00"), hour("2026-11-01T01:00:00-05:00"));
        assert!(first < second && first.to_string() != second.to_string());
        assert_eq!(second.day(), "2026-11-01".parse::<NaiveDate>().unwrap());
    }
}
