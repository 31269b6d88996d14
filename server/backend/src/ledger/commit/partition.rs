//! Monthly partitions of `events`: made apart and then attached, ahead of time and on demand.

use super::sql;
use crate::Error;
use crate::ledger::key;
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use sqlx::PgPool;
use std::collections::BTreeSet;

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

/// The months whose partitions are known to exist.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    known: BTreeSet<NaiveDate>,
}

impl Partitions {
    /// Makes what is missing, in transactions of their own: no lock is held while events are written.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn ensure(
        &mut self,
        pool: &PgPool,
        months: impl IntoIterator<Item = NaiveDate>,
    ) -> Result<(), Error> {
        for month in months {
            if !self.known.contains(&month) {
                sql::create_partition(pool, month).await?;
                self.known.insert(month);
            }
        }
        Ok(())
    }

    /// Forgets everything: one that was known turned out to be gone (retention, a restored database).
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}
