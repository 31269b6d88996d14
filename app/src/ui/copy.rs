//! Text that is meant to be taken along.

use leptos::prelude::*;

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
            <pre tabindex="0" role="region" aria-label=what.clone()><code>{code}</code></pre>
            <button class="button button-small copy with-scripts" type="button" data-copy="">
                <span aria-live="polite">"Copy"</span>
                <span class="visually-hidden">{format!(" {what}")}</span>
            </button>
        </div>
    }
}
