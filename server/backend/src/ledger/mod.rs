//! The ledger: where money is recorded and moved. Nothing else writes its tables.
//!
//! * [`series`] says where an event counts: a number for its dimensions of few values, numbers for its labels.
//! * [`rollup`] declares each table of sums once and writes them.

pub(crate) mod rollup;
pub(crate) mod series;
mod sql;

pub use series::dimensions;
pub(crate) use sql::delete_all;
