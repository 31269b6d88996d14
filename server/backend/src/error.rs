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

    /// The named constraint that refused a write, if that is what happened.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// Whether PostgreSQL is away or has no connection left: trying again may help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)) => true,
            // Class 57: operator intervention (shutdown); class 53: out of disk, memory or connections.
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53"))
            }
            _ => false,
        }
    }

    /// Whether PostgreSQL gave up waiting for locks: trying again helps.
    #[must_use]
    pub fn is_deadlock(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| ["40P01", "40001", "55P03"].contains(&&*code))
            }
            _ => false,
        }
    }

    /// What may be said outside. Logs what may not, once, under an id that the answer names.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            error if error.is_unavailable() => {
                tracing::warn!(%error, "PostgreSQL is not available");
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
