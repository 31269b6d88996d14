//! Light, dark, or as the system has it.

use leptos::form::ActionForm;
use leptos::prelude::*;

use crate::error::AppError;
use crate::ui::{Icon, Sign};

/// The reader's choice, kept in a cookie so that the server draws the page in it at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// The theme of the present page: from the cookie on the server, from the document in the browser.
#[must_use]
pub fn current() -> Theme {
    #[cfg(feature = "ssr")]
    {
        use_context::<http::request::Parts>().map(|parts| cookie::read(&parts.headers)).unwrap_or_default()
    }
    #[cfg(not(feature = "ssr"))]
    {
        let root = document().document_element();
        root.and_then(|root| root.get_attribute("data-theme")).map(|code| Theme::parse(&code)).unwrap_or_default()
    }
}

/// Remembers the theme for a year.
///
/// # Errors
/// None of its own: an unknown word follows the system.
#[server(prefix = "/fn", endpoint = "theme")]
pub async fn set_theme(
    /// `light`, `dark` or `system`.
    theme: String,
) -> Result<(), AppError> {
    cookie::write(Theme::parse(&theme));
    Ok(())
}

#[cfg(feature = "ssr")]
mod cookie {
    use super::Theme;
    use http::{HeaderMap, HeaderValue, header};
    use leptos::prelude::use_context;

    const NAME: &str = "theme";
    const YEAR_SECS: u32 = 31_536_000;

    pub(super) fn read(headers: &HeaderMap) -> Theme {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, _)| *name == NAME)
            .map(|(_, code)| Theme::parse(code))
            .unwrap_or_default()
    }

    pub(super) fn write(theme: Theme) {
        let Some(response) = use_context::<leptos_axum::ResponseOptions>() else { return };
        // Local mode is plain http, where a Secure cookie would be lost.
        let https = use_context::<http::request::Parts>()
            .and_then(|parts| parts.headers.get(header::ORIGIN).map(|origin| origin.as_bytes().starts_with(b"https:")))
            .unwrap_or_default();
        let secure = if https { "; Secure" } else { "" };
        let cookie = format!("{NAME}={}; Path=/; Max-Age={YEAR_SECS}; SameSite=Lax; HttpOnly{secure}", theme.code());
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.append_header(header::SET_COOKIE, value);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_cookie_is_read_among_others_and_never_trusted() {
            let theme =
                |text: &'static str| read(&HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))]));
            assert_eq!(theme("a=b; theme=dark"), Theme::Dark);
            assert_eq!(theme("theme=light;c=d"), Theme::Light);
            assert_eq!(theme("theme=<script>"), Theme::System);
            assert_eq!(theme("notheme=dark"), Theme::System);
        }
    }
}

/// Three buttons, one of them pressed; a plain form without JavaScript.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let action = ServerAction::<SetTheme>::new();
    let theme = RwSignal::new(current());
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
                    on:click=move |_| { theme.set(choice); paint(choice) }
                >
                    {choice.label()}
                </button>
            }
        })
        .collect_view();
    view! {
        <ActionForm action=action attr:class="theme-switch">
            <span class="visually-hidden">"Theme"</span>
            <Icon sign=Sign::Theme/>
            {buttons}
        </ActionForm>
    }
}

/// Shows the choice at once, while the form is on its way.
#[cfg(feature = "hydrate")]
fn paint(theme: Theme) {
    let Some(root) = document().document_element() else { return };
    // Refused only for names that are not attribute names.
    let _ = match theme.attribute() {
        Some(code) => root.set_attribute("data-theme", code),
        None => root.remove_attribute("data-theme"),
    };
}

#[cfg(not(feature = "hydrate"))]
fn paint(_theme: Theme) {}
