//! The site that the server gives to browsers: code, style sheet, icon, each under a name that says what is in it.
//!
//! The server reads the names from `hash.txt` beside its binary.

use crate::step::{Failure, openly, quietly};
use crate::tools::{self, WASM};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// What the files are called, before their hash.
const NAME: &str = "tallystick";
/// Bytes of a hash that stand in a name.
const HASH_LEN: usize = 8;
/// Best, as browsers understand it.
const BROTLI_QUALITY: u32 = 11;
/// Room in which brotli looks for repetitions, as a power of two.
const BROTLI_WINDOW: u32 = 22;

/// How a build is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Debug,
    /// Small and fast.
    Release,
}

impl Profile {
    /// The folder of the server's binary.
    pub(crate) fn folder(self) -> PathBuf {
        tools::target_folder().join(match self {
            Self::Debug => "debug",
            Self::Release => "release",
        })
    }

    const fn of_code(self) -> &'static str {
        match self {
            Self::Debug => "dev",
            Self::Release => "wasm-release",
        }
    }
}

/// Where a debug build serves its site from.
pub(crate) fn folder() -> PathBuf {
    tools::target_folder().join("site")
}

/// Builds the server's binary.
///
/// # Errors
/// What did not build.
pub(crate) fn build_server(profile: Profile) -> Result<(), Failure> {
    let mut build = tools::cargo();
    build.args(["build", "--locked", "-p", "server"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    openly(&mut build)
}

/// Builds the browser's side and puts the site together.
///
/// # Errors
/// What did not build, or where nothing could be written.
pub(crate) fn build(profile: Profile, site: &Path) -> Result<(), Failure> {
    let package = site.join("pkg");
    // What an earlier build left would be compressed and served with the rest.
    let _absent = fs::remove_dir_all(site);
    fs::create_dir_all(&package).map_err(|error| at(&package, error))?;
    let code = code(profile, &package)?;
    let sheet = sheet(profile, &package)?;
    let mut names = String::new();
    for (kind, file) in [("js", &code.script), ("wasm", &code.wasm), ("css", &sheet)] {
        let hash = named_by_content(file, kind)?;
        let _ = writeln!(names, "{kind}: {hash}");
    }
    copy_assets(site)?;
    let list = profile.folder().join("hash.txt");
    fs::create_dir_all(profile.folder()).map_err(|error| at(&list, error))?;
    fs::write(&list, names).map_err(|error| at(&list, error))?;
    if profile == Profile::Release { compress(site) } else { Ok(()) }
}

/// The browser's code as `wasm-bindgen` leaves it.
struct Code {
    script: PathBuf,
    wasm: PathBuf,
}

fn code(profile: Profile, package: &Path) -> Result<Code, Failure> {
    let mut build = tools::cargo();
    build.args(["build", "--locked", "-p", "frontend", "--lib", "--features", "hydrate", "--target", WASM]);
    openly(build.args(["--profile", profile.of_code()]))?;
    let built = match profile {
        Profile::Debug => "debug",
        Profile::Release => "wasm-release",
    };
    let built = tools::target_folder().join(WASM).join(built).join("frontend.wasm");
    let is_release = profile == Profile::Release;
    let bind = || {
        let mut bindgen = Bindgen::new();
        bindgen.input_path(&built).web(true)?.out_name(NAME).typescript(false);
        // The page says where the code lies.
        bindgen.omit_default_module_path(true).keep_debug(!is_release).remove_name_section(is_release);
        bindgen.generate(package)
    };
    bind().map_err(|error| format!("{}: {error:#}", built.display()))?;
    let wasm = package.join(format!("{NAME}.wasm"));
    let bound = package.join(format!("{NAME}_bg.wasm"));
    if is_release {
        quietly(tools::program("wasm-opt").arg("-Oz").arg(&bound).arg("-o").arg(&wasm))?;
        fs::remove_file(&bound).map_err(|error| at(&bound, error))?;
    } else {
        fs::rename(&bound, &wasm).map_err(|error| at(&bound, error))?;
    }
    Ok(Code { script: package.join(format!("{NAME}.js")), wasm })
}

fn sheet(profile: Profile, package: &Path) -> Result<PathBuf, Failure> {
    let sheet = package.join(format!("{NAME}.css"));
    let style = if profile == Profile::Release { "--style=compressed" } else { "--style=expanded" };
    quietly(tools::program("sass").args(["--no-source-map", style, "style/main.scss"]).arg(&sheet))?;
    Ok(sheet)
}

/// Puts the hash of what is in a file into its name.
fn named_by_content(file: &Path, kind: &str) -> Result<String, Failure> {
    let content = fs::read(file).map_err(|error| at(file, error))?;
    let mut hash = String::new();
    for byte in Sha256::digest(&content).iter().take(HASH_LEN) {
        let _ = write!(hash, "{byte:02x}");
    }
    fs::rename(file, file.with_file_name(format!("{NAME}.{hash}.{kind}"))).map_err(|error| at(file, error))?;
    Ok(hash)
}

fn copy_assets(site: &Path) -> Result<(), Failure> {
    let assets = tools::root().join("style/assets");
    for entry in fs::read_dir(&assets).map_err(|error| at(&assets, error))? {
        let entry = entry.map_err(|error| at(&assets, error))?;
        fs::copy(entry.path(), site.join(entry.file_name())).map_err(|error| at(&entry.path(), error))?;
    }
    Ok(())
}

/// Lays a compressed copy beside every file.
fn compress(folder: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(|error| at(folder, error))? {
        let path = entry.map_err(|error| at(folder, error))?.path();
        if path.is_dir() {
            compress(&path)?;
            continue;
        }
        let content = fs::read(&path).map_err(|error| at(&path, error))?;
        let mut brotli = brotli::CompressorWriter::new(Vec::new(), content.len().max(1), BROTLI_QUALITY, BROTLI_WINDOW);
        brotli.write_all(&content).map_err(|error| at(&path, error))?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&content).map_err(|error| at(&path, error))?;
        let gzip = gzip.finish().map_err(|error| at(&path, error))?;
        for (ending, bytes) in [("br", brotli.into_inner()), ("gz", gzip)] {
            let copy = PathBuf::from(format!("{}.{ending}", path.display()));
            fs::write(&copy, bytes).map_err(|error| at(&copy, error))?;
        }
    }
    Ok(())
}

fn at(path: &Path, error: std::io::Error) -> Failure {
    format!("{}: {error}", path.display())
}
