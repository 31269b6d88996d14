//! Pages outside an organization: signing in, choosing an organization, errors.

use leptos::prelude::*;

use super::Logo;
use super::theme::ThemeSwitch;

/// A page without navigation: the name, one column, the theme.
#[component]
pub fn Plain(
    /// Wider than a form, for lists.
    #[prop(optional)]
    wide: bool,
    /// At the right of the top: who is signed in, a way out.
    #[prop(optional)]
    corner: Option<Children>,
    /// The page.
    children: Children,
) -> impl IntoView {
    let class = if wide { "plain-page plain-wide" } else { "plain-page" };
    view! {
        <div class="plain">
            <header class="plain-head">
                <a class="brand" href="/"><Logo/>"Tallystick"</a>
                {corner.map(|corner| corner())}
            </header>
            <main id="content" class=class>{children()}</main>
            <footer class="plain-foot"><ThemeSwitch/><a href="/docs">"Help"</a></footer>
        </div>
    }
}
