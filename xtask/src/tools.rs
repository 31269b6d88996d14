//! The programs that building and testing need: found, or installed where that is possible, or named with the exact command.

use crate::step::{Failure, as_typed, ask, openly, quietly, say};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the tests.
const CARGO_NEXTEST: &str = "0.9.143";
/// Knows the licences, sources and advisories of dependencies.
const CARGO_DENY: &str = "0.20.2";
/// The oldest Node.js whose test runner does what the browser tests need; Debian 12 has it.
const NODE_MAJOR: u32 = 18;
/// The browser's target.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The folder of this repository.
pub(crate) fn root() -> PathBuf {
    // xtask/ lies directly in it.
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Where Cargo puts what it builds.
pub(crate) fn target_folder() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target")))
}

/// A program, run in the repository's folder, with the npm tools and Cargo's own folder of programs on its PATH.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).env("PATH", path());
    command
}

/// `cargo`, as [`program`].
pub(crate) fn cargo() -> Command {
    let mut command = program("cargo");
    // These describe the build of this very program; in the environment of others they cause rebuilds.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR" {
            command.env_remove(name);
        }
    }
    command
}

fn path() -> OsString {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let known = std::env::var_os("PATH").unwrap_or_default();
    let folders = [root().join("end2end/node_modules/.bin")]
        .into_iter()
        .chain(std::env::split_paths(&known))
        .chain(cargo_home.map(|home| home.join("bin")));
    std::env::join_paths(folders).unwrap_or(known)
}

/// Makes sure of everything that building the product needs.
pub(crate) fn for_building() -> Result<(), Failure> {
    wasm_target()?;
    node_packages()
}

/// Makes sure of a PostgreSQL that local mode and tests can start.
pub(crate) fn for_the_database() -> Result<(), Failure> {
    if local_postgres::Binaries::find(None).is_ok() { Ok(()) } else { debian_packages(&["postgresql"]) }
}

/// Makes sure of the test runner.
pub(crate) fn for_testing() -> Result<(), Failure> {
    if version_of(cargo().args(["nextest", "--version"])).is_some() {
        return Ok(());
    }
    install("cargo-nextest", CARGO_NEXTEST, &["--locked"])
}

/// Makes sure of what judges dependencies.
pub(crate) fn for_dependencies() -> Result<(), Failure> {
    cargo_tool("cargo-deny", &["deny", "--version"], CARGO_DENY, &["--locked"])
}

/// The browser of the end-to-end tests: `CHROMIUM`, or one on the PATH, or installed now.
pub(crate) fn browser() -> Result<PathBuf, Failure> {
    let find = || {
        let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
        named.or_else(|| ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path))
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    debian_packages(&["chromium", "fonts-dejavu-core"])?;
    find().ok_or_else(|| "chromium was installed but is not on the PATH; set CHROMIUM to its path".to_owned())
}

/// Makes sure of a tool from PyPI in an environment of its own under `target/`; one of its programs.
pub(crate) fn python_tool(package: &str, version: &str, name: &str) -> Result<PathBuf, Failure> {
    let environment = target_folder().join("python").join(format!("{package}-{version}"));
    let installed = environment.join("bin").join(name);
    if installed.is_file() {
        return Ok(installed);
    }
    let make = || quietly(program("python3").args(["-m", "venv", "--clear"]).arg(&environment));
    if on_path("python3").is_none() || make().is_err() {
        debian_packages(&["python3", "python3-venv"])?;
        make()?;
    }
    let pip = environment.join("bin/pip");
    quietly(
        program(&pip.to_string_lossy())
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .arg(format!("{package}=={version}")),
    )?;
    Ok(installed)
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&path()).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn wasm_target() -> Result<(), Failure> {
    let sysroot = ask(cargo_rustc().args(["--print", "sysroot"]))?;
    let library = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim()).join("lib/rustlib").join(WASM);
    if library.is_dir() {
        return Ok(());
    }
    openly(program("rustup").args(["target", "add", WASM]))
        .map_err(|reason| format!("{reason}\nadd the standard library for {WASM} to your Rust toolchain"))
}

/// The compiler that Cargo would use here.
fn cargo_rustc() -> Command {
    program(std::env::var("RUSTC").as_deref().unwrap_or("rustc"))
}

/// Installs what `end2end/package-lock.json` names, unless that is what is there.
fn node_packages() -> Result<(), Failure> {
    if on_path("node").is_none() || on_path("npm").is_none() {
        debian_packages(&["nodejs", "npm"])?;
    }
    let node = ask(program("node").arg("--version"))?;
    let node = String::from_utf8_lossy(&node.stdout).trim().to_owned();
    if major_of(&node).is_none_or(|major| major < NODE_MAJOR) {
        return Err(format!("node {node} is too old: {NODE_MAJOR} or newer is needed"));
    }
    let folder = root().join("end2end");
    let lock = fs::read(folder.join("package-lock.json")).map_err(|error| format!("package-lock.json: {error}"))?;
    let installed = folder.join("node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    openly(
        program("npm")
            .args(["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder),
    )?;
    fs::write(&installed, lock).map_err(|error| format!("{}: {error}", installed.display()))
}

fn cargo_tool(package: &str, question: &[&str], version: &str, flags: &[&str]) -> Result<(), Failure> {
    if version_of(cargo().args(question)).as_deref() == Some(version) {
        Ok(())
    } else {
        install(package, version, flags)
    }
}

/// Compiles a tool in the quick profile and without debug information: it runs a few times, so optimizing it would cost more than it saves.
fn install(package: &str, version: &str, flags: &[&str]) -> Result<(), Failure> {
    let mut install = cargo();
    install.args(["install", "--quiet", "--debug"]).args(flags).arg(format!("{package}@{version}"));
    openly(install.env("CARGO_PROFILE_DEV_DEBUG", "0"))
}

/// The second word of what a program says to `--version`.
fn version_of(command: &mut Command) -> Option<String> {
    let output = ask(command).ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).split_whitespace().nth(1).map(str::to_owned)
}

/// The 20 of `v20.1.0`.
fn major_of(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Installs packages as root on Debian; elsewhere says what to type.
fn debian_packages(packages: &[&str]) -> Result<(), Failure> {
    let debian = Path::new("/etc/debian_version").exists();
    let root = ask(Command::new("id").arg("-u")).is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let mut update = Command::new("apt-get");
    update.args(["update", "-q"]);
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-q", "--no-install-recommends"]).args(packages);
    if !(debian && root) {
        let with = if debian { "sudo " } else { "on Debian: " };
        return Err(format!(
            "{} missing; install with\n  {with}{} && {}{}",
            packages.join(" and "),
            as_typed(&update),
            if debian { "sudo " } else { "" },
            as_typed(&install)
        ));
    }
    for command in [&mut update, &mut install] {
        say(&format!("installing {}", packages.join(" ")));
        quietly(command.env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}
