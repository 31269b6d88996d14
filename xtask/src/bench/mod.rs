//! `cargo xtask bench`: ratios against baselines, measured side by side in one run.
//!
//! Absolute times on a shared machine mean little, so both sides take turns and the medians are compared.

mod ingest;
mod python;
mod queries;
mod rating;

use crate::step::Failure;

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// Rating beside LiteLLM's `cost_per_token` on the same cases.
    Rating(rating::Args),
    /// Ingestion beside COPY, a spend log, and a route that does nothing.
    Ingest(ingest::Args),
    /// Pages and spend queries over millions of events, beside chDB on raw rows.
    Queries(queries::Args),
    /// Allocation rules over a year of a large organization.
    Allocation,
}

/// Measures and prints a table.
///
/// # Errors
/// Whatever kept a side from running.
pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    match bench {
        Bench::Rating(args) => rating::run(args),
        Bench::Ingest(args) => ingest::run(args),
        Bench::Queries(args) => queries::run(args),
        Bench::Allocation => queries::run_alone("allocation"),
    }
}
