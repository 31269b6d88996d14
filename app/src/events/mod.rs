//! Events, their receipts, rejected and unpriced ones.

use leptos::prelude::*;

/// EventsPage.
#[component]
pub fn EventsPage() -> impl IntoView {
    view! { <h1>"EventsPage"</h1> }
}

/// RejectedPage.
#[component]
pub fn RejectedPage() -> impl IntoView {
    view! { <h1>"RejectedPage"</h1> }
}

/// UnpricedPage.
#[component]
pub fn UnpricedPage() -> impl IntoView {
    view! { <h1>"UnpricedPage"</h1> }
}

/// EventPage.
#[component]
pub fn EventPage() -> impl IntoView {
    view! { <h1>"EventPage"</h1> }
}
