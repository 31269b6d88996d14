//! Days, months and the organization's zone.
//!
//! Every span is half-open: `from` belongs to it, `to` does not.

use chrono::{DateTime, Days, FixedOffset, Months, NaiveDate, Offset, Utc};
use serde::{Deserialize, Serialize};

mod preset;
pub use preset::{Calendar, Comparison, Preset, last_24_hours, resolve, same_weekdays};

/// Longest span a page or query may ask for, in days (ten years and a bit).
pub const MAX_DAYS: i64 = 3_700;

/// A span of days in the organization's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub from: NaiveDate,
    /// Day after the last one.
    pub to: NaiveDate,
}

impl Period {
    /// A span of at least one and at most [`MAX_DAYS`] days.
    #[must_use]
    pub fn new(from: NaiveDate, to: NaiveDate) -> Option<Self> {
        let days = (to - from).num_days();
        (1..=MAX_DAYS).contains(&days).then_some(Self { from, to })
    }

    /// The calendar month that holds `day`.
    #[must_use]
    pub fn month_of(day: NaiveDate) -> Self {
        Self::months_of(day, 1)
    }

    /// The calendar quarter (`count` 3) or year (12) that holds `day`; `count` divides 12.
    pub(crate) fn months_of(day: NaiveDate, count: u32) -> Self {
        let from = preset::first_month(day, count);
        let to = from.checked_add_months(Months::new(count)).unwrap_or(NaiveDate::MAX);
        Self { from, to }
    }

    /// The month to date: from the first of `today`'s month up to and including `today`.
    #[must_use]
    pub fn month_to_date(today: NaiveDate) -> Self {
        Self { from: Self::month_of(today).from, to: next_day(today) }
    }

    /// The last `days` days up to and including `today`.
    #[must_use]
    pub fn last_days(today: NaiveDate, days: u64) -> Self {
        let to = next_day(today);
        Self { from: to.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN), to }
    }

    /// Number of days.
    #[must_use]
    pub fn days(&self) -> i64 {
        (self.to - self.from).num_days()
    }

    /// The last day that belongs to it.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        self.to.pred_opt().unwrap_or(self.to)
    }

    /// Every day in order.
    pub fn iter(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let to = self.to;
        self.from.iter_days().take_while(move |day| *day < to)
    }

    /// Whether the day belongs to it.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && day < self.to
    }

    /// The same days so many months before; the 31st becomes the last of a shorter month.
    #[must_use]
    pub(crate) fn months_before(&self, months: u32) -> Self {
        let before = |day: NaiveDate| day.checked_sub_months(Months::new(months)).unwrap_or(NaiveDate::MIN);
        let from = before(self.from);
        Self { from, to: before(self.to).max(next_day(from)) }
    }

    /// What to compare with: the same days of the month before for a span that begins on a first and stays in one month, of the quarter or year before for one that begins with a quarter or year and reaches into its second month; otherwise as many days right before.
    ///
    /// A month to date of more days than the previous month has is compared with that whole month.
    #[must_use]
    pub fn previous(&self) -> Self {
        let begins = |count| {
            Self::months_of(self.from, count).from == self.from && self.to <= Self::months_of(self.from, count).to
        };
        if begins(1) {
            let before = Self::month_of(self.from.pred_opt().unwrap_or(self.from));
            if self.to == Self::month_of(self.from).to {
                return before;
            }
            let to = before.from.checked_add_days(Days::new(self.days().unsigned_abs())).unwrap_or(before.to);
            return Self { from: before.from, to: to.min(before.to) };
        }
        if let Some(count) = [3, 12].into_iter().find(|count| begins(*count)) {
            return self.months_before(count);
        }
        let days = Days::new(self.days().unsigned_abs());
        Self { from: self.from.checked_sub_days(days).unwrap_or(NaiveDate::MIN), to: self.from }
    }
}

fn next_day(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(day)
}

/// How far an organization's clock is from UTC over some years: shows local time where there is no table of zones, in the browser.
///
/// Each entry is until when, and seconds east. Before the first and after the last year the nearest known offset holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offsets(Vec<(DateTime<Utc>, i32)>);

impl Offsets {
    /// The local time of an instant with its offset; UTC where nothing is known.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        let known = self.0.iter().find(|(until, _)| at < *until).or(self.0.last());
        let offset = known.and_then(|(_, seconds)| FixedOffset::east_opt(*seconds));
        at.with_timezone(&offset.unwrap_or_else(|| Utc.fix()))
    }
}

#[cfg(feature = "tz")]
pub use zone::Zone;

#[cfg(feature = "tz")]
mod aliases;

#[cfg(feature = "tz")]
mod zone {
    use super::aliases::ALIASES;
    use super::{Offsets, Period};
    use crate::problem::FieldProblem;
    use chrono::{DateTime, Duration, FixedOffset, LocalResult, NaiveDate, NaiveTime, Offset, TimeZone, Utc};

    /// An IANA time zone.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Zone(chrono_tz::Tz);

    impl Zone {
        /// Coordinated universal time.
        pub const UTC: Self = Self(chrono_tz::UTC);

        /// Reads an IANA name such as `Asia/Kolkata`; an old name such as `Asia/Calcutta` is the zone of its present one.
        ///
        /// # Errors
        /// A field problem for `time_zone`.
        pub fn parse(name: &str) -> Result<Self, FieldProblem> {
            let name = name.trim();
            let present =
                ALIASES.binary_search_by_key(&name, |(old, _)| *old).ok().and_then(|index| ALIASES.get(index));
            present
                .map_or(name, |(_, present)| *present)
                .parse()
                .map(Self)
                .map_err(|_| FieldProblem::new("time_zone", "unknown", "Choose a time zone such as Europe/Berlin."))
        }

        /// Its IANA name.
        #[must_use]
        pub fn name(self) -> &'static str {
            self.0.name()
        }

        /// The zones that a person would choose: UTC, and places under their present names.
        pub fn places() -> impl Iterator<Item = Self> {
            const PARTS: [&str; 9] = [
                "Africa/",
                "America/",
                "Antarctica/",
                "Asia/",
                "Atlantic/",
                "Australia/",
                "Europe/",
                "Indian/",
                "Pacific/",
            ];
            let is_old = |name: &str| ALIASES.binary_search_by_key(&name, |(old, _)| *old).is_ok();
            let is_place = move |name: &str| PARTS.iter().any(|part| name.starts_with(part)) && !is_old(name);
            let places = chrono_tz::TZ_VARIANTS.iter().filter(move |zone| is_place(zone.name())).copied();
            std::iter::once(chrono_tz::UTC).chain(places).map(Self)
        }

        /// Its old names.
        pub fn old_names(self) -> impl Iterator<Item = &'static str> {
            ALIASES.iter().filter(move |(_, present)| *present == self.name()).map(|(old, _)| *old)
        }

        /// Its name with its offset at an instant: "Asia/Kolkata (UTC+05:30)", "UTC".
        #[must_use]
        pub fn label(self, at: DateTime<Utc>) -> String {
            if self == Self::UTC {
                return self.name().to_owned();
            }
            format!("{} (UTC{})", self.name(), self.local(at).format("%:z"))
        }

        /// The local time of an instant with its offset.
        #[must_use]
        pub fn local(self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
            let offset = self.0.offset_from_utc_datetime(&at.naive_utc()).fix();
            at.with_timezone(&offset)
        }

        /// The organization's day that holds an instant.
        #[must_use]
        pub fn day_of(self, at: DateTime<Utc>) -> NaiveDate {
            self.local(at).date_naive()
        }

        /// The first instant of a day; where midnight is skipped by a clock change, the first instant after the gap.
        #[must_use]
        pub fn start_of(self, day: NaiveDate) -> DateTime<Utc> {
            let midnight = day.and_time(NaiveTime::MIN);
            match self.0.from_local_datetime(&midnight) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
                LocalResult::None => self.after_gap(day),
            }
        }

        /// Quarter by quarter to the first local time of the day that exists; gaps are at most a day long (Samoa 2011).
        fn after_gap(self, day: NaiveDate) -> DateTime<Utc> {
            let midnight = day.and_time(NaiveTime::MIN);
            (1..=96)
                .filter_map(|quarter| {
                    let local = midnight.checked_add_signed(Duration::minutes(15 * quarter))?;
                    self.0.from_local_datetime(&local).earliest()
                })
                .next()
                .map_or_else(|| midnight.and_utc(), |at| at.to_utc())
        }

        /// The spans of `[from, to)` with one offset from UTC each, in seconds: clock changes cut them.
        ///
        /// Day by day, then bisected to the quarter of an hour, on which clocks change.
        #[must_use]
        pub fn offsets(self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>, i32)> {
            let offset = |at: DateTime<Utc>| self.local(at).offset().local_minus_utc();
            let mut spans = Vec::new();
            let mut start = from;
            let mut known = from;
            let mut present = offset(from);
            while known < to {
                let next = (known + Duration::days(1)).min(to);
                if offset(next) == present {
                    known = next;
                    continue;
                }
                let (mut before, mut after) = (known, next);
                while after - before > Duration::minutes(15) {
                    let quarters = (after - before).num_minutes() / 15;
                    let middle = before + Duration::minutes((quarters / 2).max(1) * 15);
                    if offset(middle) == present { before = middle } else { after = middle }
                }
                spans.push((start, after, present));
                (start, known, present) = (after, after, offset(after));
            }
            if start < to {
                spans.push((start, to, present));
            }
            spans
        }

        /// The clock from five years before to two years after an instant.
        #[must_use]
        pub fn offsets_around(self, now: DateTime<Utc>) -> Offsets {
            let spans = self.offsets(now - Duration::days(5 * 365), now + Duration::days(2 * 365));
            Offsets(spans.into_iter().map(|(_, until, seconds)| (until, seconds)).collect())
        }

        /// First instant and end of a span of days.
        #[must_use]
        pub fn instants(self, period: Period) -> (DateTime<Utc>, DateTime<Utc>) {
            (self.start_of(period.from), self.start_of(period.to))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn day(text: &str) -> NaiveDate {
            text.parse().unwrap()
        }

        #[test]
        fn days_begin_where_the_zone_says() {
            let kolkata = Zone::parse("Asia/Kolkata").unwrap();
            assert_eq!(kolkata.start_of(day("2023-11-17")).to_rfc3339(), "2023-11-16T18:30:00+00:00");
            assert_eq!(kolkata.day_of("2023-11-16T18:30:00Z".parse().unwrap()), day("2023-11-17"));
        }

        #[test]
        fn an_old_name_is_the_zone_of_its_present_one() {
            assert!(ALIASES.is_sorted());
            for (old, present) in ALIASES {
                let (zone, same): (chrono_tz::Tz, _) = (old.parse().unwrap(), Zone::parse(old).unwrap());
                assert_eq!(same.name(), present);
                for months in 0..600 {
                    let at = DateTime::UNIX_EPOCH + Duration::days(31 * months);
                    assert_eq!(Zone(zone).local(at).offset(), same.local(at).offset(), "{old} at {at}");
                }
            }
        }

        #[test]
        fn places_are_offered_once_under_their_present_names() {
            let names: Vec<&str> = Zone::places().map(Zone::name).collect();
            assert_eq!(names[0], "UTC");
            for present in ["Asia/Kolkata", "Europe/Kyiv", "Europe/Stockholm", "America/Argentina/Buenos_Aires"] {
                assert_eq!(names.iter().filter(|name| **name == present).count(), 1, "{present}");
            }
            assert!(["Asia/Calcutta", "Europe/Kiev", "US/Pacific", "EST"].iter().all(|old| !names.contains(old)));
            let kolkata = Zone::parse("Asia/Calcutta").unwrap();
            assert_eq!(kolkata.old_names().collect::<Vec<_>>(), ["Asia/Calcutta"]);
            assert_eq!(kolkata.label(DateTime::UNIX_EPOCH), "Asia/Kolkata (UTC+05:30)");
            assert_eq!(Zone::UTC.label(DateTime::UNIX_EPOCH), "UTC");
        }

        #[test]
        fn a_skipped_midnight_begins_after_the_gap() {
            // Cairo moved from 00:00 to 01:00 on 2024-04-26.
            let cairo = Zone::parse("Africa/Cairo").unwrap();
            assert_eq!(cairo.local(cairo.start_of(day("2024-04-26"))).to_rfc3339(), "2024-04-26T01:00:00+03:00");
        }

        #[test]
        fn offsets_tell_the_time_as_the_zone_does() {
            let now = "2026-11-26T15:00:00Z".parse().unwrap();
            for zone in ["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"] {
                let zone = Zone::parse(zone).unwrap();
                let offsets = zone.offsets_around(now);
                for hours in (-40_000..17_000).step_by(7) {
                    let at = now + Duration::hours(hours);
                    assert_eq!(offsets.local(at), zone.local(at));
                    assert_eq!(offsets.local(at).offset(), zone.local(at).offset());
                }
            }
            assert_eq!(Offsets::default().local(now).to_rfc3339(), "2026-11-26T15:00:00+00:00");
        }

        #[test]
        fn clock_changes_cut_spans_of_one_offset() {
            let spans = |zone: &str, from: &str, to: &str| {
                let spans = Zone::parse(zone).unwrap().offsets(from.parse().unwrap(), to.parse().unwrap());
                spans
                    .iter()
                    .map(|(from, to, secs)| format!("{} {} {secs}", from.format("%F %R"), to.format("%F %R")))
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                spans("America/New_York", "2026-01-01T05:00:00Z", "2027-01-01T05:00:00Z"),
                [
                    "2026-01-01 05:00 2026-03-08 07:00 -18000",
                    "2026-03-08 07:00 2026-11-01 06:00 -14400",
                    "2026-11-01 06:00 2027-01-01 05:00 -18000"
                ]
            );
            assert_eq!(
                spans("Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-04T18:00:00Z"),
                ["2026-04-04 12:00 2026-04-04 15:00 39600", "2026-04-04 15:00 2026-04-04 18:00 37800"]
            );
            assert_eq!(spans("Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z").len(), 1);
        }

        #[test]
        fn days_of_clock_changes_have_23_and_25_hours() {
            let new_york = Zone::parse("America/New_York").unwrap();
            let hours = |from: &str, to: &str| (new_york.start_of(day(to)) - new_york.start_of(day(from))).num_hours();
            assert_eq!(hours("2026-03-08", "2026-03-09"), 23);
            assert_eq!(hours("2026-11-01", "2026-11-02"), 25);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: &str) -> Period {
        Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_month_to_date_is_compared_with_the_same_days() {
        assert_eq!(period("2026-11-01", "2026-11-24").previous(), period("2026-10-01", "2026-10-24"));
        assert_eq!(period("2026-11-01", "2026-12-01").previous(), period("2026-10-01", "2026-11-01"));
        assert_eq!(period("2026-03-01", "2026-03-31").previous(), period("2026-02-01", "2026-03-01"));
        assert_eq!(period("2026-11-10", "2026-11-17").previous(), period("2026-11-03", "2026-11-10"));
    }
}
