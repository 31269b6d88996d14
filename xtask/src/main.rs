//! The commands of this repository, one module each.

mod replay;
mod seed_prices;
mod traces;

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// The commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Send a production trace to a running server.
    Replay(replay::Args),
    /// Convert price data into the seed of the price book.
    SeedPrices(seed_prices::Args),
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Replay(args) => replay::run(&args),
        Command::SeedPrices(args) => seed_prices::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "{reason}");
            ExitCode::FAILURE
        }
    }
}
