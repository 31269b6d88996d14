//! Statements: who owes what for a month, with the lines behind every total.

mod list;
pub mod mails;
mod statement;

pub(crate) use list::statements;
pub(crate) use mails::statement_mails;
pub(crate) use statement::statement;
