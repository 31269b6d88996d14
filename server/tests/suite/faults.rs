//! PostgreSQL goes away in the middle of things: what was acknowledged is stored, once, and every sum is right.
//!
//! Senders behave as ours should: they send a batch again until it is acknowledged. So in the end exactly what was sent is there.

use crate::support::process::{Process, post_events, tallystick};
use local_postgres::{Durability, LocalPostgres};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const SENDERS: usize = 6;
const BATCH: usize = 20;
/// When something is wrong; nothing here waits for it otherwise.
const GIVE_UP: Duration = Duration::from_secs(120);

/// A PostgreSQL that a test may break, whose commits are on the disk.
struct Database {
    postgres: LocalPostgres,
    url: String,
    key: String,
}

impl Database {
    fn start(folder: &Path) -> Self {
        let postgres = LocalPostgres::start(folder, Durability::Durable).unwrap();
        postgres.create_database("tallystick").unwrap();
        let url = postgres.url("tallystick");
        run(&url, &["migrate"], &[]);
        let wanted =
            ["bootstrap", "--email", "ada@example.com", "--organization", "Acme", "--time-zone", "Asia/Kolkata"];
        let key = run(&url, &wanted, &[("BOOTSTRAP_PASSWORD", "four quite unrelated words")]).trim().to_owned();
        Self { postgres, url, key }
    }

    fn ask(&self, query: &str) -> String {
        let output = Command::new("psql").args(["-XAtq", "-d", &self.url, "-c", query]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Stored is what was acknowledged, once, and the sums follow.
    fn assert_exact(&self, acknowledged: &BTreeSet<String>) {
        let stored = self.ask("select id from events");
        let stored: Vec<&str> = stored.lines().collect();
        let distinct: BTreeSet<String> = stored.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(distinct.len(), stored.len(), "an event is there twice");
        let lost: Vec<_> = acknowledged.difference(&distinct).collect();
        assert!(lost.is_empty(), "{} acknowledged events are gone, such as {:?}", lost.len(), lost.first());
        assert_eq!(distinct.len(), acknowledged.len(), "what was sent until it was acknowledged is all there is");
        run(&self.url, &["verify"], &[]);
    }
}

/// Runs a command of the binary, which must succeed; what it printed.
fn run(url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output =
        tallystick().args(arguments).env("DATABASE_URL", url).envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn batch(sender: usize, number: usize) -> Vec<Value> {
    (0..BATCH)
        .map(|n| {
            json!({"id": format!("{sender}-{number}-{n}"), "provider": "openai", "model": "gpt-4o-2024-08-06",
                "customer": format!("c{n}"), "feature": format!("f{sender}"), "latency_ms": n * 100,
                "usage": {"prompt_tokens": number + n, "completion_tokens": 10}})
        })
        .collect()
}

/// What the senders saw.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    acknowledged: Mutex<BTreeSet<String>>,
    count: AtomicUsize,
    /// Answers 503 with `Retry-After`, by sender.
    refused: [AtomicUsize; SENDERS],
    /// Anything else that is not a success.
    strange: Mutex<Vec<String>>,
}

/// Senders that go on until they are told to stop.
struct Load {
    seen: Arc<Seen>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(server: SocketAddr, key: &str) -> Self {
        let seen = Arc::new(Seen::default());
        let sender = |sender| {
            let (seen, key) = (Arc::clone(&seen), key.to_owned());
            std::thread::spawn(move || {
                for number in 1.. {
                    if seen.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    seen.send(server, &key, sender, &batch(sender, number));
                }
            })
        };
        Self { senders: (0..SENDERS).map(sender).collect(), seen }
    }

    /// Waits until so many more are acknowledged.
    fn wait_for_more(&self, events: usize) {
        let wanted = self.seen.count.load(Ordering::Relaxed) + events;
        self.wait("acknowledged events", || self.seen.count.load(Ordering::Relaxed) >= wanted);
    }

    /// Waits until so many more requests of every sender were refused in good order: none is left waiting.
    fn wait_for_refusals(&self, requests: usize) {
        let refused = || self.seen.refused.each_ref().map(|count| count.load(Ordering::Relaxed));
        let before = refused();
        let all = || refused().iter().zip(before).all(|(now, before)| *now >= before + requests);
        self.wait("answers 503", all);
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let give_up = Instant::now() + GIVE_UP;
        while !done() {
            assert!(Instant::now() < give_up, "no {what}; {:?}", self.seen.strange.lock().unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything that was acknowledged.
    fn end(self) -> BTreeSet<String> {
        self.seen.stop.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().unwrap();
        }
        let strange = self.seen.strange.lock().unwrap().clone();
        assert!(strange.is_empty(), "{strange:#?}");
        let acknowledged = self.seen.acknowledged.lock().unwrap();
        acknowledged.clone()
    }
}

impl Seen {
    /// Sends a batch until it is acknowledged.
    fn send(&self, server: SocketAddr, key: &str, sender: usize, batch: &[Value]) {
        let give_up = Instant::now() + GIVE_UP;
        while Instant::now() < give_up {
            match post_events(server, key, batch) {
                Some((200, _, answer)) => return self.note(&answer),
                Some((503, head, _)) if head.contains("retry-after: ") => {
                    self.refused[sender].fetch_add(1, Ordering::Relaxed);
                    // Much sooner than asked, so that the test is short.
                    std::thread::sleep(Duration::from_millis(20));
                }
                other => self.strange.lock().unwrap().push(format!("{other:?}")),
            }
        }
    }

    fn note(&self, answer: &Value) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        for result in answer["results"].as_array().unwrap() {
            assert!(matches!(result["status"].as_str(), Some("accepted" | "duplicate")), "{result}");
            acknowledged.insert(result["id"].as_str().unwrap().to_owned());
        }
        self.count.store(acknowledged.len(), Ordering::Relaxed);
    }
}

#[test]
fn an_immediate_stop_of_postgresql_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::start(folder.path());
    let server = Process::start(&database.url);
    let load = Load::start(server.address, &database.key);
    load.wait_for_more(600);
    database.postgres.crash().unwrap();
    // Whoever comes while it is away is told to come back, and not left waiting.
    load.wait_for_refusals(5);
    database.postgres.start_again().unwrap();
    load.wait_for_more(600);
    let acknowledged = load.end();
    database.assert_exact(&acknowledged);
    if let Some(peak) = server.peak_memory_kb() {
        assert!(peak < 400 * 1024, "{peak} kB");
    }
}

#[test]
fn while_postgresql_is_away_senders_are_told_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::start(folder.path());
    let server = Process::start(&database.url);
    let load = Load::start(server.address, &database.key);
    load.wait_for_more(600);
    let before = server.peak_memory_kb();
    for _ in 0..2 {
        database.postgres.halt().unwrap();
        load.wait_for_refusals(100);
        let status = |path| server.get(path).map(|(status, _, _)| status);
        assert_eq!((status("/readyz"), status("/healthz")), (Some(503), Some(200)), "it lives, and is not ready");
        database.postgres.start_again().unwrap();
        load.wait_for_more(600);
    }
    database.assert_exact(&load.end());
    // Hundreds of requests that could not be recorded leave nothing behind.
    if let (Some(before), Some(peak)) = (before, server.peak_memory_kb()) {
        assert!(peak < before + 64 * 1024, "{before} kB, then {peak} kB");
    }
}

#[test]
fn dropped_connections_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::start(folder.path());
    let server = Process::start(&database.url);
    let load = Load::start(server.address, &database.key);
    for _ in 0..10 {
        load.wait_for_more(100);
        database.ask("select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'");
    }
    load.wait_for_more(200);
    database.assert_exact(&load.end());
}

/// A small disk of its own, where the system lets us have one.
struct SmallDisk(PathBuf, #[expect(dead_code, reason = "removed when dropped")] tempfile::TempDir);

impl SmallDisk {
    fn mount(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let size = format!("size={mebibytes}m,mode=755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path, folder))
    }

    /// Takes all space that is left.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.0.join("ballast")).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount(300) else {
        println!("left out: no disk can be mounted here");
        return;
    };
    let database = Database::start(&disk.0.join("postgres"));
    let server = Process::start(&database.url);
    let load = Load::start(server.address, &database.key);
    load.wait_for_more(600);
    disk.fill();
    load.wait_for_refusals(5);
    disk.free();
    // Where there was no room for its log, PostgreSQL ended itself.
    if Command::new("psql")
        .args(["-XAtq", "-d", &database.url, "-c", "select 1"])
        .output()
        .is_ok_and(|asked| !asked.status.success())
    {
        let _ = database.postgres.crash();
        database.postgres.start_again().unwrap();
    }
    load.wait_for_more(600);
    database.assert_exact(&load.end());
}
