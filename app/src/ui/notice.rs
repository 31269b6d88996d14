//! What just happened, or what needs attention.

use leptos::prelude::*;

use super::Tone;
use crate::layout::UrlQuery;

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
    let query = UrlQuery::here();
    let notice = known.iter().find(|notice| query.get(NOTICE_PARAM) == Some(notice.code));
    notice.map(|notice| view! { <Notice tone=notice.tone>{notice.text}</Notice> })
}
