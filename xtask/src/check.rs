//! `cargo xtask check`: format, lints, documentation, dependencies and the guards of the invariants.

use crate::step::{Failure, Parts, quietly};
use crate::tools::{self, WASM};
use crate::{dependencies, guards};

/// Settings of `cargo xtask check`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what needs no compiler: format and invariants; seconds.
    #[arg(long)]
    quick: bool,
}

/// Runs every check.
///
/// # Errors
/// Every check that failed.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut parts = Parts::default();
    if args.quick {
        add_quick(&mut parts);
        return parts.outcome();
    }
    if parts.part("tools", tools::for_building) {
        add_to(&mut parts);
    }
    parts.print_times();
    parts.outcome()
}

/// The checks as parts of a longer command.
pub(crate) fn add_to(parts: &mut Parts) {
    add_quick(parts);
    parts.part("dependencies", dependencies::check);
    parts.part("lints, server side", || {
        quietly(
            tools::cargo()
                .args(["clippy", "--locked", "--quiet", "--keep-going", "--workspace", "--all-targets"])
                .args(["--", "-D", "warnings"]),
        )
    });
    parts.part("lints, browser side", || {
        quietly(
            tools::cargo()
                .args(["clippy", "--locked", "--quiet", "-p", "frontend", "--features", "hydrate", "--target", WASM])
                .args(["--", "-D", "warnings"]),
        )
    });
    parts.part("documentation", || {
        quietly(
            tools::cargo()
                .args(["doc", "--locked", "--quiet", "--keep-going", "--workspace", "--no-deps"])
                .arg("--document-private-items")
                // Private items are documented here too, so links to them lead somewhere.
                .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"),
        )
    });
}

fn add_quick(parts: &mut Parts) {
    parts.part("format", || quietly(tools::cargo().args(["fmt", "--all", "--check"])));
    parts.part("invariants", guards::run);
}
