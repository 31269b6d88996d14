//! A private PostgreSQL in a folder of its own, for local mode, development and tests.
//!
//! [`LocalPostgres::start`] finds the installed binaries, creates the files on first use, starts the server unless it already runs, and shares it otherwise.
//! Every user holds `users.lock` shared for as long as it lives, so the last one to end knows that it is the last and stops the server; the kernel lets go of the lock of a process that was killed, so nothing has to be repaired: the next start finds the server running and shares it.
//! `start.lock` is held while starting or stopping, so that these two never overlap.
//!
//! PostgreSQL refuses to run as root: there it runs as the unprivileged user `postgres` or `nobody`.
//! Only a Unix socket is opened, without a password, in a fresh folder that only the server's user and root can enter.
//!
//! ```text
//! DIR/
//!   start.lock  users.lock
//!   data/            the files of PostgreSQL, or a link to them where the server's user cannot enter DIR
//! /tmp/tallystick-XXXXXXXX/   the socket; short, because a socket's path may have 107 bytes
//! ```

mod account;
mod binaries;
mod cluster;

pub use account::Account;
pub use binaries::Binaries;

use cluster::Cluster;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// What may go wrong, in words that tell the person at the keyboard what to do.
#[derive(Debug)]
pub enum Error {
    /// A file or folder could not be read, written or locked.
    File(PathBuf, io::Error),
    /// The programs of PostgreSQL are not installed, or not where this looked.
    NotInstalled,
    /// Root runs this, and there is no unprivileged user to run PostgreSQL as.
    NoAccount,
    /// A program could not be started or failed: its name, and what it said.
    Program(String, String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NotInstalled => f.write_str(
                "PostgreSQL is not installed: initdb is neither on the PATH nor under /usr/lib/postgresql; on Debian: apt-get install postgresql",
            ),
            Self::NoAccount => f.write_str(
                "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody` to run it as; on Debian: apt-get install postgresql",
            ),
            Self::Program(name, said) => write!(f, "{name} failed: {said}"),
        }
    }
}

impl std::error::Error for Error {}

/// What the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The data matter: every commit is on the disk before it is acknowledged.
    Durable,
    /// The data may go: nothing waits for the disk, and a server that does not run starts from nothing.
    Scratch,
}

/// A running private PostgreSQL that this process uses; the last user's `drop` stops it.
#[derive(Debug)]
pub struct LocalPostgres {
    cluster: Cluster,
    socket_folder: PathBuf,
    start_lock: PathBuf,
    durability: Durability,
    /// `None` once let go.
    users_lock: Option<File>,
    notes: Vec<String>,
    left_to_watcher: bool,
}

impl LocalPostgres {
    /// Makes sure that the PostgreSQL kept in `folder` runs, and holds it until dropped.
    ///
    /// Blocks until the server answers: seconds on first use, an instant when it already runs.
    ///
    /// # Errors
    /// [`Error`] says what is missing and what to do.
    pub fn start(folder: &Path, durability: Durability) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|error| Error::File(folder.to_path_buf(), error))?;
        let folder = folder.canonicalize().map_err(|error| Error::File(folder.to_path_buf(), error))?;
        let start_lock = folder.join("start.lock");
        let starting = open_lock(&start_lock)?;
        starting.lock().map_err(|error| Error::File(start_lock.clone(), error))?;

        let users_path = folder.join("users.lock");
        let users_lock = open_lock(&users_path)?;
        users_lock.lock_shared().map_err(|error| Error::File(users_path, error))?;

        let mut notes = Vec::new();
        let mut cluster = Cluster::find(&folder)?;
        let socket_folder = match cluster.running()? {
            Some(socket_folder) => socket_folder,
            None => {
                if durability == Durability::Scratch {
                    cluster.wipe()?;
                }
                cluster.create_if_absent(durability, &mut notes)?;
                cluster.start(durability)?
            }
        };
        drop(starting);
        Ok(Self {
            cluster,
            socket_folder,
            start_lock,
            durability,
            users_lock: Some(users_lock),
            notes,
            left_to_watcher: false,
        })
    }

    /// The address of a database of this server, in the form of `DATABASE_URL`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        // The folder's name was made here of plain characters, so nothing needs escaping.
        format!("postgres://{}@localhost/{database}?host={}", cluster::USER, self.socket_folder.display())
    }

    /// What the person at the keyboard should know: where the files went when not into the folder named.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Creates `database` unless it exists.
    ///
    /// # Errors
    /// [`Error::Program`] with what PostgreSQL said.
    pub fn create_database(&self, database: &str) -> Result<(), Error> {
        self.cluster.create_database(&self.socket_folder, database)
    }

    /// The process of the server, while it runs: for measuring what it costs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.cluster.pid()
    }

    /// Ends the server at once, as a power cut would (`pg_ctl stop -m immediate`): for tests of what survives it.
    ///
    /// # Errors
    /// [`Error::Program`] with what PostgreSQL said.
    pub fn crash(&self) -> Result<(), Error> {
        self.cluster.end("immediate")
    }

    /// Ends the server in order but without waiting for its clients (`pg_ctl stop -m fast`), as maintenance does: for tests of who is away without it.
    ///
    /// # Errors
    /// [`Error::Program`] with what PostgreSQL said.
    pub fn halt(&self) -> Result<(), Error> {
        self.cluster.end("fast")
    }

    /// Starts the server again after [`LocalPostgres::crash`] or [`LocalPostgres::halt`], at the same address.
    ///
    /// # Errors
    /// [`Error::Program`] with what PostgreSQL said.
    pub fn start_again(&self) -> Result<(), Error> {
        self.cluster.start_at(&self.socket_folder, self.durability)
    }

    /// Lets go, and stops the server if this was its last user; `drop` does the same but cannot report, and leaves stopping to a watcher if there is one.
    ///
    /// # Errors
    /// [`Error`] when the server could not be stopped.
    pub fn release(mut self) -> Result<(), Error> {
        self.left_to_watcher = false;
        self.let_go()
    }

    /// Starts a small watcher process that stops the server once nobody has used it for `idle_secs` seconds, and leaves stopping to it.
    ///
    /// For test processes, of which many run one after the other and none knows that it is the last, and for whoever may be interrupted before [`LocalPostgres::release`].
    /// Where the system has no `flock` command the server keeps running until somebody's [`LocalPostgres::release`].
    ///
    /// # Errors
    /// [`Error`] when the watcher could not be started.
    pub fn leave_to_watcher(&mut self, idle_secs: u32) -> Result<(), Error> {
        self.cluster.watch(idle_secs)?;
        self.left_to_watcher = true;
        Ok(())
    }

    fn let_go(&mut self) -> Result<(), Error> {
        let Some(users) = self.users_lock.take() else { return Ok(()) };
        if self.left_to_watcher {
            return Ok(());
        }
        let starting = open_lock(&self.start_lock)?;
        starting.lock().map_err(|error| Error::File(self.start_lock.clone(), error))?;
        let _ = users.unlock();
        if users.try_lock().is_ok() {
            self.cluster.stop()?;
        }
        Ok(())
    }
}

impl Drop for LocalPostgres {
    fn drop(&mut self) {
        // Whoever wants to know calls `release`; a server that stays is found by the next start.
        let _ = self.let_go();
    }
}

fn open_lock(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| Error::File(path.to_path_buf(), error))
}

/// A fresh folder with an unguessable name under `parent`, open to its owner only.
fn fresh_folder(parent: &Path, prefix: &str) -> Result<PathBuf, Error> {
    use std::os::unix::fs::DirBuilderExt;
    loop {
        let path = parent.join(format!("{prefix}{:08x}", RandomState::new().build_hasher().finish() & 0xffff_ffff));
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::File(path, error)),
        }
    }
}

/// The text of a program's output, for messages.
fn error_text(output: &std::process::Output) -> String {
    let text = [&output.stderr, &output.stdout]
        .into_iter()
        .map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    if text.is_empty() { output.status.to_string() } else { text }
}

/// A program's name without its folder, for messages.
fn name_of(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}
