//! Light, dark, or as the system has it: kept in a cookie, so that the server draws the page in it at once.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::error::AppError;
use crate::ui::{Icon, Sign};
use frontend::Theme;

/// The theme of the present page.
#[must_use]
pub fn current() -> Theme {
    use_context::<http::request::Parts>().map(|parts| cookie::read(&parts.headers)).unwrap_or_default()
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

/// Three buttons, one of them pressed; what was chosen is shown at once where scripts run.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let button = |theme: Theme| {
        let pressed = if theme == current() { "true" } else { "false" };
        view! { <button class="theme-choice" type="submit" name="theme" value=theme.code() aria-pressed=pressed>{theme.label()}</button> }
    };
    let buttons = Theme::ALL.map(button).collect_view();
    view! {
        <div class="theme-switch">
            <span class="visually-hidden">"Theme"</span>
            <Icon sign=Sign::Theme/>
            <form class="theme-buttons" method="post" action=SetTheme::url() data-themes="">{buttons}</form>
        </div>
    }
}

mod cookie {
    use super::Theme;
    use http::{HeaderMap, HeaderName, HeaderValue, header};
    use leptos::prelude::use_context;

    const NAME: &str = "theme";
    const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
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
            // Pages that were fetched beforehand have the theme of before.
            response.insert_header(CLEAR_SITE_DATA, HeaderValue::from_static("\"prefetchCache\""));
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
