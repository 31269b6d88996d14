//! Light, dark, or as the system has it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use crate::document::{Asked, answer};

/// The reader's choice, kept in a cookie so that the server draws the page in it at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All of them in the order of the switch.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the form and the cookie.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The words on the switch.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The value of `data-theme` on the document; nothing follows the system.
    #[must_use]
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.code()),
        }
    }

    /// Reads the word; anything else follows the system.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.code() == code).unwrap_or_default()
    }
}

/// Three buttons, one of them pressed; a plain form without scripts.
#[island]
pub fn ThemeSwitch(
    /// The present choice.
    chosen: Theme,
    /// Where the choice is sent.
    action: String,
) -> impl IntoView {
    let theme = RwSignal::new(chosen);
    let address = StoredValue::new(action.clone());
    let choose = move |event: leptos::ev::MouseEvent, choice: Theme| {
        event.prevent_default();
        theme.set(choice);
        paint(choice);
        spawn_local(async move {
            let Ok(form) = web_sys::UrlSearchParams::new_with_str(&format!("theme={}", choice.code())) else { return };
            let asked = Asked { method: "POST", body: Some(&form), accept: "application/json" };
            // Painted already; where the cookie cannot be set, the next page looks as the one before.
            let _lost = answer(&address.get_value(), &asked).await;
        });
    };
    let buttons = Theme::ALL
        .into_iter()
        .map(|choice| {
            view! {
                <button
                    class="theme-choice"
                    type="submit"
                    name="theme"
                    value=choice.code()
                    aria-pressed=move || if theme.get() == choice { "true" } else { "false" }
                    on:click=move |event| choose(event, choice)
                >
                    {choice.label()}
                </button>
            }
        })
        .collect_view();
    view! { <form class="theme-buttons" method="post" action=action>{buttons}</form> }
}

/// Shows the choice at once, while it is on its way.
fn paint(theme: Theme) {
    let Some(root) = document().document_element() else { return };
    // Refused only for names that are not attribute names.
    let _ = match theme.attribute() {
        Some(code) => root.set_attribute("data-theme", code),
        None => root.remove_attribute("data-theme"),
    };
}
