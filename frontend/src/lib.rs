//! The browser's side: takes over the pages that the server rendered.

// The types of whole pages nest deeply.
#![recursion_limit = "512"]

use leptos::prelude::document;
use leptos::tachys::dom::body;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's script. Done as soon as the page answers to its reader.
#[wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    // Waits for the code of the page that is shown.
    leptos::mount::hydrate_from_async(body(), app::App).await.forget();
    // Whoever drives a browser waits for this mark before touching anything.
    if let Some(page) = document().document_element() {
        let _ = page.set_attribute("data-hydrated", "");
    }
}
