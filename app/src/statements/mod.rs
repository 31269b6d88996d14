//! Statements: who owes what for a month, with the lines behind every total.

mod list;
mod statement;

pub(crate) use list::statements;
pub(crate) use statement::statement;
