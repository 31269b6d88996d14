//! Monthly partitions of `events`: made apart and then attached, ahead of time and on demand.

use super::sql;
use crate::Error;
use chrono::NaiveDate;
use sqlx::PgPool;
use std::collections::BTreeSet;

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
