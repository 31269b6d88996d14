//! Text that is meant to be taken along.

use leptos::prelude::*;
use std::time::Duration;

/// How long the button says that it copied.
const SAID_FOR: Duration = Duration::from_secs(2);

/// Copies a text to the clipboard; shown only where scripts run.
#[island]
pub fn CopyButton(
    /// The text that is copied; the code before the button where there is none.
    #[prop(into, optional)]
    text: Option<String>,
    /// What is copied, for the accessible name: "Copy API key".
    #[prop(into, optional)]
    what: Option<String>,
) -> impl IntoView {
    let (done, set_done) = signal(false);
    let copy = move |event: leptos::ev::MouseEvent| {
        let text = text.clone().or_else(|| code_before(&event)).unwrap_or_default();
        // The promise is not awaited: where the browser refuses, selecting the text by hand still works.
        let _ = window().navigator().clipboard().write_text(&text);
        set_done.set(true);
        set_timeout(move || set_done.set(false), SAID_FOR);
    };
    view! {
        <button class="button button-small copy with-scripts" type="button" on:click=copy>
            <span aria-live="polite">{move || if done.get() { "Copied" } else { "Copy" }}</span>
            {what.map(|what| view! { <span class="visually-hidden">{format!(" {what}")}</span> })}
        </button>
    }
}

fn code_before(event: &leptos::ev::MouseEvent) -> Option<String> {
    use wasm_bindgen::JsCast;
    let button: web_sys::Element = event.current_target()?.dyn_into().ok()?;
    button.closest(".code").ok()??.query_selector("code").ok()??.text_content()
}
