//! The files of one PostgreSQL server, and its life: created, started, looked for, stopped.

use crate::{Account, Binaries, Durability, Error, error_text, fresh_folder, name_of};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The database user; a superuser of this private server.
pub(crate) const USER: &str = "tallystick";

/// Where sockets are kept: short, and everybody can enter it.
const SOCKET_PARENT: &str = "/tmp";
const SOCKET_PREFIX: &str = "tallystick-";

/// Where the files go when the server's user cannot enter the folder asked for.
const ELSEWHERE: &str = "/var/lib/tallystick";

/// How long a server that runs but says nothing is given.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Between two looks at a server that is not ready.
const LOOK: Duration = Duration::from_millis(50);

/// A log above this size is started anew.
const LOG_LIMIT_BYTES: u64 = 16 << 20;

/// `$1`: the folder, `$2`: seconds between looks. A second watcher finds `watch.lock` taken and ends.
/// SIGINT is PostgreSQL's fast shutdown; `pg_ctl` would refuse root.
const WATCH: &str = r#"
command -v flock >/dev/null || exit 0
exec 9>"$1/watch.lock"
flock -n 9 || exit 0
free=0
while [ -f "$1/data/postmaster.pid" ]; do
    sleep "$2" 9>&-
    if flock -n -x "$1/users.lock" true 9>&-; then free=$((free + 1)); else free=0; fi
    [ "$free" -ge 2 ] || continue
    free=0
    (
        flock 8
        flock -n 7 || exit 0
        pid=$(head -n 1 "$1/data/postmaster.pid")
        sockets=$(sed -n 5p "$1/data/postmaster.pid")
        [ "$(ps -o comm= -p "$pid")" = postgres ] || exit 0
        kill -INT "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
        rmdir "$sockets"
    ) 8>"$1/start.lock" 7>"$1/users.lock" 9>&-
done
"#;

/// A PostgreSQL server's files and who runs it.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    account: Account,
    binaries: Binaries,
    /// How long a server that runs but says nothing is given.
    patience: Duration,
}

/// What a server that runs says to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    /// It lets them in.
    Ready,
    /// It asks them to come later: it starts, stops, or replays its log after a crash.
    Busy,
    /// Nothing.
    Silent,
}

impl Cluster {
    /// Looks at `folder` (canonical) and at what is installed; changes nothing.
    pub(crate) fn find(folder: &Path) -> Result<Self, Error> {
        let account = Account::unprivileged()?;
        let version = fs::read_to_string(folder.join("data/PG_VERSION")).ok();
        Ok(Self {
            folder: folder.to_path_buf(),
            account,
            binaries: Binaries::find(version.as_deref())?,
            patience: START_LIMIT,
        })
    }

    /// The link or folder inside the folder asked for.
    fn entry(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The data folder itself, links followed.
    fn data(&self) -> Result<PathBuf, Error> {
        let entry = self.entry();
        entry.canonicalize().map_err(|error| Error::File(entry, error))
    }

    fn exists(&self) -> bool {
        self.entry().join("PG_VERSION").is_file()
    }

    /// The socket folder of the running server, once it answers; `None` when it does not run.
    pub(crate) fn running(&self) -> Result<Option<PathBuf>, Error> {
        let give_up = Instant::now() + self.patience;
        while self.exists() && self.run_quietly(self.pg_ctl("status")?)? {
            let reachable = self.recorded_socket_folder().filter(|folder| folder.join(".s.PGSQL.5432").exists());
            let said = reachable.as_deref().map(|folder| self.readiness(folder)).transpose()?;
            match said {
                Some(Readiness::Ready) => return Ok(reachable),
                // However long it replays its log: stopping it would only begin that anew.
                Some(Readiness::Busy) => std::thread::sleep(LOOK),
                Some(Readiness::Silent) if Instant::now() < give_up => std::thread::sleep(LOOK),
                // A cleaner of temporary files took the socket away, or it hangs: nobody can use this server any more.
                _ => self.stop()?,
            }
        }
        Ok(None)
    }

    fn readiness(&self, socket_folder: &Path) -> Result<Readiness, Error> {
        let mut ready = self.account.command(&self.binaries.program("pg_isready"));
        ready.arg("-h").arg(socket_folder).args(["-t", "5"]);
        Ok(match self.exit_code(ready)? {
            Some(0) => Readiness::Ready,
            Some(1) => Readiness::Busy,
            _ => Readiness::Silent,
        })
    }

    /// Line 1 of `postmaster.pid`.
    pub(crate) fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.entry().join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
    }

    /// Line 5 of `postmaster.pid`, as far as it is a folder that this program makes.
    fn recorded_socket_folder(&self) -> Option<PathBuf> {
        let pid_file = fs::read_to_string(self.entry().join("postmaster.pid")).ok()?;
        let folder = PathBuf::from(pid_file.lines().nth(4)?);
        let ours = folder.parent() == Some(Path::new(SOCKET_PARENT))
            && folder.file_name()?.to_str()?.starts_with(SOCKET_PREFIX);
        ours.then_some(folder)
    }

    /// Creates the files unless they are there; a creation that was interrupted leaves nothing that looks finished.
    pub(crate) fn create_if_absent(&mut self, durability: Durability, notes: &mut Vec<String>) -> Result<(), Error> {
        if self.exists() {
            return Ok(());
        }
        if self.account.can_enter(&self.folder) {
            let fresh = fresh_folder(&self.folder, "creating-")?;
            self.create_in(&fresh, durability)?;
            return fs::rename(&fresh, self.entry()).map_err(|error| Error::File(self.entry(), error));
        }
        fs::create_dir_all(ELSEWHERE).map_err(|error| Error::File(PathBuf::from(ELSEWHERE), error))?;
        let fresh = fresh_folder(Path::new(ELSEWHERE), "postgres-")?;
        self.create_in(&fresh, durability)?;
        notes.push(format!(
            "PostgreSQL runs as user {}, who cannot enter {}: its files are in {}, and {} links to them",
            self.account.name().unwrap_or("?"),
            self.folder.display(),
            fresh.display(),
            self.entry().display(),
        ));
        std::os::unix::fs::symlink(&fresh, self.entry()).map_err(|error| Error::File(self.entry(), error))
    }

    fn create_in(&self, fresh: &Path, durability: Durability) -> Result<(), Error> {
        self.account.own(fresh)?;
        let mut initdb = self.account.command(&self.binaries.program("initdb"));
        initdb.arg("-D").arg(fresh).args(["-U", USER, "-A", "trust", "-E", "UTF8"]);
        initdb.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--no-locale" });
        if durability == Durability::Scratch {
            initdb.arg("--no-sync");
        }
        self.run(initdb).inspect_err(|_| drop(fs::remove_dir_all(fresh)))
    }

    /// Removes the files of a scratch server that does not run.
    pub(crate) fn wipe(&self) -> Result<(), Error> {
        let entry = self.entry();
        if let Some(folder) = self.recorded_socket_folder() {
            let _ = fs::remove_dir_all(folder);
        }
        let Ok(kind) = entry.symlink_metadata() else { return Ok(()) };
        let removed = if kind.is_symlink() {
            if let Ok(target) = entry.canonicalize() {
                fs::remove_dir_all(&target).map_err(|error| Error::File(target, error))?;
            }
            fs::remove_file(&entry)
        } else {
            fs::remove_dir_all(&entry)
        };
        removed.map_err(|error| Error::File(entry, error))
    }

    /// Starts the server and waits until it answers; tells the folder of its socket.
    pub(crate) fn start(&self, durability: Durability) -> Result<PathBuf, Error> {
        if let Some(left_over) = self.recorded_socket_folder() {
            let _ = fs::remove_dir_all(left_over);
        }
        let socket_folder = fresh_folder(Path::new(SOCKET_PARENT), SOCKET_PREFIX)?;
        self.account.own(&socket_folder)?;
        self.start_at(&socket_folder, durability).inspect_err(|_| drop(fs::remove_dir_all(&socket_folder)))?;
        Ok(socket_folder)
    }

    /// Starts the server with its socket in this folder and waits until it answers.
    pub(crate) fn start_at(&self, socket_folder: &Path, durability: Durability) -> Result<(), Error> {
        let log = self.data()?.join("server.log");
        if log.metadata().is_ok_and(|log| log.len() > LOG_LIMIT_BYTES) {
            let _ = fs::remove_file(&log);
        }
        let mut options = format!(
            "-k {} -p 5432 -c listen_addresses='' -c unix_socket_permissions=0700 -c max_connections=200",
            socket_folder.display()
        );
        if durability == Durability::Scratch {
            options.push_str(" -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off");
        }
        let mut start = self.pg_ctl("start")?;
        start.arg("-l").arg(&log).args(["-w", "-t", "60", "-s", "-o", &options]);
        // The server inherits these: a pipe would stay open for as long as it runs.
        start.stdout(Stdio::null()).stderr(Stdio::null());
        let started = self.run_quietly(start)?;
        // `pg_ctl` is less patient than a long log takes to replay, and may be content with a server that lets nobody in yet.
        let give_up = Instant::now() + self.patience;
        while self.run_quietly(self.pg_ctl("status")?)? {
            match self.readiness(socket_folder)? {
                Readiness::Ready => return Ok(()),
                Readiness::Silent if !started || Instant::now() >= give_up => break,
                Readiness::Busy | Readiness::Silent => std::thread::sleep(LOOK),
            }
        }
        Err(Error::Program("pg_ctl start".to_owned(), format!("the end of {}:\n{}", log.display(), tail(&log))))
    }

    /// Stops the server without letting it put anything in order.
    pub(crate) fn end(&self, mode: &str) -> Result<(), Error> {
        let mut stop = self.pg_ctl("stop")?;
        stop.args(["-m", mode, "-w", "-t", "60", "-s"]);
        self.run(stop)
    }

    /// Stops the server and removes the folder of its socket.
    pub(crate) fn stop(&self) -> Result<(), Error> {
        // Asked before stopping: the server may have been replaced since this user found it.
        let socket_folder = self.recorded_socket_folder();
        if self.run_quietly(self.pg_ctl("status")?)? {
            self.run(self.pg_ctl_stop()?)?;
        }
        if let Some(socket_folder) = socket_folder {
            let _ = fs::remove_dir_all(socket_folder);
        }
        Ok(())
    }

    /// Starts a process that stops the server once nobody held `users.lock` at two looks in a row.
    pub(crate) fn watch(&self, idle_secs: u32) -> Result<(), Error> {
        use std::os::unix::process::CommandExt;
        let mut watcher = Command::new("sh");
        watcher.args(["-c", WATCH, "sh"]).arg(&self.folder).arg((idle_secs / 2).max(1).to_string()).current_dir("/");
        watcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        // Nobody waits for it: it outlives this process.
        watcher.spawn().map(drop).map_err(|error| Error::Program("sh".to_owned(), error.to_string()))
    }

    /// Creates a database; one that exists already is left as it is.
    pub(crate) fn create_database(&self, socket_folder: &Path, database: &str) -> Result<(), Error> {
        let mut createdb = self.account.command(&self.binaries.program("createdb"));
        createdb.arg("-h").arg(socket_folder).args(["-U", USER, database]);
        match self.run(createdb) {
            Err(Error::Program(_, said)) if said.contains("already exists") => Ok(()),
            other => other,
        }
    }

    fn pg_ctl(&self, action: &str) -> Result<Command, Error> {
        let mut command = self.account.command(&self.binaries.program("pg_ctl"));
        command.arg(action).arg("-D").arg(self.data()?);
        Ok(command)
    }

    fn pg_ctl_stop(&self) -> Result<Command, Error> {
        let mut stop = self.pg_ctl("stop")?;
        stop.args(["-m", "fast", "-w", "-t", "60", "-s"]);
        Ok(stop)
    }

    /// Runs to the end; a failure tells what the program said.
    fn run(&self, mut command: Command) -> Result<(), Error> {
        let name = name_of(command.get_program());
        let output = command.output().map_err(|error| Error::Program(name.clone(), error.to_string()))?;
        if output.status.success() { Ok(()) } else { Err(Error::Program(name, error_text(&output))) }
    }

    /// Runs to the end and tells whether it succeeded.
    fn run_quietly(&self, command: Command) -> Result<bool, Error> {
        Ok(self.exit_code(command)? == Some(0))
    }

    /// Runs to the end; nothing where a signal ended it.
    fn exit_code(&self, mut command: Command) -> Result<Option<i32>, Error> {
        let name = name_of(command.get_program());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.map(|status| status.code()).map_err(|error| Error::Program(name, error.to_string()))
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Looks until the server says this; the test's own limit ends what never does.
    fn until(cluster: &Cluster, wanted: Readiness) {
        loop {
            if let Some(folder) = cluster.recorded_socket_folder()
                && cluster.readiness(&folder).unwrap() == wanted
            {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }

    #[test]
    fn a_server_that_replays_its_log_is_waited_for_and_not_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = Cluster::find(&folder.path().canonicalize().unwrap()).unwrap();
        cluster.create_if_absent(Durability::Scratch, &mut Vec::new()).unwrap();
        // A standby of nobody: it replays, and lets nobody in, until it is told to end that.
        let data = cluster.data().unwrap();
        fs::write(data.join("standby.signal"), "").unwrap();
        let mut settings = fs::OpenOptions::new().append(true).open(data.join("postgresql.auto.conf")).unwrap();
        settings.write_all(b"hot_standby = off\n").unwrap();
        // Who has no patience with silence waits for it all the same.
        cluster.patience = Duration::ZERO;
        std::thread::scope(|scope| {
            let starting = scope.spawn(|| cluster.start(Durability::Scratch));
            until(&cluster, Readiness::Busy);
            let looking = scope.spawn(|| cluster.running());
            assert!(!starting.is_finished(), "nobody is let in yet");
            assert!(cluster.run_quietly(cluster.pg_ctl("promote").unwrap()).unwrap());
            let socket_folder = starting.join().unwrap().unwrap();
            assert_eq!(looking.join().unwrap().unwrap(), Some(socket_folder.clone()));
            assert_eq!(cluster.readiness(&socket_folder).unwrap(), Readiness::Ready);
        });
        cluster.stop().unwrap();
        cluster.wipe().unwrap();
    }
}
