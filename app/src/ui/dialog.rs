//! A question over the page.

use leptos::{html, prelude::*};

/// A link that, once hydrated, opens a native dialog; without JavaScript it leads to a page that asks the same.
#[component]
pub fn Dialog(
    /// The page that asks the same without JavaScript.
    #[prop(into)]
    href: String,
    /// Words on the link.
    #[prop(into)]
    open: String,
    /// The dialog's heading: the question.
    #[prop(into)]
    title: String,
    /// Unique on the page; names the heading for screen readers.
    #[prop(into)]
    id: String,
    /// The link is styled as dangerous.
    #[prop(optional)]
    danger: bool,
    /// The link looks like a link rather than a button.
    #[prop(optional)]
    quiet: bool,
    /// Text, form and buttons. A `<form method="dialog">` button closes it.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let heading = format!("{id}-title");
    let class = match (quiet, danger) {
        (true, _) => "button button-link",
        (false, true) => "button button-danger",
        (false, false) => "button",
    };
    let show = move |event: leptos::ev::MouseEvent| {
        if let Some(dialog) = dialog.get()
            && dialog.show_modal().is_ok()
        {
            event.prevent_default();
            // Keeps the router from following the link.
            event.stop_propagation();
        }
    };
    view! {
        <a class=class href=href aria-haspopup="dialog" on:click=show>{open}</a>
        <dialog class="dialog" id=id aria-labelledby=heading.clone() node_ref=dialog>
            <h2 id=heading.clone()>{title}</h2>
            {children()}
            <form method="dialog" class="dialog-close">
                <button class="button button-link" type="submit">"Cancel"</button>
            </form>
        </dialog>
    }
}
