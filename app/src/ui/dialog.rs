//! A question over the page.

use leptos::prelude::*;

/// A link that opens a native dialog; without scripts it leads to a page that asks the same.
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
    let heading = format!("{id}-title");
    let class = match (quiet, danger) {
        (true, _) => "button button-link",
        (false, true) => "button button-danger",
        (false, false) => "button",
    };
    view! {
        <a class=class href=href aria-haspopup="dialog" data-dialog=id.clone()>{open}</a>
        <dialog class="dialog" id=id aria-labelledby=heading.clone()>
            <h2 id=heading.clone()>{title}</h2>
            {children()}
            <form method="dialog" class="dialog-close">
                <button class="button button-link" type="submit">"Cancel"</button>
            </form>
        </dialog>
    }
}
