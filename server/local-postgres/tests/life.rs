//! The life of a private PostgreSQL, with the real programs.

#![expect(clippy::expect_used, reason = "helpers of tests")]

use local_postgres::{Durability, LocalPostgres};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The socket folder named in an address.
fn socket_folder(url: &str) -> &Path {
    Path::new(url.split_once("?host=").expect("a socket").1)
}

/// Asks a server for the answer to a query.
fn ask(url: &str, query: &str) -> Option<String> {
    let output =
        Command::new("psql").args(["-XAtq", "-d", url, "-c", query]).stderr(Stdio::null()).output().expect("psql");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn is_created_shared_and_stopped_by_the_last_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = LocalPostgres::start(folder.path(), Durability::Durable).expect("starts");
    first.create_database("tallystick").expect("creates");
    first.create_database("tallystick").expect("is left as it is");
    let url = first.url("tallystick");
    assert_eq!(ask(&url, "select current_user || ' ' || current_setting('fsync')").as_deref(), Some("tallystick on"));
    assert_eq!(ask(&url, "create table kept (n int); insert into kept values (7) returning n").as_deref(), Some("7"));

    let second = LocalPostgres::start(folder.path(), Durability::Durable).expect("shares");
    assert_eq!(second.url("tallystick"), url, "one server, one address");
    first.release().expect("lets go");
    assert_eq!(ask(&url, "select n from kept").as_deref(), Some("7"), "the second user keeps it running");
    second.release().expect("stops");
    assert_eq!(ask(&url, "select 1"), None, "the last user stopped it");
    assert!(!socket_folder(&url).exists(), "nothing is left in the temporary folder");

    let later = LocalPostgres::start(folder.path(), Durability::Durable).expect("starts again");
    assert_eq!(ask(&later.url("tallystick"), "select n from kept").as_deref(), Some("7"), "the data are still there");
}

#[test]
fn only_the_owner_can_enter_the_socket_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let server = LocalPostgres::start(folder.path(), Durability::Scratch).expect("starts");
    let url = server.url("postgres");
    let mode = socket_folder(&url).metadata().expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(ask(&url, "show listen_addresses").as_deref(), Some(""), "no door on the network");
}

#[test]
fn a_scratch_server_starts_from_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = LocalPostgres::start(folder.path(), Durability::Scratch).expect("starts");
    server.create_database("left_over").expect("creates");
    assert_eq!(ask(&server.url("left_over"), "show fsync").as_deref(), Some("off"));
    drop(server);
    let server = LocalPostgres::start(folder.path(), Durability::Scratch).expect("starts");
    assert_eq!(ask(&server.url("left_over"), "select 1"), None);
}

#[test]
fn a_killed_postgres_is_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = LocalPostgres::start(folder.path(), Durability::Durable).expect("starts");
    server.create_database("kept").expect("creates");
    let pid_file = folder.path().join("data/postmaster.pid");
    let pid = std::fs::read_to_string(&pid_file).expect("runs").lines().next().expect("a pid").to_owned();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill").success());
    let again = wait_for(|| LocalPostgres::start(folder.path(), Durability::Durable).ok());
    assert_eq!(ask(&again.url("kept"), "select 1").as_deref(), Some("1"));
    assert_ne!(again.url("kept"), server.url("kept"), "a fresh socket folder");
}

#[test]
fn a_server_whose_socket_was_taken_away_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = LocalPostgres::start(folder.path(), Durability::Durable).expect("starts");
    std::fs::remove_dir_all(socket_folder(&server.url("postgres"))).expect("a cleaner came by");
    let again = LocalPostgres::start(folder.path(), Durability::Durable).expect("starts");
    assert_eq!(ask(&again.url("postgres"), "select 1").as_deref(), Some("1"));
}

#[test]
fn a_server_left_to_the_watcher_is_shared_and_then_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = LocalPostgres::start(folder.path(), Durability::Scratch).expect("starts");
    let url = first.url("postgres");
    first.leave_to_watcher(2).expect("starts a watcher");
    drop(first);
    let mut second = LocalPostgres::start(folder.path(), Durability::Scratch).expect("shares");
    assert_eq!(second.url("postgres"), url, "it still ran");
    second.leave_to_watcher(2).expect("the watcher is there");
    drop(second);
    wait_for(|| ask(&url, "select 1").is_none().then_some(()));
    wait_for(|| (!socket_folder(&url).exists()).then_some(()));
}

#[test]
fn a_folder_that_the_servers_user_cannot_enter_is_linked_from() {
    use std::os::unix::fs::PermissionsExt;
    let locked = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(locked.path(), std::fs::Permissions::from_mode(0o700)).expect("locks it");
    let folder = locked.path().join("postgres");
    let server = LocalPostgres::start(&folder, Durability::Scratch).expect("starts");
    let runs_as_another = local_postgres::Account::unprivileged().expect("an account").name().is_some();
    assert_eq!(folder.join("data").is_symlink(), runs_as_another, "only root needs the work-around");
    assert_eq!(server.notes().len(), usize::from(runs_as_another), "and is told of it");
    assert_eq!(ask(&server.url("postgres"), "select 1").as_deref(), Some("1"));
    let files = folder.join("data").canonicalize().expect("is there");
    drop(server);
    if runs_as_another {
        std::fs::remove_dir_all(files).expect("cleans up");
    }
}

/// Asks until there is an answer; the limit only keeps a broken build from hanging.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up, "waited in vain");
        std::thread::sleep(Duration::from_millis(50));
    }
}
