//! `cargo xtask bench queries`: Overview's panels and thirteen spend queries over millions of events, beside chDB over the same rows.
//!
//! * Some events are recorded through the product's own commit; the rest are copies of them, made in the database with times, ids, customers and hashes of their own (`load.sql`), and sums that follow. `verify`, which reads events and sums by other means, has to find no difference.
//! * The mix is that of ServeGen's production cloud where its trace lies beside the project (`mix.rs`), else a synthetic one.
//! * Every size grows in the same database and is measured with PostgreSQL warm: the first answer of a server that kept none, then as often as `--rounds` says, p50 and p95, with what it kept.
//! * chDB is `ClickHouse` in a process: the same rows in a `MergeTree` table with exact decimals. Where it can answer the same question, its answer has to be the same to the last digit; sides take turns.
//!
//! The organization's clock stands still, so every run has the same days; ids of projects and keys differ from run to run.

mod chdb;
mod load;
mod measure;
mod mix;
mod place;
#[path = "../../../benches/shared/print.rs"]
mod print;
#[path = "../../../benches/shared/processor.rs"]
mod processor;
mod questions;
mod template;

use clap::Parser;
use print::line;
use std::path::PathBuf;
use std::process::ExitCode;

/// Whatever keeps a measurement from being made.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Settings of the measurement.
#[derive(Clone, Debug, Parser)]
struct Args {
    /// Sizes in millions of events, growing.
    #[arg(long, value_delimiter = ',', default_values_t = [1.0, 10.0])]
    millions: Vec<f64>,
    /// Events that are recorded through the product; every size is a multiple of it.
    #[arg(long, default_value_t = 200_000)]
    template: u64,
    /// How often each question is asked.
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Turns of each side beside chDB.
    #[arg(long, default_value_t = 10)]
    turns: usize,
    /// The largest size, in millions, that chDB gets too: its rows take disk a second time.
    #[arg(long, default_value_t = 10.0)]
    chdb_up_to: f64,
    /// Sizes beyond so many millions keep the last month's events only: those before have left by retention, their sums stay. All of 50 million would take 22 GB.
    #[arg(long, default_value_t = 10.0)]
    all_events_up_to: f64,
    /// A Python that has `chdb`; without it that side is left out.
    #[arg(long)]
    python: Option<PathBuf>,
    /// Sizes up to so many millions are verified whole, larger ones on three of their days.
    #[arg(long, default_value_t = 1.0)]
    verify_up_to: f64,
    /// Folder of ServeGen's trace; `../shared/data/traces/servegen` when left out.
    #[arg(long)]
    servegen: Option<PathBuf>,
    /// PostgreSQL's cache: a quarter of the memory is what its manual advises.
    #[arg(long, default_value = "2GB")]
    shared_buffers: String,
    /// Prints the plans of dear statements behind every figure over the goal.
    #[arg(long)]
    explain: bool,
    /// Where database and rows are kept while it runs; the folder for temporary files when left out.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            line(&format!("not measured: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Loads and measures one size after the other, and compares them at the end.
async fn run(args: &Args) -> Result<(), Failure> {
    let sizes = copies_of(args)?;
    let mix = mix::Mix::read(args.servegen.clone())?;
    line(&mix.told);
    let place = place::Place::make(args).await?;
    template::record(&place, &mix, args.template).await?;
    let mut other = args.python.as_deref().map(|python| chdb::Chdb::start(python, place.folder())).transpose()?;
    if other.is_none() {
        line("left out: chDB, for there is no Python that has it (--python)");
    }
    let mut results = Vec::new();
    // The template itself is the first.
    let mut loaded = 1;
    for (millions, copies) in sizes {
        let keeps_all = millions <= args.all_events_up_to;
        load::grow(&place, loaded..copies, keeps_all).await?;
        loaded = copies;
        load::verify(&place, copies, keeps_all, millions <= args.verify_up_to).await?;
        results.push(measure::ours(&place, args, millions).await?);
        if let Some(other) = other.as_mut().filter(|_| millions <= args.chdb_up_to && keeps_all) {
            measure::beside_chdb(&place, args, other).await?;
        }
    }
    measure::print_growth(&results);
    Ok(())
}

/// Every size with how many copies of the template it is.
fn copies_of(args: &Args) -> Result<Vec<(f64, u64)>, Failure> {
    if !args.millions.is_sorted() || args.millions.is_empty() {
        return Err("sizes have to grow".into());
    }
    let copies = |millions: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of events")]
        let events = (millions * 1e6).round() as u64;
        let copies = events.checked_div(args.template).filter(|_| events > 0 && events.is_multiple_of(args.template));
        copies.ok_or_else(|| format!("{millions} millions are no multiple of the template's {}", args.template))
    };
    Ok(args.millions.iter().map(|millions| Ok((*millions, copies(*millions)?))).collect::<Result<_, String>>()?)
}
