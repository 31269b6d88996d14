//! Hours at which a price holds.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use std::fmt;
use std::str::FromStr;

/// A daily window on some days of the week, such as `01:00-04:00 12345` (Monday is 1), in UTC or at an offset from it: `00:00-08:00 +08:00`.
///
/// The window is half-open and may wrap midnight; the weekday is that of the instant asked about, at the same offset.
/// An offset and not a zone, because no provider that prices by the hour has daylight-saving time.
/// Dates come from the price row and hold beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schedule {
    from_minute: u16,
    to_minute: u16,
    /// Bit 0 is Monday.
    weekdays: u8,
    /// Minutes that its clock is ahead of UTC.
    ahead: i16,
}

/// A schedule's text that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a schedule reads like `01:00-04:00`, `01:00-04:00 12345` or `00:00-08:00 12345 +08:00`")]
pub struct ScheduleError;

impl Schedule {
    /// Whether the price holds at this instant.
    #[must_use]
    pub fn contains(self, at: DateTime<Utc>) -> bool {
        let Some(at) = at.checked_add_signed(TimeDelta::minutes(self.ahead.into())) else { return false };
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
        if self.ahead != 0 {
            let (sign, minutes) = (if self.ahead < 0 { '-' } else { '+' }, self.ahead.unsigned_abs());
            write!(f, " {sign}{:02}:{:02}", minutes / 60, minutes % 60)?;
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let mut parts = text.split(' ');
        let (from, to) = parts.next().and_then(|window| window.split_once('-')).ok_or(ScheduleError)?;
        let mut schedule = Self { from_minute: minute(from)?, to_minute: minute(to)?, weekdays: 0b111_1111, ahead: 0 };
        let mut next = parts.next();
        if let Some(days) = next.filter(|part| !part.starts_with(['+', '-'])) {
            schedule.weekdays = weekdays(days)?;
            next = parts.next();
        }
        if let Some(offset) = next {
            schedule.ahead = offset_minutes(offset)?;
        }
        if parts.next().is_some() { Err(ScheduleError) } else { Ok(schedule) }
    }
}

fn weekdays(days: &str) -> Result<u8, ScheduleError> {
    days.bytes().try_fold(0_u8, |mask, day| match day {
        b'1'..=b'7' => Ok(mask | 1 << (day - b'1')),
        _ => Err(ScheduleError),
    })
}

fn offset_minutes(text: &str) -> Result<i16, ScheduleError> {
    let minutes = minute(text.get(1..).ok_or(ScheduleError)?)?;
    let minutes = i16::try_from(minutes).map_err(|_| ScheduleError)?;
    Ok(if text.starts_with('-') { -minutes } else { minutes })
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
