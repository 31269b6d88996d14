//! Teams and projects.

use leptos::prelude::*;

/// ProjectsPage.
#[component]
pub fn ProjectsPage() -> impl IntoView {
    view! { <h1>"ProjectsPage"</h1> }
}

/// ProjectPage.
#[component]
pub fn ProjectPage() -> impl IntoView {
    view! { <h1>"ProjectPage"</h1> }
}

/// TeamPage.
#[component]
pub fn TeamPage() -> impl IntoView {
    view! { <h1>"TeamPage"</h1> }
}
