//! The official validator of FOCUS datasets, in an environment of its own: a test of the server asks it about an export.

use crate::step::{Failure, ask, quietly, say};
use crate::tools;
use std::path::{Path, PathBuf};
use std::process::Command;

/// From PyPI; older ones check nothing. It reads with pyarrow what newer ones do not let it read.
const PACKAGES: [&str; 2] = ["focus-validator==2.2.1", "pyarrow<21"];
/// The one Python that it and built packages of what it needs are published for: a newer one would compile numpy for minutes.
const PYTHON_MINOR: u32 = 12;

/// The folder of the environment, made if need be; says what is left out where there is no such Python or the packages cannot be had.
pub(crate) fn environment() -> Option<PathBuf> {
    let left_out = |reason: &str| {
        say(&format!("   left out: the official validator on a FOCUS export; {reason}"));
        None
    };
    let Some(python) = python() else {
        return left_out(&format!("it needs python3.{PYTHON_MINOR}"));
    };
    let home = tools::target_folder().join("python").join("focus-validator");
    match install(&python, &home) {
        Ok(()) => Some(home),
        Err(reason) => left_out(&reason),
    }
}

/// Such a Python: on the PATH, or one that pyenv keeps.
fn python() -> Option<PathBuf> {
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    let kept = pyenv.and_then(|root| std::fs::read_dir(root.join("versions")).ok()).into_iter().flatten();
    let kept = kept.filter_map(|version| Some(version.ok()?.path().join("bin/python3")));
    let named = [format!("python3.{PYTHON_MINOR}"), "python3".to_owned()].map(PathBuf::from);
    let question = format!("import sys, venv; sys.exit(sys.version_info[:2] != (3, {PYTHON_MINOR}))");
    let is_it = |python: &PathBuf| {
        ask(Command::new(python).args(["-c", &question])).is_ok_and(|output| output.status.success())
    };
    named.into_iter().chain(kept).find(is_it)
}

fn install(python: &Path, home: &Path) -> Result<(), Failure> {
    if home.join("bin/focus-validator").is_file() {
        return Ok(());
    }
    quietly(Command::new(python).args(["-m", "venv", "--clear"]).arg(home))?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--timeout",
        "20",
        // Some of what it needs is published as pure source alone.
        "--prefer-binary",
    ]);
    quietly(pip.args(PACKAGES))
}
