//! The binary as a person starts it: settings that are missing, local mode, signals.

use crate::support::process::tallystick;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs a command that must fail, and returns what it said.
fn refusal(arguments: &[&str]) -> String {
    let output: Output = tallystick().args(arguments).output().expect("the binary");
    assert!(!output.status.success(), "{arguments:?} succeeded");
    assert!(output.stdout.is_empty(), "nothing for scripts to mistake for an answer");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_missing_or_malformed_database_is_a_clear_message() {
    let missing = refusal(&["migrate"]);
    assert!(missing.contains("--database-url") || missing.contains("DATABASE_URL"), "{missing}");
    let malformed = refusal(&["migrate", "--database-url", "http://user:hidden-secret@db/x"]);
    assert!(malformed.contains("DATABASE_URL") && malformed.contains("postgres://"), "{malformed}");
    let nobody = refusal(&["migrate", "--database-url", "postgres://user:hidden-secret@127.0.0.1:1/x"]);
    assert!(nobody.contains("cannot connect to DATABASE_URL"), "{nobody}");
    for said in [malformed, nobody] {
        assert!(!said.contains("hidden-secret"), "a secret in the log: {said}");
    }
}

#[tokio::test]
async fn with_https_the_proxies_in_front_have_to_be_counted() {
    let database = testkit::TestDatabase::new().await;
    let https = ["serve", "--public-url", "https://tally.example.com", "--smtp-url", "smtp://127.0.0.1:1"];
    let said = refusal(&[&https[..], &["--database-url", database.url()]].concat());
    assert!(said.contains("TRUSTED_PROXIES"), "{said}");
}

#[test]
fn what_a_server_cannot_do_without_is_named_before_it_starts() {
    let anywhere = ["serve", "--database-url", "postgres://127.0.0.1:1/x", "--smtp-url", "smtp://127.0.0.1:1"];
    assert!(refusal(&anywhere).contains("PUBLIC_URL"));
    let data = tempfile::tempdir().expect("a folder");
    let data = data.path().to_str().expect("a path");
    for address in ["0.0.0.0:0", "[::]:0", "192.168.0.7:0"] {
        let said = refusal(&["serve", "--local", "--data", data, "--addr", address]);
        assert!(said.contains("--expose") && said.contains(address), "{said}");
    }
    assert!(std::fs::read_dir(data).expect("a folder").next().is_none(), "nothing was started");
    assert!(refusal(&[&anywhere[..], &["--expose"]].concat()).contains("--local"));
}

/// A server in local mode; killed when dropped.
struct Local {
    child: Child,
    address: SocketAddr,
}

impl Local {
    /// Starts on a free port and returns once it says that it listens.
    fn start(data: &Path) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let mut child = tallystick()
            .args(["serve", "--local", "--addr", &free.to_string(), "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let said: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.contains("listens on")).collect();
        // The rest of the log is read so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let server = Self { child, address: free };
        assert!(server.answers(), "{said:#?}");
        server
    }

    fn answers(&self) -> bool {
        std::net::TcpStream::connect(self.address).is_ok()
    }

    fn end(mut self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
        self.child.wait().expect("ends");
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process that `postmaster.pid` names, as long as PostgreSQL runs.
fn postgres_in(data: &Path) -> Option<String> {
    let pid_file = std::fs::read_to_string(data.join("postgres/data/postmaster.pid")).ok()?;
    pid_file.lines().next().map(str::to_owned)
}

#[test]
fn local_servers_share_one_postgresql_and_the_last_one_stops_it() {
    let data = tempfile::tempdir().expect("a folder");
    let first = Local::start(data.path());
    let postgres = postgres_in(data.path()).expect("it runs");

    first.end("-KILL");
    assert_eq!(postgres_in(data.path()), Some(postgres.clone()), "nobody could stop it");
    let second = Local::start(data.path());
    assert_eq!(postgres_in(data.path()), Some(postgres.clone()), "the next start finds it");

    let third = Local::start(data.path());
    second.end("-TERM");
    assert_eq!(postgres_in(data.path()), Some(postgres), "the third still uses it");
    assert!(third.answers());
    third.end("-INT");
    let give_up = Instant::now() + Duration::from_secs(60);
    while postgres_in(data.path()).is_some() {
        assert!(Instant::now() < give_up, "the last one did not stop it");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn a_file_is_imported_once_however_often() {
    let app = crate::support::TestApp::start().await;
    let acme = app.organization("Acme", "UTC").await;
    let folder = tempfile::tempdir().expect("a folder");
    let csv = folder.path().join("usage.csv");
    let mut text = "Time,Model,Prompt Tokens,Completion Tokens,Prompt\n".to_owned();
    for row in 0..1_500 {
        text.push_str(&format!("2026-11-20T09:{:02}:00Z,gpt-4o-2024-08-06,1000,100,SECRET\n", row % 60));
    }
    text.push_str("2026-11-20T09:00:00Z,gpt-4o-2024-08-06,-5,100,SECRET\n");
    std::fs::write(&csv, text).expect("a file");
    let import = |arguments: &[&str], file: &Path| -> Output {
        let mut command = tallystick();
        command.args(["import", "--database-url", app.database.url(), "--key", &acme.key]).args(arguments).arg(file);
        command.output().expect("the binary")
    };
    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    // The price book of a database is filled by its migration.
    let migrated = tallystick().args(["migrate", "--database-url", app.database.url()]).output().expect("the binary");
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let first = import(&["--set", "provider=openai"], &csv);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert!(said(&first).contains("1501 rows: 1500 recorded, 0 duplicates, 1 rejected"), "{}", said(&first));
    assert!(said(&first).contains("row 1501: /usage/prompt_tokens"), "{}", said(&first));
    let again = import(&["--set", "provider=openai", "--skip", "1000"], &csv);
    assert!(said(&again).contains("0 recorded, 500 duplicates, 1 rejected"), "{}", said(&again));
    let spend = app.api(&acme.key).get("/v1/spend?from=2026-11-01&to=2026-12-01").await;
    assert!(spend.body.contains("5.25"), "1,500 times 0.0035: {}", spend.body);

    let unmapped = import(&[], &csv);
    let error = String::from_utf8_lossy(&unmapped.stderr).into_owned();
    assert!(!unmapped.status.success() && error.contains("nothing maps to provider"), "{error}");
    let untimed = folder.path().join("untimed.csv");
    std::fs::write(&untimed, "model,prompt_tokens\ngpt-4o-2024-08-06,1000\n").expect("a file");
    let error = String::from_utf8_lossy(&import(&["--set", "provider=openai"], &untimed).stderr).into_owned();
    assert!(error.contains("nothing maps to timestamp"), "{error}");
    let lines = folder.path().join("events.ndjson");
    std::fs::write(
        &lines,
        r#"{"id":"n1","timestamp":"2026-11-20T09:00:00Z","provider":"openai","model":"gpt-4o-2024-08-06","usage":{"prompt_tokens":1000}}"#,
    )
    .expect("a file");
    assert!(said(&import(&[], &lines)).contains("1 rows: 1 recorded"));
}

#[tokio::test]
async fn newer_prices_are_printed_and_written_only_when_asked() {
    let database = testkit::TestDatabase::new().await;
    let url = database.url();
    let run = |arguments: &[&str]| {
        let output = tallystick().args(arguments).env("DATABASE_URL", url).output().expect("the binary");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["migrate"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("list.tsv");
    let list = "s\tgenai-prices\t9.9\np\topenai\nm\tgpt-4o\nr\tinput_uncached\t\t\t2\t1000000\nr\toutput\t\t\t0.00001\t1000000\n";
    std::fs::write(&file, list).expect("a file");
    let file = file.to_str().expect("a path");

    let looked = run(&["prices", "import", file, "--from", "2026-12-01"]);
    for part in [
        "genai-prices 9.9 beside the price book, undated changes from 2026-12-01",
        "openai/gpt-4o  input_uncached",
        "$2.50 / 1,000,000 -> $2.00 / 1,000,000",
        "Need a confirmation (--confirm-jumps)",
        "a price of one token",
        "Nothing was written.",
    ] {
        assert!(looked.contains(part), "{part} in {looked}");
    }
    assert_eq!(run(&["prices", "import", file, "--from", "2026-12-01"]), looked, "nothing was written");
    let applied = run(&["prices", "import", file, "--from", "2026-12-01", "--apply"]);
    assert!(applied.contains("Added 1 change to the book: 2 rows recorded, 1 superseded"), "{applied}");
    let rest = run(&["prices", "import", file, "--from", "2026-12-01", "--apply", "--confirm-jumps"]);
    assert!(!rest.contains("-> $2.00") && rest.contains("-> $0.00001 / 1,000,000"), "{rest}");
    let done = run(&["prices", "import", file, "--from", "2026-12-01"]);
    assert!(done.contains("0 changed, 0 new price, 0 new model, 0 ended"), "{done}");
}
