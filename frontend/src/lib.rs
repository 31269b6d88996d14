//! The browser's side: takes over the pages that the server rendered.

// The types of whole pages nest deeply.
#![recursion_limit = "512"]

use leptos::prelude::{document, set_timeout};
use leptos::tachys::dom::body;
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's script. Done as soon as the page answers to its reader.
#[wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    // Waits for the code of the page that is shown.
    leptos::mount::hydrate_from_async(body(), app::App).await.forget();
    // What waits for its data is taken over by tasks that are queued by now; a timer comes after all of them.
    set_timeout(mark, Duration::ZERO);
}

/// Whoever drives a browser waits for this mark before touching anything.
fn mark() {
    if let Some(page) = document().document_element() {
        let _ = page.set_attribute("data-hydrated", "");
    }
}
