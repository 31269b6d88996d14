//! `cargo xtask bench queries`: builds and runs `server/backend/benches/queries`, which says what it measures, with a Python that has chDB.

use super::python;
use crate::step::{Failure, say};
use crate::tools;

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
    let mut bench = tools::cargo();
    bench.args(["bench", "--locked", "--quiet", "-p", "backend", "--bench", "queries", "--"]);
    match python::with("chdb", CHDB) {
        Ok(python) => drop(bench.arg("--python").arg(python)),
        // Our side alone says something, too.
        Err(reason) => say(&format!("{reason}: chDB is left out")),
    }
    let status = bench.args(&args.settings).status();
    if status.map_err(|error| error.to_string())?.success() { Ok(()) } else { Err("not measured".to_owned()) }
}
