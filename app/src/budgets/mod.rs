//! Budgets and the alert ledger.

use leptos::prelude::*;

/// BudgetsPage.
#[component]
pub fn BudgetsPage() -> impl IntoView {
    view! { <h1>"BudgetsPage"</h1> }
}

/// NewBudgetPage.
#[component]
pub fn NewBudgetPage() -> impl IntoView {
    view! { <h1>"NewBudgetPage"</h1> }
}

/// BudgetPage.
#[component]
pub fn BudgetPage() -> impl IntoView {
    view! { <h1>"BudgetPage"</h1> }
}

/// EditBudgetPage.
#[component]
pub fn EditBudgetPage() -> impl IntoView {
    view! { <h1>"EditBudgetPage"</h1> }
}

/// AlertsPage.
#[component]
pub fn AlertsPage() -> impl IntoView {
    view! { <h1>"AlertsPage"</h1> }
}
