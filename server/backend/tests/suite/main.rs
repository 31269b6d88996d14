//! The one integration-test binary of `backend`: verbs against real PostgreSQL, one database per test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose parts are missing has failed")]

mod allocated;
mod allocation;
mod annotations;
mod billing_basis;
mod budgets;
mod business_metrics;
mod catalogue;
mod charges;
mod contract;
mod cost_basis;
mod delivery;
mod exports;
mod identity;
mod journal;
mod keys;
mod labels;
mod plans;
mod price_book;
mod price_imports;
mod prices;
mod product_lines;
mod projects;
mod repricing;
mod scheduled_exports;
mod statement_mails;
mod statements;
mod suggestions;
mod support;
mod views;
mod visibility;
