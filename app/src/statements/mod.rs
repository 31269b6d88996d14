//! What each team and project owes.

use leptos::prelude::*;

/// StatementsPage.
#[component]
pub fn StatementsPage() -> impl IntoView {
    view! { <h1>"StatementsPage"</h1> }
}

/// StatementPage.
#[component]
pub fn StatementPage() -> impl IntoView {
    view! { <h1>"StatementPage"</h1> }
}
