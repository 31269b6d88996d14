//! `tallystick statement verify`: checks an exported bundle of closed statements, without a database and without any server.

use domain::format;
use domain::statement::{Bundle, Version, verify};
use std::io::Write;
use std::path::Path;

/// Reads a bundle and prints what is wrong in it, or what it proves; whether all is well.
///
/// # Errors
/// When the file cannot be read, is no bundle, or nothing can be printed.
pub fn run(file: &Path, mut out: impl Write) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let bundle: Bundle =
        serde_json::from_str(&text).map_err(|error| format!("{} is no bundle: {error}", file.display()))?;
    let findings = verify(&bundle);
    for finding in &findings {
        writeln!(out, "{}: {}", finding.place, finding.detail)?;
    }
    if !findings.is_empty() {
        writeln!(out, "{} of {}: not as they were taken.", counted(findings.len(), "fault"), bundle.organization)?;
        return Ok(false);
    }
    for bundled in bundle.versions.iter().filter(|bundled| bundled.body.is_some()) {
        writeln!(out, "{}", describe(&bundled.version))?;
    }
    let versions = counted(bundle.versions.len(), "version");
    writeln!(out, "{versions} of {}: sums, hashes and chain are right.", bundle.organization)?;
    if let Some(last) = bundle.versions.last() {
        writeln!(out, "Compare the last hash with the one that you were told: {}", last.version.hash)?;
    }
    Ok(true)
}

fn describe(version: &Version) -> String {
    let how = if version.closed { "closed" } else { "taken" };
    let (at, total) = (version.at.format("%Y-%m-%d %H:%M:%S UTC"), format::money_full(version.total));
    format!("{}: {how} on {at} by {}, {total}, {}", version.label(), version.by, version.hash)
}

fn counted(number: usize, word: &str) -> String {
    format::counted(i128::try_from(number).unwrap_or(i128::MAX), word).replace('\u{a0}', " ")
}
