//! When a row of a file was.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};

/// How exports write an instant without saying its offset: UTC, as all of them do.
const PLAIN: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
/// How they write one with its offset, besides RFC 3339: as PostgreSQL does.
const WITH_OFFSET: &str = "%Y-%m-%d %H:%M:%S%.f%#z";
/// How they write a day.
const DAY: &str = "%Y-%m-%d";

/// When a row is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowTime {
    /// RFC 3339.
    pub(super) at: String,
    /// Whether the row stands for a whole day or another span: what it counts is a sum.
    pub(super) is_span: bool,
}

/// Reads the cell that says when a row was, and the one that says when its span ended; none where the first is no time.
///
/// A day or a span is booked at its middle: so a day of UTC falls on the same day in nearly every zone.
pub(super) fn row_time(start: &str, end: Option<&str>) -> Option<RowTime> {
    let (begins, ends) = match (day(start), end) {
        (Some(day), _) => (day, day + TimeDelta::days(1)),
        (None, Some(end)) => (instant(start)?, instant(end)?),
        (None, None) => {
            let at = instant(start)?;
            (at, at)
        }
    };
    let at = begins + (ends - begins) / 2;
    Some(RowTime { at: at.to_rfc3339_opts(SecondsFormat::AutoSi, true), is_span: ends != begins })
}

fn day(text: &str) -> Option<DateTime<Utc>> {
    Some(NaiveDate::parse_from_str(text, DAY).ok()?.and_time(chrono::NaiveTime::MIN).and_utc())
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let with_offset = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, WITH_OFFSET));
    let plain = || PLAIN.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    with_offset.ok().map(|at| at.to_utc()).or_else(|| Some(plain()?.and_utc())).or_else(|| since_1970(text))
}

/// Seconds since 1970 with or without a fraction, or milliseconds: of any time in this century their lengths differ.
fn since_1970(text: &str) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 => {
            let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
            DateTime::from_timestamp(number, digits.parse().ok()?)
        }
        13 => DateTime::from_timestamp_millis(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: &str, end: Option<&str>) -> Option<(String, bool)> {
        row_time(start, end).map(|time| (time.at, time.is_span))
    }

    #[test]
    fn times_are_read_as_exports_write_them() {
        for (cell, time) in [
            ("2026-11-20T09:30:00+05:30", "2026-11-20T04:00:00Z"),
            ("2026-11-20T09:30:00.250Z", "2026-11-20T09:30:00.250Z"),
            ("2026-11-20 09:30:00+00", "2026-11-20T09:30:00Z"),
            ("2026-11-20 09:30:00 UTC", "2026-11-20T09:30:00Z"),
            ("2026-11-20 09:30", "2026-11-20T09:30:00Z"),
            ("2026-11-20T09:30:00.5", "2026-11-20T09:30:00.500Z"),
            ("1795167000", "2026-11-20T09:30:00Z"),
            ("1795167000.5", "2026-11-20T09:30:00.500Z"),
            ("1795167000250", "2026-11-20T09:30:00.250Z"),
        ] {
            assert_eq!(at(cell, None), Some((time.to_owned(), false)), "{cell}");
        }
        for none in ["", "11/20/2026", "20.11.2026", "yesterday", "17951670", "2026-13-01", "-1795167000"] {
            assert_eq!(at(none, None), None, "{none}");
        }
    }

    #[test]
    fn days_and_spans_are_booked_at_their_middle() {
        assert_eq!(at("2026-11-20", None), Some(("2026-11-20T12:00:00Z".to_owned(), true)));
        let day = at("1795132800", Some("1795219200"));
        assert_eq!(day, Some(("2026-11-20T12:00:00Z".to_owned(), true)));
        assert_eq!(at("2026-11-20T00:00:00Z", Some("soon")), None);
    }
}
