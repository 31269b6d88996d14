//! The one integration-test binary of `server`: the real router over real PostgreSQL, one database per test.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod allocation;
mod billing_basis;
mod budgets;
mod business_metrics;
mod charges;
mod command;
mod contract;
mod delivery;
mod doors;
mod durability;
mod events;
mod exports;
mod faults;
mod identity;
mod imports;
mod ingest;
mod journal;
mod keys;
mod labels;
mod lists;
mod operations;
mod organization;
mod prices;
mod quotes;
mod rejected;
mod replay;
mod scheduled_exports;
mod security;
mod spend;
mod statements;
mod support;
mod theme;
mod uploads;
mod views;
mod walk;
