//! The system user that PostgreSQL runs as.

use crate::Error;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names of unprivileged users, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who runs PostgreSQL: the caller itself, or an unprivileged user where the caller is root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Name, user id and group id to change to; `None` is the caller itself.
    other: Option<(String, u32, u32)>,
}

impl Account {
    /// The caller, or an unprivileged user where the caller is root.
    ///
    /// # Errors
    /// [`Error::NoAccount`] where root finds no such user.
    pub fn unprivileged() -> Result<Self, Error> {
        if id_of(&["-u"]) != Some(0) {
            return Ok(Self { other: None });
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| Some(((*name).to_owned(), id_of(&["-u", name])?, id_of(&["-g", name])?)))
            .map(|other| Self { other: Some(other) })
            .ok_or(Error::NoAccount)
    }

    /// Its name where it is not the caller.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.other.as_ref().map(|(name, ..)| name.as_str())
    }

    /// A command that will run as this user, away from the caller's folder and free of `PG*` settings.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        if let Some((_, user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        match self.other {
            Some((_, user, group)) => std::os::unix::fs::chown(path, Some(user), Some(group))
                .map_err(|error| Error::File(path.to_path_buf(), error)),
            None => Ok(()),
        }
    }

    /// Whether this user can enter `folder`, asked of the system itself, which also knows access lists.
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        self.other.is_none()
            || self
                .command(Path::new("/bin/sh"))
                .args(["-c", "cd -- \"$1\"", "sh"])
                .arg(folder)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }
}

/// What the system's `id` answers.
fn id_of(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|_| output.status.success())
}
