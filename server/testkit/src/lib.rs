//! The real parts that tests talk to: a database of their own, a mail server and an object storage that do as they are told.
//!
//! ```no_run
//! # async fn example() {
//! let database = testkit::TestDatabase::new().await; // migrated, empty, dropped at the end
//! let mail = testkit::SmtpSink::start().await; // mail.url() is an SMTP_URL
//! # drop((database, mail));
//! # }
//! ```
//!
//! For tests only, never part of the product: whatever fails here panics, because a test without its parts has failed.

#![expect(clippy::expect_used, clippy::panic, reason = "a test whose parts are missing has failed")]

mod database;
mod proxy;
pub mod seed;
mod smtp;
mod storage;

pub use database::TestDatabase;
pub use proxy::Proxy;
pub use smtp::{Mail, Mood, SmtpSink};
pub use storage::{Fault, ObjectStorage};
