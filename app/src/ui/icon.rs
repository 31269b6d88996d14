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
    /// A question answered.
    Help,
    /// All at once.
    Overview,
    /// A question asked.
    Explore,
    /// A list of what happened.
    Events,
    /// How much of something is used.
    Budgets,
    /// Where a line goes.
    Forecast,
    /// Tells somebody.
    Alerts,
    /// A thing with parts.
    Projects,
    /// One whole in several parts.
    Allocation,
    /// Coins in a pile.
    Charges,
    /// One part of a whole.
    UnitCosts,
    /// A sheet with sums.
    Statements,
    /// What a thing costs.
    Prices,
    /// Sliders.
    Settings,
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
            Self::Help => {
                "M8 13.75a5.75 5.75 0 1 0 0-11.5 5.75 5.75 0 0 0 0 11.5zM6.25 6.5a1.75 1.75 0 1 1 2.5 1.6c-.5.25-.75.55-.75 1.15M8 11.25v.01"
            }
            Self::Overview => "M2.5 2.5h4.5v6h-4.5zM9 2.5h4.5v3h-4.5zM9 7.5h4.5v6h-4.5zM2.5 10.5h4.5v3h-4.5z",
            Self::Explore => "M2.5 13.5h11M4.5 11V7.5M8 11V3M11.5 11V5.5",
            Self::Events => "M2.5 4h.01M5.5 4h8M2.5 8h.01M5.5 8h8M2.5 12h.01M5.5 12h8",
            Self::Budgets => "M2.5 11.5a5.5 5.5 0 1 1 11 0M8 11.5l2.5-3.5",
            Self::Forecast => "M2.5 11.5l3.5-4 2.5 2 4.5-5.5M9.75 4H13v3.25",
            Self::Alerts => "M4 11.5V7a4 4 0 0 1 8 0v4.5M2.5 11.5h11M6.75 13.75h2.5",
            Self::Projects => "M2.5 4.5v8h11v-6.5h-6l-1.5-2z",
            Self::Allocation => "M2.5 8h3.5M6 8l3-4.5h4.5M6 8h7.5M6 8l3 4.5h4.5",
            Self::Charges => {
                "M8 7a5 2.25 0 1 0 0-4.5A5 2.25 0 0 0 8 7zM3 4.75v6.5c0 1.25 2.25 2.25 5 2.25s5-1 5-2.25v-6.5M3 8c0 1.25 2.25 2.25 5 2.25S13 9.25 13 8"
            }
            Self::UnitCosts => "M8 8V2.25A5.75 5.75 0 1 0 13.75 8zM10.25 1.75v4h4a4.25 4.25 0 0 0-4-4z",
            Self::Statements => "M4 2.5h8v11l-2-1.25-2 1.25-2-1.25-2 1.25zM6.25 5.75h3.5M6.25 8.5h3.5",
            Self::Prices => "M2.5 8.25v-5.5h5.5l5.5 5.5-5.5 5.5zM5.25 5.5v.01",
            Self::Settings => "M2.5 5h5.25M10.75 5h2.75M9.25 3.5v3M2.5 11h2.75M8.25 11h5.25M6.75 9.5v3",
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
