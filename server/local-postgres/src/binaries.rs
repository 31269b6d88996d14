//! Where the programs of PostgreSQL are.

use crate::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that holds `initdb`, `pg_ctl` and `postgres`.
#[derive(Clone, Debug)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Looks where `pg_config` points, in the folders of Debian and Red Hat, and on the PATH; `major` (as in `PG_VERSION`) is preferred, otherwise the newest.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] when there are none.
    pub fn find(major: Option<&str>) -> Result<Self, Error> {
        let mut found: Vec<(Option<u32>, PathBuf)> = candidates()
            .into_iter()
            .filter(|folder| is_server(folder))
            .map(|folder| (major_of(&folder), folder))
            .collect();
        // Stable: among equals the first look-up wins.
        found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        let wanted = major.and_then(|major| major.trim().parse().ok());
        let index =
            wanted.and_then(|wanted: u32| found.iter().position(|(version, _)| *version == Some(wanted))).unwrap_or(0);
        if index < found.len() { Ok(Self(found.swap_remove(index).1)) } else { Err(Error::NotInstalled) }
    }

    /// The path of one program.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn is_server(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file())
}

fn candidates() -> Vec<PathBuf> {
    let from_config = Command::new("pg_config")
        .arg("--bindir")
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let versions = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"]
        .iter()
        .filter_map(|root| std::fs::read_dir(root).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    from_config
        .into_iter()
        .chain(versions)
        .chain([PathBuf::from("/usr/pgsql/bin")])
        .chain(std::env::split_paths(&path))
        .collect()
}

/// The major version that `postgres --version` tells, as in `postgres (PostgreSQL) 15.18`.
fn major_of(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).split_whitespace().find_map(|word| word.split('.').next()?.parse().ok())
}
