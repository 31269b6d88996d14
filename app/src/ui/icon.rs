//! Line icons and key caps.

use leptos::prelude::*;

/// The icons in use, drawn on a 16 px grid in the colour of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Opens something below.
    Down,
    /// Goes on to something.
    Right,
    /// Goes back.
    Left,
    /// Chosen or done.
    Check,
    /// Remove or close.
    Cross,
    /// Add.
    Plus,
    /// Find.
    Search,
    /// Open the navigation.
    Bars,
    /// Light and dark.
    Theme,
    /// Take a file home.
    Download,
    /// Something needs attention.
    Attention,
    /// A person.
    Person,
}

impl Sign {
    const fn path(self) -> &'static str {
        match self {
            Self::Down => "M4 6.5l4 4 4-4",
            Self::Right => "M6.5 4l4 4-4 4",
            Self::Left => "M9.5 4l-4 4 4 4",
            Self::Check => "M3.5 8.5l3 3 6-7",
            Self::Cross => "M4.5 4.5l7 7m0-7l-7 7",
            Self::Plus => "M8 3.5v9M3.5 8h9",
            Self::Search => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5L13.5 13.5",
            Self::Bars => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
            Self::Theme => "M8 2.25a5.75 5.75 0 1 0 0 11.5a5.75 5.75 0 1 0 0-11.5zM8 3.5v9a4.5 4.5 0 0 0 0-9z",
            Self::Download => "M8 2.5v7.5m-3.5-3L8 10.5 11.5 7M3 13.5h10",
            Self::Attention => "M8 2.5l6 11H2zM8 6.5v3.5M8 12v.01",
            Self::Person => {
                "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.75 13.5c.5-2.5 2.5-3.75 5.25-3.75s4.75 1.25 5.25 3.75"
            }
        }
    }
}

/// An icon beside a word; says nothing by itself to a screen reader.
#[component]
pub fn Icon(
    /// Which one.
    sign: Sign,
) -> impl IntoView {
    let class = if sign == Sign::Theme { "icon icon-theme" } else { "icon" };
    view! {
        <svg class=class viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
            <path d=sign.path()></path>
        </svg>
    }
}

/// A key on the keyboard.
#[component]
pub fn Kbd(
    /// The key or chord, such as `Ctrl K`.
    children: Children,
) -> impl IntoView {
    view! { <kbd class="kbd">{children()}</kbd> }
}
