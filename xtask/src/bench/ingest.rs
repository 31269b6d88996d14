//! `cargo xtask bench ingest`: builds and runs `server/benches/ingest`, which says what it measures.

use crate::step::Failure;
use crate::tools;

/// Passed on to the measurement; `--help` tells what it takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    settings: Vec<String>,
}

/// Measures and prints the tables.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let status = tools::cargo()
        .args(["bench", "--locked", "--quiet", "-p", "server", "--bench", "ingest", "--"])
        .args(&args.settings)
        .status();
    if status.map_err(|error| error.to_string())?.success() { Ok(()) } else { Err("not measured".to_owned()) }
}
