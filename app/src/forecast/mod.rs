//! Where the month will end.

use leptos::prelude::*;

/// ForecastPage.
#[component]
pub fn ForecastPage() -> impl IntoView {
    view! { <h1>"ForecastPage"</h1> }
}
