//! What just happened, or what needs attention.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::Tone;

/// The query parameter that carries a notice's code after a form was sent.
pub const NOTICE_PARAM: &str = "notice";

/// A line across the page in the hue of its meaning.
#[component]
pub fn Notice(
    /// What it means.
    #[prop(optional)]
    tone: Tone,
    /// Short text, perhaps with one link.
    children: Children,
) -> impl IntoView {
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    view! { <div class=format!("notice {}", tone.class()) role=role>{children()}</div> }
}

/// One notice that a page can show after a form was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeText {
    /// Code in the address: `?notice=saved`.
    pub code: &'static str,
    /// What it means.
    pub tone: Tone,
    /// The text. Only texts of this list are ever shown, never words from the address.
    pub text: &'static str,
}

/// Shows the notice whose code stands in the address; an unknown code shows nothing.
#[component]
pub fn UrlNotice(
    /// The notices this page knows.
    known: &'static [NoticeText],
) -> impl IntoView {
    let query = use_query_map();
    move || {
        let code = query.read().get_str(NOTICE_PARAM).map(str::to_owned)?;
        let notice = known.iter().find(|notice| notice.code == code)?;
        Some(view! { <Notice tone=notice.tone>{notice.text}</Notice> })
    }
}
