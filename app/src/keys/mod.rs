//! API keys.

use leptos::prelude::*;

/// KeysPage.
#[component]
pub fn KeysPage() -> impl IntoView {
    view! { <h1>"KeysPage"</h1> }
}
