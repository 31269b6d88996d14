//! What the product is made of: licences, sources and duplicates of its dependencies, and what is known against them. The rules stand in `deny.toml`.

use crate::step::{Failure, ask, quietly, say};
use crate::tools;

/// Asks cargo-deny.
///
/// # Errors
/// What `deny.toml` does not let pass.
pub(crate) fn check() -> Result<(), Failure> {
    tools::for_dependencies()?;
    quietly(tools::cargo().args(["deny", "--locked", "check", "bans", "licenses", "sources"]))?;
    // The list of advisories is a repository elsewhere.
    if ask(tools::cargo().args(["deny", "--locked", "fetch", "db"])).is_ok_and(|output| output.status.success()) {
        return quietly(tools::cargo().args(["deny", "--locked", "check", "--disable-fetch", "advisories"]));
    }
    say("   left out: advisories, because their list cannot be fetched");
    Ok(())
}
