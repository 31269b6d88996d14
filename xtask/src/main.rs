//! The commands of this repository, one module each.

mod bench;
mod check;
mod clients;
mod dependencies;
mod described;
mod dist;
mod focus;
mod guards;
mod measure_traces;
mod replay;
mod run;
mod seed_prices;
mod site;
mod step;
mod test;
mod tools;
mod traces;
mod words;

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// The commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Install what is missing, build, and serve http://127.0.0.1:3000 on a private database.
    Run(run::Args),
    /// Build for production: the binary and the browser's files in target/dist.
    Dist,
    /// Run everything: checks, unit, property, database, HTTP and browser tests.
    Test(test::Test),
    /// Check format, lints, documentation and the guards of the invariants.
    Check(check::Args),
    /// Run the browser tests alone.
    End2end(test::Args),
    /// Run the tests with real clients alone, and compare docs/clients.md with what arrived; the binary is built first.
    Clients,
    /// Measure beside a baseline and print the ratio.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Send a production trace to a running server.
    Replay(replay::Args),
    /// Convert price data into the seed of the price book.
    SeedPrices(seed_prices::Args),
    /// Derive the sample organization's figures from the traces beside the project.
    MeasureTraces(measure_traces::Args),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Run(args) => run::run(&args),
        Command::Dist => dist::run(),
        Command::Test(args) => test::run(&args),
        Command::Check(args) => check::run(&args),
        Command::End2end(args) => test::end2end(&args),
        Command::Clients => test::clients(),
        Command::Bench(args) => bench::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::SeedPrices(args) => seed_prices::run(&args),
        Command::MeasureTraces(args) => measure_traces::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "{reason}");
            ExitCode::FAILURE
        }
    }
}
