//! The ladder: what went wrong inside, and the one place that turns it into a [`Problem`].

use domain::problem::Problem;
use thiserror::Error as ThisError;

/// Why a verb failed.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The caller's fault or the state of things; says what may be said outside.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// PostgreSQL said no or could not be reached.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The connection was lost while a transaction committed: it may have, or not.
    #[error("the outcome of a commit is unknown: {0}")]
    OutcomeUnknown(sqlx::Error),
    /// A migration failed.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored value that no code of ours can have written.
    #[error("inconsistent {table}.{column}: {detail}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What was found.
        detail: String,
    },
    /// A part of the server itself failed.
    #[error("{operation}: {detail}")]
    Server {
        /// What was being done.
        operation: &'static str,
        /// What happened.
        detail: String,
    },
}

impl Error {
    /// A stored value that no code of ours can have written.
    pub fn inconsistent(table: &'static str, column: &'static str, detail: impl ToString) -> Self {
        Self::Inconsistent { table, column, detail: detail.to_string() }
    }

    /// A part of the server itself failed.
    pub fn server(operation: &'static str, detail: impl ToString) -> Self {
        Self::Server { operation, detail: detail.to_string() }
    }

    /// The same where the fields of a problem belong to a part of a form ([`Problem::within`]).
    #[must_use]
    pub fn within(self, part: &str, beside: &[&str]) -> Self {
        match self {
            Self::Problem(problem) => Self::Problem(problem.within(part, beside)),
            other => other,
        }
    }

    /// The named constraint that refused a write, if that is what happened.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.constraint().map(without_shard),
            _ => None,
        }
    }

    /// Whether PostgreSQL is away or has no connection left: trying again may help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::OutcomeUnknown(_)
            | Self::Database(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)) => true,
            Self::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| is_away(&code)),
            _ => false,
        }
    }

    /// Whether the same request may succeed in a moment: PostgreSQL is away, gave up waiting for a lock, could not serialize, or is a standby that is about to take over.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| is_passing(&code)),
            _ => self.is_unavailable(),
        }
    }

    /// What may be said outside. Logs what may not, once, under an id that the answer names.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::OutcomeUnknown(error) => {
                tracing::warn!(%error, "the connection to PostgreSQL was lost during a commit");
                Problem::OutcomeUnknown { retry_after_secs: 2 }
            }
            error if error.is_retryable() => {
                tracing::warn!(%error, "PostgreSQL is not available at the moment");
                Problem::Unavailable { retry_after_secs: 2 }
            }
            error => {
                let error_id = error_id();
                tracing::error!(%error, %error_id, "request failed");
                Problem::Internal { error_id }
            }
        }
    }
}

/// What is said where PostgreSQL gave no answer in time.
pub(crate) fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// The name of a constraint without the number of the shard, by which a cluster tells it: none of ours ends in a number.
fn without_shard(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((constraint, shard)) if !shard.is_empty() && shard.bytes().all(|byte| byte.is_ascii_digit()) => constraint,
        _ => name,
    }
}

/// Classes of SQLSTATE: 08 connection, 53 out of disk, memory or connections, 57P operator intervention (shutdown), 57014 a statement that took longer than it may.
///
/// Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes".
fn is_away(code: &str) -> bool {
    ["08", "53", "57P", "57014"].iter().any(|class| code.starts_with(class))
}

/// Beside [`is_away`]: serialization failure, deadlock, a lock that was not to be had, a read-only transaction (a standby after a failover).
fn is_passing(code: &str) -> bool {
    is_away(code) || ["40001", "40P01", "55P03", "25006"].contains(&code)
}

#[expect(clippy::disallowed_methods, reason = "an id that only joins an answer to a log line")]
fn error_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Turns the refusal of a named constraint into a problem; everything else stays what it is.
pub trait OnConstraint<T> {
    /// Answers with `problem` if the constraint `name` refused.
    ///
    /// # Errors
    /// The problem, or the original error.
    fn on_constraint(self, name: &str, problem: impl FnOnce() -> Problem) -> Result<T, Error>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, problem: impl FnOnce() -> Problem) -> Result<T, Error> {
        self.map_err(Error::from).on_constraint(name, problem)
    }
}

impl<T> OnConstraint<T> for Result<T, Error> {
    fn on_constraint(self, name: &str, problem: impl FnOnce() -> Problem) -> Self {
        match self {
            Err(error) if error.constraint() == Some(name) => Err(Error::Problem(problem())),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::error::{DatabaseError, ErrorKind};
    use std::borrow::Cow;
    use std::fmt;

    /// What PostgreSQL answers, as far as the ladder looks at it.
    #[derive(Debug)]
    struct Answered(&'static str);

    impl fmt::Display for Answered {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Answered {}

    impl DatabaseError for Answered {
        fn message(&self) -> &str {
            self.0
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn answered(code: &'static str) -> Error {
        Error::Database(sqlx::Error::Database(Box::new(Answered(code))))
    }

    #[test]
    fn what_passes_is_503_with_a_time_to_come_back() {
        let away = ["08000", "08003", "08006", "53100", "53200", "53300", "57P01", "57P02", "57P03", "57014"];
        let passing = ["40001", "40P01", "55P03", "25006"];
        for code in away.iter().chain(&passing) {
            assert!(answered(code).is_retryable(), "{code}");
            assert_eq!(answered(code).is_unavailable(), away.contains(code), "{code}");
            assert!(matches!(answered(code).into_problem(), Problem::Unavailable { retry_after_secs: 1.. }), "{code}");
        }
        assert!(matches!(Error::Database(sqlx::Error::PoolTimedOut).into_problem(), Problem::Unavailable { .. }));
    }

    #[test]
    fn what_will_fail_again_is_not_repeated() {
        for code in ["23505", "42P01", "22P02", "25P02", "XX000"] {
            assert!(!answered(code).is_retryable(), "{code}");
            assert!(matches!(answered(code).into_problem(), Problem::Internal { .. }), "{code}");
        }
    }

    #[test]
    fn a_constraint_of_a_shard_is_that_of_its_table() {
        for (told, name) in [
            ("budgets_name_key_102068", "budgets_name_key"),
            ("budgets_name_key", "budgets_name_key"),
            ("budgets_name_key_", "budgets_name_key_"),
            ("key", "key"),
        ] {
            assert_eq!(without_shard(told), name);
        }
    }
}
