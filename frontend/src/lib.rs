//! The browser's side: the islands of the pages, and what any page does once scripts run.
//!
//! Pages are made on the server, where an island draws itself too; here it wakes up. Everything else of a page stays as it was sent.
//! What needs no state of its own (menus, dialogs, forms, proposals, parts that renew themselves) is no island but listens to the whole document: see [`page`].
//! To add an island: a file with an `#[island]` without properties, which reads the markup that it stands around; properties bring a reader of JSON along, a tenth of all code.

pub mod chart;
mod document;
mod file;
mod page;
mod suggest;
pub mod theme;

pub use chart::ChartReader;
pub use theme::Theme;

use leptos::prelude::set_timeout;
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's script, which then wakes the islands one after the other.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    wake();
    page::listen();
    // The script wakes islands without waiting for anything; a timer comes after all of them.
    set_timeout(page::mark, Duration::ZERO);
}

/// What islands run on.
#[cfg(feature = "hydrate")]
fn wake() {
    leptos::mount::hydrate_islands();
}

/// The server wakes nothing.
#[cfg(not(feature = "hydrate"))]
const fn wake() {}
