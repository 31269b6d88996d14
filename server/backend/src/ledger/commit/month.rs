//! Months (UTC), by which events are partitioned.

use crate::ledger::key;
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

/// The month (UTC) that holds an instant: its first day.
pub(crate) fn month_of(at: DateTime<Utc>) -> NaiveDate {
    let day = at.date_naive();
    day.with_day(1).unwrap_or(day)
}

/// The first day of the following month.
pub(crate) fn next(month: NaiveDate) -> NaiveDate {
    month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX)
}

/// The first key that an event of a month can have.
pub(crate) fn first_key(month: NaiveDate) -> uuid::Uuid {
    key::first_key(month.and_time(NaiveTime::MIN).and_utc())
}

/// The name of a month's partition.
pub(crate) fn name(month: NaiveDate) -> String {
    format!("events_{:04}_{:02}", month.year(), month.month())
}
