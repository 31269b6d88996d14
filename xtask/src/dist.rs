//! `cargo xtask dist`: what a production server needs, in one folder: the binary and the browser's files, compressed beforehand.

use crate::site::{self, Profile};
use crate::step::{Failure, say};
use crate::tools;
use std::fs;
use std::path::Path;

/// Most code that the browser loads for a first visit, as brotli, in bytes.
const MOST_CODE_BYTES: u64 = 150_000;

/// Builds and says how much a first visit loads.
///
/// # Errors
/// What is missing and how to get it, or what did not build.
pub(crate) fn run() -> Result<(), Failure> {
    tools::for_building()?;
    let folder = tools::target_folder().join("dist");
    let site = folder.join("site");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    site::build_server(Profile::Release)?;
    site::build(Profile::Release, &site)?;
    for file in ["tallystick", "hash.txt"] {
        let to = folder.join(file);
        let from = Profile::Release.folder().join(file);
        fs::copy(&from, &to).map_err(|error| format!("{}: {error}", to.display()))?;
    }
    say(&format!("{}: start it with `./tallystick serve --site-root site`", folder.display()));
    bound_first_visit(&site.join("pkg"))
}

/// Says how much code the browser loads for a first visit, and fails where that is too much.
fn bound_first_visit(package: &Path) -> Result<(), Failure> {
    let failed = |error| format!("{}: {error}", package.display());
    let mut bytes = 0;
    for entry in fs::read_dir(package).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.to_string_lossy();
        if name.ends_with(".js.br") || name.ends_with(".wasm.br") {
            bytes += fs::metadata(&path).map_err(failed)?.len();
        }
    }
    say(&format!("  code of a first visit: {} kB as brotli", bytes.div_ceil(1_000)));
    match bytes {
        0 => Err(format!("{} holds no code that was compressed", package.display())),
        1..=MOST_CODE_BYTES => Ok(()),
        _ => Err(format!("the code of a first visit may have {} kB", MOST_CODE_BYTES / 1_000)),
    }
}
