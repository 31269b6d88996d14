//! The tests with real clients: Python packages of pinned versions in an environment of their own, against the real binary.

use crate::step::{Failure, ask, openly, quietly, say};
use crate::tools;
use local_postgres::Binaries;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Python for which all packages are published.
const PYTHON_MINOR: u32 = 10;

/// Runs them; says what is left out where there is no Python or its packages cannot be had.
///
/// # Errors
/// What failed.
pub(crate) fn run(database: &str) -> Result<(), Failure> {
    let Some(python) = environment() else { return Ok(()) };
    let mut tests = tools::program(&python.to_string_lossy());
    // The packages' own warnings are not about us.
    tests.args(["-W", "ignore"]).arg(folder().join("clients.py")).env("TALLYSTICK_TEST_DATABASE_URL", database);
    tests.env("PYTHONDONTWRITEBYTECODE", "1").env("TALLYSTICK", tools::target_folder().join("debug/tallystick"));
    if let Ok(binaries) = Binaries::find(None) {
        tests.env("CREATEDB", binaries.program("createdb"));
    }
    openly(&mut tests)
}

fn folder() -> PathBuf {
    tools::root().join("server/tests/clients")
}

/// The Python of the environment, made or brought up to date.
fn environment() -> Option<PathBuf> {
    let left_out = |reason: &str| {
        say(&format!("   left out: the tests with OpenTelemetry, LiteLLM and CloudEvents clients; {reason}"));
        None
    };
    if !python_is_new_enough() {
        return left_out(&format!("they need python3, 3.{PYTHON_MINOR} or newer"));
    }
    let home = tools::target_folder().join("clients");
    let python = home.join("bin/python");
    match install(&home, &python) {
        Ok(()) => Some(python),
        Err(reason) => left_out(&reason),
    }
}

fn python_is_new_enough() -> bool {
    let question = format!("import sys, venv; sys.exit(sys.version_info < (3, {PYTHON_MINOR}))");
    ask(Command::new("python3").args(["-c", &question])).is_ok_and(|output| output.status.success())
}

/// Installs what `requirements.txt` names, unless that is what is there.
fn install(home: &Path, python: &Path) -> Result<(), Failure> {
    let wanted = fs::read(folder().join("requirements.txt")).map_err(|error| format!("requirements.txt: {error}"))?;
    let installed = home.join("installed.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    quietly(tools::program("python3").args(["-m", "venv"]).arg(home))?;
    let mut pip = tools::program(&python.to_string_lossy());
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--timeout", "20", "-r"]);
    quietly(pip.arg(folder().join("requirements.txt")))?;
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))
}
