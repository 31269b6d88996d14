//! Statements: who owes what for a month, with the lines behind every total; and how a month is reviewed and closed.

pub mod api;
mod close;
mod list;
pub mod mails;
mod markups;
mod replies;
mod statement;

pub(crate) use close::closing;
pub(crate) use list::{ready_figure, statements};
pub(crate) use mails::statement_mails;
pub(crate) use markups::markups;
pub(crate) use statement::statement;
