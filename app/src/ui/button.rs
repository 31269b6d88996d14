//! Buttons, and links that look like them.

use leptos::prelude::*;

/// How much weight a button has on the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// The one thing to do on this page or form.
    Primary,
    /// Everything else.
    #[default]
    Secondary,
    /// Cannot be undone.
    Danger,
    /// Looks like a link, for the least important action.
    Link,
}

impl ButtonKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button-primary",
            Self::Secondary => "button",
            Self::Danger => "button button-danger",
            Self::Link => "button button-link",
        }
    }
}

/// The button of a table's row: the same short word in every row, and a name that says which row is meant to those who do not see it.
#[component]
pub fn RowButton(
    /// Its weight.
    #[prop(optional)]
    kind: ButtonKind,
    /// What it does, as a verb.
    text: &'static str,
    /// The same with what it is done to.
    name: String,
) -> impl IntoView {
    view! {
        <Button small=true kind=kind><span aria-hidden="true">{text}</span><span class="visually-hidden">{name}</span></Button>
    }
}

/// A button; with `href` it is a link that looks like one.
///
/// Further attributes may be put on the component itself (`attr:formaction=…`).
#[component]
pub fn Button(
    /// Its weight.
    #[prop(optional)]
    kind: ButtonKind,
    /// Makes it a link to this address.
    #[prop(into, optional)]
    href: Option<String>,
    /// HTML button type; `submit` unless told otherwise. Unused with `href`.
    #[prop(default = "submit")]
    role: &'static str,
    /// Form field that is sent when this button submits.
    #[prop(into, optional)]
    name: Option<String>,
    /// Value of that field.
    #[prop(into, optional)]
    value: Option<String>,
    /// Cannot be pressed.
    #[prop(optional)]
    disabled: bool,
    /// Smaller, for rows of a table.
    #[prop(optional)]
    small: bool,
    /// What it does, as a verb.
    children: Children,
) -> impl IntoView {
    let class = if small { format!("{} button-small", kind.class()) } else { kind.class().to_owned() };
    match href {
        Some(href) => view! { <a class=class href=href>{children()}</a> }.into_any(),
        None => view! {
            <button class=class type=role name=name value=value disabled=disabled>{children()}</button>
        }
        .into_any(),
    }
}
