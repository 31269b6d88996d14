//! Python packages of the other side, each in an environment of its own under `target/bench`, made once.

use crate::step::Failure;
use crate::tools;
use std::path::PathBuf;
use std::process::Command;

/// A Python that has a module, from a requirement such as `chdb==4.4.0`.
pub(super) fn with(module: &str, requirement: &str) -> Result<PathBuf, Failure> {
    let folder = tools::target_folder().join("bench").join(module);
    let python = folder.join("bin/python");
    let find = format!("import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)");
    let has_it = || Command::new(&python).args(["-c", &find]).status().is_ok_and(|status| status.success());
    if !has_it() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
        let filled = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement])
            .status();
        if !(made.is_ok_and(|status| status.success()) && filled.is_ok_and(|status| status.success())) {
            return Err(format!("{requirement} cannot be installed with python3 and pip"));
        }
    }
    Ok(python)
}
