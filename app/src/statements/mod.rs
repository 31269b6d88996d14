//! Statements: who owes what for a month, with the lines behind every total.

pub mod api;
pub mod list;
pub mod statement;

pub use list::StatementsPage;
pub use statement::StatementPage;
