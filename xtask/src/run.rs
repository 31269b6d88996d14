//! `cargo xtask run`: from a fresh clone to a page in the browser.

use crate::site::Profile;
use crate::step::{Failure, as_typed, say};
use crate::{site, tools};
use std::os::unix::process::CommandExt;

/// Settings of `cargo xtask run`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build with optimizations: slower to build, faster to use.
    #[arg(long)]
    release: bool,
    /// Further settings of `tallystick serve`, such as --addr 127.0.0.1:3001.
    #[arg(last = true)]
    serve: Vec<String>,
}

/// Installs what is missing, builds, and becomes the server.
///
/// # Errors
/// What is missing and how to get it, or what did not build.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    tools::for_the_database()?;
    tools::for_building()?;
    let profile = if args.release { Profile::Release } else { Profile::Debug };
    site::build_server(profile)?;
    site::build(profile, &site::folder())?;
    let binary = profile.folder().join("tallystick");
    let mut serve = tools::program(&binary.to_string_lossy());
    // Somebody's DATABASE_URL is not the private PostgreSQL meant here.
    serve.args(["serve", "--local", "--site-root"]).arg(site::folder()).args(&args.serve).env_remove("DATABASE_URL");
    say(&format!("  $ {}", as_typed(&serve)));
    // Becomes the server, so that Ctrl-C reaches it alone.
    Err(format!("{}: {}", as_typed(&serve), serve.exec()))
}
