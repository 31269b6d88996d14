//! Overview and Explore.

use leptos::prelude::*;

/// OverviewPage.
#[component]
pub fn OverviewPage() -> impl IntoView {
    view! { <h1>"OverviewPage"</h1> }
}

/// ExplorePage.
#[component]
pub fn ExplorePage() -> impl IntoView {
    view! { <h1>"ExplorePage"</h1> }
}
