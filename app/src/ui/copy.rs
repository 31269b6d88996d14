//! Text that is meant to be taken along.

use frontend::CopyButton;
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
            <CopyButton what=what/>
        </div>
    }
}
