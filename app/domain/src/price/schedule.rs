//! Hours at which a price holds.

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A daily window in UTC on some days of the week, such as `01:00-04:00 12345` (Monday is 1).
///
/// The window is half-open and may wrap midnight; the weekday is that of the instant asked about.
/// Dates come from the price row and hold beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schedule {
    from_minute: u16,
    to_minute: u16,
    /// Bit 0 is Monday.
    weekdays: u8,
}

/// A schedule's text that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a schedule reads like `01:00-04:00` or `01:00-04:00 12345`")]
pub struct ScheduleError;

impl Schedule {
    /// Whether the price holds at this instant.
    #[must_use]
    pub fn contains(self, at: DateTime<Utc>) -> bool {
        let minute = at.hour() * 60 + at.minute();
        let (from, to) = (u32::from(self.from_minute), u32::from(self.to_minute));
        let in_window = if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        in_window && self.weekdays & (1 << at.weekday().num_days_from_monday()) != 0
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from_minute, self.to_minute);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)?;
        if self.weekdays != 0b111_1111 {
            f.write_str(" ")?;
            for day in (0..7).filter(|day| self.weekdays & (1 << day) != 0) {
                write!(f, "{}", day + 1)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let (window, days) = text.split_once(' ').map_or((text, None), |(window, days)| (window, Some(days)));
        let (from, to) = window.split_once('-').ok_or(ScheduleError)?;
        let weekdays = match days {
            None => 0b111_1111,
            Some(days) => days.bytes().try_fold(0_u8, |mask, day| match day {
                b'1'..=b'7' => Ok(mask | 1 << (day - b'1')),
                _ => Err(ScheduleError),
            })?,
        };
        Ok(Self { from_minute: minute(from)?, to_minute: minute(to)?, weekdays })
    }
}

fn minute(text: &str) -> Result<u16, ScheduleError> {
    let (hour, minute) = text.split_once(':').ok_or(ScheduleError)?;
    let number = |part: &str| part.parse::<u16>().ok().filter(|_| part.len() == 2).ok_or(ScheduleError);
    let (hour, minute) = (number(hour)?, number(minute)?);
    if hour > 24 || minute > 59 || (hour == 24 && minute > 0) {
        return Err(ScheduleError);
    }
    Ok(hour * 60 + minute)
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
