//! `cargo xtask bench queries`: builds and runs `server/backend/benches/queries`, which says what it measures, with a Python that has chDB.

use super::python;
use crate::step::{Failure, say};
use crate::tools;
use std::process::Command;

/// chDB with its version: its answers are compared, so they should not change by themselves.
const CHDB: &str = "chdb==4.4.0";

/// Passed on to the measurement; `--help` tells what it takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    settings: Vec<String>,
}

/// Measures and prints the tables.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut bench = bench_of_backend("queries");
    match python::with("chdb", CHDB) {
        Ok(python) => drop(bench.arg("--python").arg(python)),
        // Our side alone says something, too.
        Err(reason) => say(&format!("{reason}: chDB is left out")),
    }
    measured(bench.args(&args.settings))
}

/// Runs a bench of the backend that takes no settings.
pub(crate) fn run_alone(name: &str) -> Result<(), Failure> {
    measured(&mut bench_of_backend(name))
}

fn bench_of_backend(name: &str) -> Command {
    let mut bench = tools::cargo();
    bench.args(["bench", "--locked", "--quiet", "-p", "backend", "--bench", name, "--"]);
    bench
}

fn measured(bench: &mut Command) -> Result<(), Failure> {
    let status = bench.status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err("not measured".to_owned()) }
}
