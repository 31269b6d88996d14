//! The mark: a tally stick split in two; its notches match.

use leptos::prelude::*;

/// The mark beside the name; says nothing to a screen reader, because the name stands beside it.
#[component]
pub fn Logo() -> impl IntoView {
    // Two halves of one stick, notched through both: the buyer's above, the seller's below.
    view! {
        <svg class="logo" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
            <path class="logo-stock" d="M1 3h18v6h-1.6V5h-1.8v4h-2.4V5h-1.8v4H9V5H7.2v4H4.8V5H3v4H1z"></path>
            <path class="logo-foil" d="M1 17h18v-6h-1.6v4h-1.8v-4h-2.4v4h-1.8v-4H9v4H7.2v-4H4.8v4H3v-4H1z"></path>
        </svg>
    }
}
