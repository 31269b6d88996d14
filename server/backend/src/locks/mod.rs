//! Advisory locks of PostgreSQL: what a transaction holds until it ends without it being a row.
//!
//! Every lock has its number here, and only `sql.rs` beside it takes any: a number chosen elsewhere could be somebody else's.

mod sql;

pub(crate) use sql::{hold, hold_shared, try_hold, try_hold_shared};

use domain::ids::OrgId;

/// What is locked; the compiler refuses a number that is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// The events of an organization: shared by whoever writes them, exclusive for whoever rebuilds or deletes them.
    Events = 1,
    /// Mails about an organization, while they are counted.
    Mails = 2,
    /// Open uploads of an organization, while they are counted.
    Uploads = 3,
    /// Partitions of `events`, while one is made or dropped.
    Partitions = 4,
    /// Retention: one server at a time deletes.
    Retention = 5,
    /// The sweep over all budgets: one server at a time makes it.
    BudgetSweep = 6,
    /// The seed of the price book: servers that start together bring it in once.
    PriceSeed = 7,
    /// What the recorded events of an organization cost: whoever adjusts them or takes them back.
    Costs = 8,
    /// Versions of an organization's statements, while one is taken or answered.
    Statements = 9,
}

impl Lock {
    /// The lock of one organization.
    ///
    /// The tail of an id is random: two organizations may share a lock, one pair of four billion, and then wait for each other without need.
    pub(crate) fn of(self, org_id: OrgId) -> LockKey {
        let [.., a, b, c, d] = org_id.0.into_bytes();
        LockKey { lock: self as i32, of: i32::from_be_bytes([a, b, c, d]) }
    }

    /// The lock of all.
    pub(crate) const fn of_all(self) -> LockKey {
        LockKey { lock: self as i32, of: 0 }
    }
}

/// A lock as PostgreSQL knows it: two numbers. Locks of one number, such as that of sqlx's migrations, are others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockKey {
    lock: i32,
    of: i32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::TestDatabase;

    const ALL: [Lock; 9] = [
        Lock::Events,
        Lock::Mails,
        Lock::Uploads,
        Lock::Partitions,
        Lock::Retention,
        Lock::BudgetSweep,
        Lock::PriceSeed,
        Lock::Costs,
        Lock::Statements,
    ];

    #[tokio::test]
    async fn no_lock_is_another_one() {
        let database = TestDatabase::new().await;
        let orgs = ["018f0000-0000-7000-8000-0000000000aa", "018f0000-0000-7000-8000-0000000000bb"];
        let orgs = orgs.map(|id| OrgId(id.parse().unwrap()));
        let keys: Vec<LockKey> =
            ALL.into_iter().flat_map(|lock| [lock.of_all(), lock.of(orgs[0]), lock.of(orgs[1])]).collect();
        for held in &keys {
            let mut holder = database.pool().begin().await.unwrap();
            hold(&mut holder, *held).await.unwrap();
            let mut other = database.pool().begin().await.unwrap();
            for key in &keys {
                assert_eq!(try_hold(&mut other, *key).await.unwrap(), key != held, "{key:?} while {held:?} is held");
            }
            // Waited for: a transaction that is dropped gives its locks back some time later.
            other.rollback().await.unwrap();
            holder.rollback().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_lock_outlasts_the_time_that_a_transaction_may_be_idle() {
        let database = TestDatabase::new().await;
        let pool = crate::Pools::apart(&database.pool().connect_options(), crate::Sizes::default()).work;
        let mut holder = pool.begin().await.unwrap();
        let idle = "show idle_in_transaction_session_timeout";
        let may_be_idle: String = sqlx::query_scalar(idle).fetch_one(&mut *holder).await.unwrap();
        assert_ne!(may_be_idle, "0", "others are ended");
        assert!(try_hold(&mut holder, Lock::Retention.of_all()).await.unwrap());
        let may_be_idle: String = sqlx::query_scalar(idle).fetch_one(&mut *holder).await.unwrap();
        assert_eq!(may_be_idle, "0");
    }
}
