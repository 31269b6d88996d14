//! Short state words.

use leptos::prelude::*;

/// What a state means for the reader; decides the colour and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// A fact without judgement.
    #[default]
    Neutral,
    /// Worth noticing, in the accent colour.
    Accent,
    /// As it should be.
    Good,
    /// Needs a look soon.
    Warn,
    /// Needs a look now.
    Bad,
}

impl Tone {
    /// The class that carries the colour.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "tone-neutral",
            Self::Accent => "tone-accent",
            Self::Good => "tone-good",
            Self::Warn => "tone-warn",
            Self::Bad => "tone-bad",
        }
    }
}

/// A short state word in its colour, with a hairline border.
#[component]
pub fn Badge(
    /// What the state means.
    #[prop(optional)]
    tone: Tone,
    /// The word; the colour never carries the meaning alone.
    children: Children,
) -> impl IntoView {
    view! { <span class=format!("badge {}", tone.class())>{children()}</span> }
}

/// A coloured dot followed by its word, for states inside tables.
#[component]
pub fn StatusDot(
    /// What the state means.
    #[prop(optional)]
    tone: Tone,
    /// The word beside the dot.
    children: Children,
) -> impl IntoView {
    view! {
        <span class="status">
            <span class=format!("status-dot {}", tone.class()) aria-hidden="true"></span>
            {children()}
        </span>
    }
}
