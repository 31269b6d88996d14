//! `cargo xtask dist`: what a production server needs, in one folder: the binary and the browser's files, compressed beforehand.

use crate::step::{Failure, openly, say};
use crate::tools;
use std::fs;
use std::path::Path;

/// What the browser loads on a first visit.
const FIRST_VISIT: [&str; 2] = ["pkg/tallystick.wasm", "pkg/tallystick.js"];

/// Builds and says how much a first visit loads.
///
/// # Errors
/// What is missing and how to get it, or what did not build.
pub(crate) fn run() -> Result<(), Failure> {
    tools::for_building()?;
    let folder = tools::target_folder().join("dist");
    let site = folder.join("site");
    // A folder of its own: compressed files that outlive their originals would be served in their place.
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    openly(tools::cargo().args(["leptos", "build", "--release", "--precompress"]).env("LEPTOS_SITE_ROOT", &site))?;
    let binary = folder.join("tallystick");
    fs::copy(tools::target_folder().join("release/tallystick"), &binary)
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    say(&format!("{}: start it with `./tallystick serve --site-root site`", folder.display()));
    for file in FIRST_VISIT {
        let path = site.join(file);
        let compressed = site.join(format!("{file}.br"));
        say(&format!("  {file}: {} kB, {} kB as brotli", kilobytes(&path)?, kilobytes(&compressed)?));
    }
    Ok(())
}

fn kilobytes(path: &Path) -> Result<u64, Failure> {
    let metadata = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(metadata.len().div_ceil(1_000))
}
