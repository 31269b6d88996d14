//! Days, months and local times.

use super::MINUS;
use crate::period::Period;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Offset, Timelike};

/// A day: "Nov 20".
#[must_use]
pub fn day(day: NaiveDate) -> String {
    day.format("%b %-d").to_string()
}

/// A day with its year: "Nov 20, 2026".
#[must_use]
pub fn day_year(day: NaiveDate) -> String {
    day.format("%b %-d, %Y").to_string()
}

/// A day with its weekday: "Fri, Nov 20".
#[must_use]
pub fn weekday(day: NaiveDate) -> String {
    day.format("%a, %b %-d").to_string()
}

/// A month with its year: "November 2026".
#[must_use]
pub fn month(day: NaiveDate) -> String {
    day.format("%B %Y").to_string()
}

/// A month alone: "November".
#[must_use]
pub fn month_name(day: NaiveDate) -> String {
    day.format("%B").to_string()
}

/// A local time to the minute: "Nov 20, 09:41".
#[must_use]
pub fn time(at: DateTime<FixedOffset>) -> String {
    at.format("%b %-d, %H:%M").to_string()
}

/// A local time to the second: "Nov 20, 09:41:07".
#[must_use]
pub fn time_seconds(at: DateTime<FixedOffset>) -> String {
    at.format("%b %-d, %H:%M:%S").to_string()
}

/// A local time in full, for the value on hover: "2026-11-20 09:41:07.113 UTC+5:30".
#[must_use]
pub fn time_exact(at: DateTime<FixedOffset>) -> String {
    let millis = at.nanosecond() / 1_000_000;
    format!("{}.{millis:03} {}", at.format("%Y-%m-%d %H:%M:%S"), offset(at.offset().fix()))
}

/// The value of an HTML `datetime` attribute.
#[must_use]
pub fn time_machine(at: DateTime<FixedOffset>) -> String {
    at.to_rfc3339()
}

/// The hour of a local time: "09:00".
#[must_use]
pub fn hour(at: DateTime<FixedOffset>) -> String {
    at.format("%H:%M").to_string()
}

/// An offset from UTC: "UTC", "UTC+5:30", "UTC−5".
#[must_use]
pub fn offset(offset: FixedOffset) -> String {
    let secs = offset.local_minus_utc();
    if secs == 0 {
        return "UTC".to_owned();
    }
    let sign = if secs < 0 { MINUS } else { "+" };
    let minutes = secs.abs() / 60;
    let rest = if minutes % 60 == 0 { String::new() } else { format!(":{:02}", minutes % 60) };
    format!("UTC{sign}{}{rest}", minutes / 60)
}

/// A span of days: "Nov 1 – 23", "Nov 28 – Dec 3", "November" for a whole month, "Nov 20" for one day; with the year where it is not `today`'s.
#[must_use]
pub fn range(period: Period, today: NaiveDate) -> String {
    let (from, to) = (period.from, period.last_day());
    if from.year() != to.year() {
        return format!("{} – {}", day_year(from), day_year(to));
    }
    let year = if to.year() == today.year() { String::new() } else { format!(", {}", to.year()) };
    if from == to {
        format!("{}{year}", day(from))
    } else if period == Period::month_of(from) {
        if year.is_empty() { month_name(from) } else { month(from) }
    } else if from.month() == to.month() {
        format!("{} – {}{year}", day(from), to.day())
    } else {
        format!("{} – {}{year}", day(from), day(to))
    }
}
