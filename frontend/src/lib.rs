//! The browser's side: takes over the pages that the server rendered.

// The types of whole pages nest deeply.
#![recursion_limit = "512"]

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's script.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
    // Whoever drives a browser waits for this mark before touching anything.
    if let Some(page) = leptos::prelude::document().document_element() {
        let _ = page.set_attribute("data-hydrated", "");
    }
}
