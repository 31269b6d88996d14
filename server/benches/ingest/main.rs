//! `cargo xtask bench ingest`: ingestion beside its baselines, on one machine in one run.
//!
//! * Batches of 500 events through HTTP beside a bare binary COPY of the same events in wide rows, into a partitioned and indexed table, 5,000 rows per commit on one connection.
//! * The same batches beside a spend log shaped like LiteLLM's: text key, six indexes, inserts of 100 rows; processor time and WAL per event.
//! * Single events on 256 connections beside a route that does nothing, and beside a writer that commits each row by itself into that table on 16 connections; then at half that rate, the acknowledgement beside one fdatasync.
//! * Batches with 10 % duplicates, a full replay, two servers beside one database.
//! * PostgreSQL away for ten seconds under load.
//!
//! Sides take turns. A figure is void unless afterwards stored events = acknowledged events, none is there twice, and every sum equals the one recomputed from the events.

mod baseline;
mod events;
mod http;
mod machine;
mod measures;
mod place;
#[path = "../shared/print.rs"]
mod print;
#[path = "../shared/processor.rs"]
mod processor;
mod report;

use clap::Parser;
use std::process::ExitCode;

/// Whatever keeps a measurement from being made.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Settings of the measurement.
#[derive(Clone, Debug, Parser)]
struct Args {
    /// Turns of each side.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Events of one turn with batches.
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// Single events of one turn.
    #[arg(long, default_value_t = 40_000)]
    singles: usize,
    /// Connections that send batches.
    #[arg(long, default_value_t = 8)]
    senders: usize,
    /// Only these measurements.
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<measures::Measure>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measures::run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::line(&format!("not measured: {failure}"));
            ExitCode::FAILURE
        }
    }
}
