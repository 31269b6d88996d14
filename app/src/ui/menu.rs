//! Things to choose from, folded away.

use leptos::prelude::*;

use super::{Icon, Sign};

/// A button that unfolds a menu; a native `<details>`, so it works without JavaScript.
///
/// Only one menu of a page is open at a time; the frame closes it on Escape and on a click elsewhere.
#[component]
pub fn Menu(
    /// What the closed menu says.
    #[prop(into)]
    label: String,
    /// Accessible name, where the label alone does not say what opens.
    #[prop(into, optional)]
    name: Option<String>,
    /// An icon before the label.
    #[prop(optional)]
    sign: Option<Sign>,
    /// Shows only the icon; the label becomes the accessible name.
    #[prop(optional)]
    icon_only: bool,
    /// Opens towards the left, for menus at the right edge.
    #[prop(optional)]
    end: bool,
    /// `MenuItem`s, `MenuRule`s, or a form.
    children: Children,
) -> impl IntoView {
    let class = if end { "menu menu-end" } else { "menu" };
    let name = name.or_else(|| icon_only.then(|| label.clone()));
    view! {
        <details class=class name="menu">
            <summary class="button" class:button-icon=icon_only aria-label=name>
                {sign.map(|sign| view! { <Icon sign=sign/> })}
                {(!icon_only).then_some(view! { <span class="menu-label">{label}</span> })}
                {(!icon_only).then_some(view! { <Icon sign=Sign::Down/> })}
            </summary>
            <div class="menu-panel">{children()}</div>
        </details>
    }
}

/// A link inside a menu.
#[component]
pub fn MenuItem(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// It is where the reader already is.
    #[prop(optional)]
    current: bool,
    /// Second line, softer.
    #[prop(into, optional)]
    note: Option<String>,
    /// Its words.
    children: Children,
) -> impl IntoView {
    view! {
        <a class="menu-item" href=href aria-current=current.then_some("true")>
            <span>{children()}{note.map(|note| view! { <span class="menu-note">{note}</span> })}</span>
            {current.then(|| view! { <Icon sign=Sign::Check/> })}
        </a>
    }
}

/// A hairline between the parts of a menu.
#[component]
pub fn MenuRule() -> impl IntoView {
    view! { <hr class="menu-rule"/> }
}
