//! `cargo xtask dist`: what a production server needs, in one folder: the binary and the browser's files, compressed beforehand.

use crate::step::{Failure, openly, say};
use crate::tools;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

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
    openly(tools::build().args(["--release", "--precompress"]).env("LEPTOS_SITE_ROOT", &site))?;
    for file in ["tallystick", "hash.txt"] {
        let to = folder.join(file);
        let from = tools::target_folder().join("release").join(file);
        fs::copy(&from, &to).map_err(|error| format!("{}: {error}", to.display()))?;
    }
    say(&format!("{}: start it with `./tallystick serve --site-root site`", folder.display()));
    say_first_visits(&site.join("pkg"))
}

/// Says how much the browser loads for the first page of each room: the first file of code, the scripts, the room's files.
fn say_first_visits(package: &Path) -> Result<(), Failure> {
    let files = files_in(package)?;
    let common: Vec<&PathBuf> = files
        .iter()
        .filter(|(name, _)| name.ends_with(".js") || (name.starts_with("tallystick.") && name.ends_with(".wasm")))
        .map(|(_, path)| path)
        .collect();
    let start = brotli_bytes(common.iter().copied())?;
    say(&format!("  every page: {} kB of code as brotli", start.div_ceil(1_000)));
    for (room, names) in rooms(&files)? {
        let own = names.iter().filter_map(|name| files.get(&format!("{name}.wasm")));
        let (count, own) = (own.clone().count(), brotli_bytes(own)?);
        say(&format!(
            "  first page of {room}: {} kB, {} kB of them its own in {count} files",
            (start + own).div_ceil(1_000),
            own.div_ceil(1_000)
        ));
    }
    Ok(())
}

fn files_in(package: &Path) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let failed = |error| format!("{}: {error}", package.display());
    fs::read_dir(package)
        .map_err(failed)?
        .map(|entry| {
            let entry = entry.map_err(failed)?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry.path()))
        })
        .collect()
}

/// Which files each room needs besides the first, as the build lists them.
fn rooms(files: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let is_list = |name: &String| name.starts_with("__wasm_split_manifest") && name.ends_with(".json");
    let list = files.iter().find(|(name, _)| is_list(name)).map(|(_, path)| path);
    let list = list.ok_or("the build left no list of the rooms' files")?;
    let read = fs::read(list).map_err(|error| format!("{}: {error}", list.display()))?;
    serde_json::from_slice(&read).map_err(|error| format!("{}: {error}", list.display()))
}

/// The size of what was compressed beforehand.
fn brotli_bytes<'a>(files: impl Iterator<Item = &'a PathBuf>) -> Result<u64, Failure> {
    files
        .map(|path| {
            let compressed = PathBuf::from(format!("{}.br", path.display()));
            let metadata = fs::metadata(&compressed).map_err(|error| format!("{}: {error}", compressed.display()))?;
            Ok(metadata.len())
        })
        .sum()
}
