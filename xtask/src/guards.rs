//! The invariants of `ARCHITECTURE.md` that a compiler cannot hold: who depends on whom, who speaks SQL, what no file contains.

use crate::step::{Failure, as_typed, ask};
use crate::tools::{self, WASM};
use crate::words;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A crate, the target it is built for, and the crates it must never reach by normal dependencies.
struct Reach {
    package: &'static str,
    target: Option<&'static str>,
    never: &'static [&'static str],
    because: &'static str,
}

const REACHES: [Reach; 4] = [
    Reach {
        package: "domain",
        target: None,
        never: &["tokio", "futures", "leptos", "axum", "http", "sqlx", "rand", "getrandom", "tracing", "backend"],
        because: "`domain` does no I/O, has no clock, knows no framework",
    },
    Reach {
        package: "backend",
        target: None,
        never: &["leptos", "leptos_axum", "leptos_router", "axum", "app", "server"],
        because: "`backend` knows neither Leptos nor axum",
    },
    Reach {
        package: "frontend",
        target: Some(WASM),
        never: &[
            "app",
            "domain",
            "backend",
            "server",
            "sqlx",
            "argon2",
            "axum",
            "lettre",
            "tokio",
            "chrono-tz",
            "utoipa",
            "reqwest",
        ],
        because: "only islands reach the browser",
    },
    Reach {
        package: "server",
        target: None,
        never: &["openssl-sys", "native-tls", "aws-lc-sys", "aws-lc-rs", "testkit"],
        because: "the server needs no OpenSSL, no aws-lc and nothing made for tests",
    },
];

/// Words that only `sql.rs`, the files of a folder `sql` and tests may contain.
const SQL_WORDS: [&str; 7] =
    ["sqlx::query", "query_as(", "query_as::<", "query_scalar", "QueryBuilder", "AssertSqlSafe", "copy_in_raw"];

/// Tables that nobody but their room may write.
const OWNED: [(&str, &[&str]); 2] = [
    (
        "server/backend/src/ledger/",
        &[
            "events",
            "event_ids",
            "shapes",
            "plans",
            "adjustments",
            "provider_responses",
            "possible_duplicates",
            "event_copies",
            "running_totals",
            "trace_calls",
            "traces",
            "series",
            "coarse_series",
            "labels",
            "rollup_quarter",
            "rollup_day",
            "rollup_label_day",
            "rollup_meter_day",
            "rollup_latency_day",
            "rollup_term_day",
            "rollup_coarse_day",
            "rollup_coarse_label_day",
            "rollup_coarse_meter_day",
            "rollup_version",
            "staged_days",
            "staged_label_day",
            "staged_meter_day",
            "staged_latency_day",
            "staged_term_day",
            "newest_events",
        ],
    ),
    ("server/backend/src/rules/", &["rules", "rule_changes"]),
];

/// Statements that take advisory locks, whose numbers stand in one place.
const LOCKS: (&str, [&str; 2]) = ("server/backend/src/locks/sql.rs", ["pg_advisory", "pg_try_advisory"]);

/// Statements that write a table.
fn writes(tables: &[&str]) -> Vec<String> {
    let writes = ["insert into", "update", "delete from", "copy"];
    tables.iter().flat_map(|table| writes.map(|write| format!("{write} {table} "))).collect()
}

/// Asks every guard.
///
/// # Errors
/// Every breach, one per line.
pub(crate) fn run() -> Result<(), Failure> {
    let mut breaches = Vec::new();
    for reach in &REACHES {
        breaches.extend(reaching(reach)?);
    }
    let files = files()?;
    for (path, text) in &files {
        breaches.extend(in_file(path, text));
        breaches.extend(without_span(path, text));
        breaches.extend(words::old_ones(path, text));
    }
    breaches.extend(schemas_named_twice(&files));
    if breaches.is_empty() { Ok(()) } else { Err(breaches.join("\n")) }
}

fn reaching(reach: &Reach) -> Result<Vec<String>, Failure> {
    let mut tree = tools::cargo();
    tree.args(["tree", "--locked", "-p", reach.package, "-e", "normal", "--prefix", "none", "-f", "{lib}|{p}"]);
    if let Some(target) = reach.target {
        tree.args(["--target", target]);
    }
    let output = ask(&mut tree)?;
    if !output.status.success() {
        return Err(format!("{}: {}", as_typed(&tree), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(forbidden(reach, &String::from_utf8_lossy(&output.stdout)))
}

fn forbidden(reach: &Reach, tree: &str) -> Vec<String> {
    let mut found: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_once('|')?.1.split(' ').next())
        .filter(|name| reach.never.contains(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.iter().map(|name| format!("{} depends on {name}, but {}", reach.package, reach.because)).collect()
}

/// The text files of the repository: those that are committed or would be.
fn files() -> Result<Vec<(String, String)>, Failure> {
    let mut list = tools::program("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let output = ask(&mut list)?;
    if !output.status.success() {
        return Err(format!("{}: {}", as_typed(&list), String::from_utf8_lossy(&output.stderr)));
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    // Pictures and files just deleted have no text to look at.
    let text_of = |name: &str| Some((name.to_owned(), fs::read_to_string(tools::root().join(name)).ok()?));
    Ok(names.split('\0').filter(|name| !name.is_empty()).filter_map(text_of).collect())
}

/// What one file must not contain.
fn in_file(path: &str, text: &str) -> Vec<String> {
    // This file has to spell out what it looks for.
    if path == "xtask/src/guards.rs" {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    let mut look = |words: &[&str], lines: &str, because: &str| {
        for (index, line) in lines.lines().enumerate() {
            let code = line.trim_start();
            if words.iter().any(|word| code.contains(word)) && !code.starts_with("//") {
                breaches.push(format!(
                    "{path}:{}: {because}: {}",
                    index + 1,
                    code.chars().take(100).collect::<String>()
                ));
            }
        }
    };
    if is_product_code(path) && !speaks_sql(path) {
        look(&SQL_WORDS, before_tests(text), "only sql.rs and sql/ speak SQL");
    }
    if is_product_code(path) && path != LOCKS.0 {
        look(&LOCKS.1, before_tests(text), "only `locks` takes advisory locks, by its numbers");
    }
    for (room, tables) in OWNED.iter().filter(|(room, _)| is_product_code(path) && !path.starts_with(room)) {
        let writes = writes(tables);
        let writes: Vec<&str> = writes.iter().map(String::as_str).collect();
        look(&writes, before_tests(text), &format!("only {room} writes its tables"));
    }
    if path.starts_with("app/src/") {
        look(&[" style=", "style:"], text, "a style attribute, which the content security policy forbids");
    }
    if path.starts_with("server/backend/src/") {
        look(&["StatusCode"], text, "only app and server know HTTP statuses");
    }
    if path.ends_with("package-lock.json") {
        look(&["\"resolved\""], text, "the address of a registry");
    }
    if !path.ends_with("prices.tsv") {
        look(&["/work/", "/home/", "/Users/", "/root/"], text, "a path of somebody's machine");
    }
    breaches
}

/// Verbs of the backend without a span: the log could not say what a line belongs to.
fn without_span(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("server/backend/src/") || !is_product_code(path) || speaks_sql(path) {
        return Vec::new();
    }
    let mut has_span = false;
    let mut breaches = Vec::new();
    for (index, line) in before_tests(text).lines().enumerate() {
        if line.starts_with("pub async fn ") && !has_span {
            breaches.push(format!("{path}:{}: a verb without #[tracing::instrument]: {line}", index + 1));
        }
        // Whatever stands between the attribute and its function begins with one, too.
        has_span = line.starts_with("#[tracing::instrument(") || (has_span && line.starts_with("#["));
    }
    breaches
}

/// Types of the API that share a name: in its description the last one would stand for both.
fn schemas_named_twice(files: &[(String, String)]) -> Vec<String> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut breaches = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("server/src/api/")) {
        for name in text.lines().filter_map(schema_name) {
            if let Some(first) = seen.insert(name, path) {
                breaches.push(format!("{path}: the schema {name} is named twice, also in {first}"));
            }
        }
    }
    breaches
}

/// The name of a type that is a schema.
fn schema_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("struct ").or_else(|| line.strip_prefix("pub(super) struct "));
    let name = rest.or_else(|| line.strip_prefix("enum "))?;
    let name = name.split(|c: char| !c.is_alphanumeric()).next()?;
    name.ends_with("Document").then_some(name)
}

/// Rust that ends up in the product.
pub(crate) fn is_product_code(path: &str) -> bool {
    let room = ["app/src/", "app/domain/src/", "server/src/", "server/backend/src/"];
    room.iter().any(|room| path.starts_with(room))
        && path.ends_with(".rs")
        && !path.contains("/tests/")
        && !path.ends_with("/tests.rs")
}

/// A room's `sql.rs`, or a file of the folder `sql` that it became.
fn speaks_sql(path: &str) -> bool {
    let path = Path::new(path);
    let folder = path.parent().and_then(Path::file_name);
    path.file_name().is_some_and(|name| name == "sql.rs") || folder.is_some_and(|name| name == "sql")
}

/// A source file without its module of tests, which stands at its end.
pub(crate) fn before_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod ").map_or(text, |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::{REACHES, forbidden, in_file, schemas_named_twice, without_span};

    #[test]
    fn the_guards_see_what_they_are_for() {
        let sql = "fn read() { sqlx::query(\"SELECT 1\"); }";
        assert_eq!(in_file("server/backend/src/spend/mod.rs", sql).len(), 1);
        assert_eq!(in_file("server/backend/src/spend/sql.rs", sql).len(), 0);
        assert_eq!(in_file("server/backend/src/spend/sql/days.rs", sql).len(), 0);
        assert_eq!(in_file("server/backend/src/spend/sql/more/days.rs", sql).len(), 1);
        assert_eq!(
            in_file("server/backend/src/spend/mod.rs", &format!("#[cfg(test)]\nmod tests {{\n{sql}\n}}")).len(),
            0
        );
        let lock = "sqlx::query(\"select pg_advisory_xact_lock(1)\")";
        assert_eq!(in_file("server/backend/src/spend/sql.rs", lock).len(), 1);
        assert_eq!(in_file("server/backend/src/locks/sql.rs", lock).len(), 0);
        assert_eq!(in_file("app/src/ui/button.rs", "<p style=\"color: red\">").len(), 1);
        assert_eq!(in_file("app/src/ui/button.rs", "// no style= here").len(), 0);
        assert_eq!(in_file("README.md", "see /home/me/notes").len(), 1);
        assert_eq!(in_file("end2end/package-lock.json", "\"resolved\": \"x\"").len(), 1);
    }

    #[test]
    fn a_verb_without_a_span_is_found() {
        let path = "server/backend/src/spend/mod.rs";
        let with =
            "/// Sums.\n#[tracing::instrument(level = \"debug\", skip_all)]\n#[must_use]\npub async fn sum() {}\n";
        assert_eq!(without_span(path, with), Vec::<String>::new());
        let without = format!("{with}\npub async fn other() {{}}\n");
        assert_eq!(without_span(path, &without).len(), 1);
        assert_eq!(without_span("server/backend/src/spend/sql.rs", &without), Vec::<String>::new());
        assert_eq!(without_span("server/src/spend.rs", &without), Vec::<String>::new());
    }

    #[test]
    fn two_schemas_of_one_name_are_found() {
        let file = |path: &str, text: &str| (format!("server/src/api/{path}.rs"), text.to_owned());
        let files =
            [file("budgets", "struct MonthDocument {\nstruct DayDocument;"), file("prices", "struct MonthDocument {")];
        assert_eq!(schemas_named_twice(&files).len(), 1);
        assert_eq!(schemas_named_twice(&files[..1]), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_crate_is_found_by_its_whole_name() {
        let backend = &REACHES[1];
        assert_eq!(forbidden(backend, "x|tower v0.5.3\nx|axum-core v0.5.0\n"), Vec::<String>::new());
        assert_eq!(forbidden(backend, "x|axum v0.8.9\nx|axum v0.8.9 (*)\n").len(), 1);
    }
}
