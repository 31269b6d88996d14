//! Going through a long list.

use leptos::prelude::*;

use super::{Icon, Sign};

/// Links to the newer and older part of a list.
#[component]
pub fn Pager(
    /// Address of the part before, if there is one.
    #[prop(into, default = None)]
    previous: Option<String>,
    /// Address of the part after, if there is one.
    #[prop(into, default = None)]
    next: Option<String>,
    /// What is shown: "50 of 1,204 events".
    #[prop(into, optional)]
    shown: Option<String>,
    /// Words for the part before.
    #[prop(into, default = "Newer".to_owned())]
    previous_label: String,
    /// Words for the part after.
    #[prop(into, default = "Older".to_owned())]
    next_label: String,
) -> impl IntoView {
    view! {
        <nav class="pager" aria-label="Pages of the list">
            {previous.map(|href| view! { <a class="button button-small" href=href rel="prev"><Icon sign=Sign::Left/>{previous_label}</a> })}
            {shown.map(|text| view! { <span class="soft">{text}</span> })}
            {next.map(|href| view! { <a class="button button-small" href=href rel="next">{next_label}<Icon sign=Sign::Right/></a> })}
        </nav>
    }
}
