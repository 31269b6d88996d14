//! Text that is meant to be taken along.

use leptos::prelude::*;

use super::use_ready;

/// Copies a text to the clipboard; appears only where JavaScript runs.
#[component]
pub fn CopyButton(
    /// The text that is copied.
    #[prop(into)]
    text: String,
    /// What is copied, for the accessible name: "Copy API key".
    #[prop(into, optional)]
    what: Option<String>,
) -> impl IntoView {
    let ready = use_ready();
    let (done, set_done) = signal(false);
    let copy = move |_| {
        copy_to_clipboard(&text);
        set_done.set(true);
        set_timeout(move || set_done.set(false), std::time::Duration::from_secs(2));
    };
    view! {
        <button class="button button-small copy" type="button" hidden=move || !ready.get() on:click=copy>
            <span aria-live="polite">{move || if done.get() { "Copied" } else { "Copy" }}</span>
            {what.map(|what| view! { <span class="visually-hidden">{format!(" {what}")}</span> })}
        </button>
    }
}

/// A block of code with a copy button in its corner; scrolls in its own box.
#[component]
pub fn CodeBlock(
    /// The code, shown and copied as it is.
    #[prop(into)]
    code: String,
    /// What it is, for the accessible name: "curl command".
    #[prop(into)]
    what: String,
) -> impl IntoView {
    view! {
        <div class="code">
            <pre tabindex="0" role="region" aria-label=what.clone()><code>{code.clone()}</code></pre>
            <CopyButton text=code what=what/>
        </div>
    }
}

#[cfg(feature = "hydrate")]
fn copy_to_clipboard(text: &str) {
    // The promise is not awaited: where the browser refuses, selecting the text by hand still works.
    let _ = window().navigator().clipboard().write_text(text);
}

#[cfg(not(feature = "hydrate"))]
fn copy_to_clipboard(_text: &str) {}
