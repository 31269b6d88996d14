//! `cargo xtask test`: the whole suite, with every real part it needs started once and stopped again.

use crate::site::Profile;
use crate::step::{Failure, Parts, Stream, ask, openly, overheard, quietly, say};
use crate::{check, clients, described, focus, site, tools};
use local_postgres::{Binaries, Durability, LocalPostgres};
use std::fs;
use std::path::PathBuf;

/// Where tests find the PostgreSQL whose databases they may create and drop.
const DATABASE: &str = "TALLYSTICK_TEST_DATABASE_URL";

/// Says that the tests' PostgreSQL is a Citus coordinator.
const CITUS: &str = "TALLYSTICK_TEST_CITUS";

/// Where a test finds the official validator of FOCUS datasets.
const VALIDATOR: &str = "FOCUS_VALIDATOR";

/// Tests of the backend that cannot hold with distributed tables, each with its reason.
const NOT_DISTRIBUTED: [(&str, &str); 2] = [
    (
        "identity::deletion::one_server_at_a_time_deletes_and_one_organization_holds_up_no_other",
        "a cluster locks organizations, which lie whole on every server, all together",
    ),
    (
        "identity::zone_changes::nobody_steps_while_somebody_else_is_at_it",
        "whoever tries to lock an organization waits there, instead of passing over it",
    ),
];

/// Settings of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// Only the backend's tests, with distributed tables: the address of a database of a Citus coordinator that keeps shards itself, whose user may create databases.
    #[arg(long, value_name = "URL")]
    citus: Option<String>,
}

/// How long PostgreSQL outlives this command when it was interrupted.
const INTERRUPTED_SECS: u32 = 60;

/// Settings of `cargo xtask end2end`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take server and site as they were built last.
    #[arg(long)]
    no_build: bool,
    /// Only the files in end2end/tests whose name contains this.
    filter: Option<String>,
    /// Settings of node's test runner, such as --test-name-pattern=invitation.
    #[arg(last = true)]
    node: Vec<String>,
}

/// Runs everything.
///
/// # Errors
/// Every part that failed.
pub(crate) fn run(test: &Test) -> Result<(), Failure> {
    if let Some(citus) = &test.citus {
        return run_distributed(citus);
    }
    let mut parts = Parts::default();
    let mut counts = Counts::default();
    let ready = parts.part("tools", || {
        tools::for_the_database()?;
        tools::for_building()?;
        tools::for_testing()?;
        described::tool()?;
        tools::browser().map(drop)
    });
    if ready {
        check::add_to(&mut parts);
        let mut server = None;
        if parts.part("database", || start_database().map(|started| server = Some(started)))
            && let Some(server) = &server
        {
            let database = server.url("postgres");
            if parts.part("build of the tests", build_tests) {
                parts.part("tests", || run_tests(&database, &mut counts));
                parts.part("examples in the documentation", run_examples);
                parts.part("description of the API", || described::run(server));
                parts.part("tests with real clients", || clients::run(&database));
            }
            if parts.part("build of the site", build_site) {
                parts.part("browser tests", || run_browser(&database, &[], None, &mut counts));
            }
        }
        if let Some(server) = server {
            parts.part("end of the database", || server.release().map_err(|error| error.to_string()));
        }
    }
    parts.print_times();
    let outcome = parts.outcome();
    if let Err(reasons) = &outcome {
        say(&format!("\nfailed:\n{reasons}\n{}", free_space()));
    }
    counts.print();
    say("left out: the backend's tests with distributed tables (--citus with the address of a coordinator)");
    match outcome {
        Ok(()) if counts.failed == 0 && counts.passed > 0 => Ok(()),
        Ok(()) => Err("no test passed, or one failed".to_owned()),
        Err(_) => Err("the suite failed; the reasons are above".to_owned()),
    }
}

/// Room on the disk: where there is none, whatever is built just then fails, and its own reasons do not say so.
fn free_space() -> String {
    let asked = ask(tools::program("df").arg("-h").arg(tools::root()));
    asked.map_or_else(|failure| failure, |output| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs the browser tests alone.
///
/// # Errors
/// What failed.
pub(crate) fn end2end(args: &Args) -> Result<(), Failure> {
    tools::for_the_database()?;
    tools::for_building()?;
    if !args.no_build {
        site::build_server(Profile::Debug)?;
        build_site()?;
    }
    let server = start_database()?;
    let mut counts = Counts::default();
    let outcome = run_browser(&server.url("postgres"), &args.node, args.filter.as_deref(), &mut counts);
    server.release().map_err(|error| error.to_string())?;
    outcome
}

/// Runs the tests with real clients alone.
///
/// # Errors
/// What failed.
pub(crate) fn clients() -> Result<(), Failure> {
    tools::for_the_database()?;
    openly(tools::cargo().args(["build", "--locked", "-p", "server"]))?;
    let server = start_database()?;
    let outcome = clients::run(&server.url("postgres"));
    server.release().map_err(|error| error.to_string())?;
    outcome
}

fn start_database() -> Result<LocalPostgres, Failure> {
    let start = || {
        let mut server = LocalPostgres::start(&tools::target_folder().join("test-postgres"), Durability::Scratch)?;
        // Ends it also when this command is interrupted.
        server.leave_to_watcher(INTERRUPTED_SECS)?;
        Ok(server)
    };
    start().map_err(|error: local_postgres::Error| error.to_string())
}

fn build_tests() -> Result<(), Failure> {
    quietly(tools::cargo().args(["nextest", "run", "--locked", "--workspace", "--no-run"]))
}

fn run_tests(database: &str, counts: &mut Counts) -> Result<(), Failure> {
    let mut nextest = tools::cargo();
    nextest.args(["nextest", "run", "--locked", "--workspace", "--no-fail-fast"]);
    nextest.args(["--status-level", "fail", "--final-status-level", "fail", "--color", "never"]);
    if let Some(validator) = focus::environment() {
        nextest.env(VALIDATOR, validator);
    }
    overheard(nextest.env(DATABASE, database), Stream::Stderr, |line| counts.hear_nextest(line))
}

/// The backend's tests against a cluster.
fn run_distributed(citus: &str) -> Result<(), Failure> {
    let mut counts = Counts::default();
    let mut nextest = tools::cargo();
    nextest.args(["nextest", "run", "--locked", "--package", "backend", "--no-fail-fast"]);
    nextest.args(["--status-level", "fail", "--final-status-level", "fail", "--color", "never"]);
    let names = NOT_DISTRIBUTED.map(|(name, _)| format!("test(={name})"));
    nextest.args(["-E", &format!("not ({})", names.join(" | "))]);
    let outcome =
        overheard(nextest.env(DATABASE, citus).env(CITUS, "1"), Stream::Stderr, |line| counts.hear_nextest(line));
    counts.print();
    for (name, reason) in NOT_DISTRIBUTED {
        say(&format!("left out: {name}: {reason}"));
    }
    outcome
}

fn run_examples() -> Result<(), Failure> {
    quietly(tools::cargo().args(["test", "--locked", "--quiet", "--workspace", "--doc"]))
}

/// The browser's side and the style sheet; the server was built with its tests.
fn build_site() -> Result<(), Failure> {
    site::build(Profile::Debug, &site::folder())
}

fn run_browser(database: &str, settings: &[String], filter: Option<&str>, counts: &mut Counts) -> Result<(), Failure> {
    let mut node = tools::program("node");
    node.args(["--test", "--test-reporter=spec"]).args(settings).args(browser_tests(filter)?);
    node.env("SITE_ROOT", site::folder());
    node.env(DATABASE, database).env("CHROMIUM", tools::browser()?);
    node.env("TALLYSTICK", tools::target_folder().join("debug/tallystick"));
    if let Ok(binaries) = Binaries::find(None) {
        node.env("CREATEDB", binaries.program("createdb"));
    }
    overheard(&mut node, Stream::Stdout, |line| counts.hear_node(line))
}

/// The files of the browser tests, in a fixed order.
fn browser_tests(filter: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
    let folder = tools::root().join("end2end/tests");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .filter(|path| {
            filter.is_none_or(|part| path.file_name().is_some_and(|name| name.to_string_lossy().contains(part)))
        })
        .collect();
    files.sort();
    if files.is_empty() { Err(format!("{} has no such tests", folder.display())) } else { Ok(files) }
}

/// What the test runners counted, and their own closing lines.
#[derive(Debug, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
    closing: Vec<String>,
}

impl Counts {
    /// Such as `     Summary [   1.2s] 13 tests run: 12 passed (1 slow), 1 failed, 0 skipped`.
    fn hear_nextest(&mut self, line: &str) {
        if !line.trim_start().starts_with("Summary [") {
            return;
        }
        self.closing.push(line.to_owned());
        let counted = line.split_once("run: ").map_or("", |(_, counted)| counted);
        for part in counted.split(", ") {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("skipped") => self.skipped += number,
                // Failed, timed out, or failed to start.
                _ => self.failed += number,
            }
        }
    }

    /// Such as `ℹ pass 3`.
    fn hear_node(&mut self, line: &str) {
        let Some(("tests" | "suites" | "pass" | "fail" | "cancelled" | "skipped" | "todo", number)) =
            line.strip_prefix("ℹ ").and_then(|rest| rest.split_once(' '))
        else {
            return;
        };
        self.closing.push(line.to_owned());
        let number = number.parse().unwrap_or(0);
        match line.trim_start_matches("ℹ ").split(' ').next() {
            Some("pass") => self.passed += number,
            Some("fail" | "cancelled") => self.failed += number,
            Some("skipped" | "todo") => self.skipped += number,
            _ => {}
        }
    }

    fn print(&self) {
        say("");
        for line in &self.closing {
            say(line);
        }
        say(&format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped));
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn the_runners_closing_lines_are_understood() {
        let mut counts = Counts::default();
        counts.hear_nextest(
            "     Summary [  12.729s] 20/25 tests run: 15 passed (2 slow), 4 failed, 1 timed out, 3 skipped",
        );
        counts.hear_nextest("        PASS [   1.081s] a_test");
        for line in
            ["ℹ tests 7", "ℹ suites 0", "ℹ pass 5", "ℹ fail 1", "ℹ cancelled 1", "ℹ skipped 0", "ℹ duration_ms 5"]
        {
            counts.hear_node(line);
        }
        assert_eq!((counts.passed, counts.failed, counts.skipped), (20, 7, 3));
        assert_eq!(counts.closing.len(), 7);
    }
}
