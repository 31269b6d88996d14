//! What stands where the content would be: nothing yet, wrong, not allowed.

use leptos::prelude::*;

use super::{Icon, Sign, inline_code};

/// Nothing here yet: says why, and what to do.
#[component]
pub fn EmptyState(
    /// What is missing: "No budgets yet".
    #[prop(into)]
    title: String,
    /// Why that is, or what it would be good for.
    #[prop(into, optional)]
    text: Option<String>,
    /// One button or link.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="state">
            <p class="state-title">{title}</p>
            {text.map(|text| view! { <p>{text}</p> })}
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </div>
    }
}

/// Something went wrong: says what, and what to do; an id leads to the log.
#[component]
pub fn ErrorState(
    /// What did not work: "The events could not be read".
    #[prop(into)]
    title: String,
    /// What to do about it.
    #[prop(into, optional)]
    text: Option<String>,
    /// Id under which it stands in the log.
    #[prop(into, optional)]
    id: Option<String>,
    /// One button or link.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="state state-error" role="alert">
            <p class="state-title"><Icon sign=Sign::Attention/>{title}</p>
            {text.map(|text| view! { <p>{inline_code(&text)}</p> })}
            {id.map(|id| view! { <p class="soft">"Error id "<code>{id}</code></p> })}
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </div>
    }
}

/// The reader's role does not allow this: says which role does.
#[component]
pub fn NoPermission(
    /// What would be done here: "change budgets".
    #[prop(into)]
    what: String,
    /// Who may: "an owner or admin".
    #[prop(into)]
    who: String,
) -> impl IntoView {
    view! {
        <div class="state">
            <p class="state-title">{format!("Your role does not allow you to {what}")}</p>
            <p>{format!("Ask {who} of this organization.")}</p>
        </div>
    }
}
