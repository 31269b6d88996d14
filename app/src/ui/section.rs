//! The parts of a page: head, sections divided by white space, columns, lists of facts.

use leptos::prelude::*;

/// The page's heading with what can be done here at its right.
#[component]
pub fn PageHead(
    /// The page's name or its answer.
    #[prop(into)]
    title: String,
    /// One sentence below.
    #[prop(into, optional)]
    lead: Option<String>,
    /// The heading is read by screen readers only, where figures already say it.
    #[prop(optional)]
    hidden: bool,
    /// Buttons and links at the right.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    if hidden && children.is_none() {
        return view! { <h1 class="visually-hidden">{title}</h1> }.into_any();
    }
    view! {
        <header class="page-head">
            <div>
                <h1 class:visually-hidden=hidden>{title}</h1>
                {lead.map(|lead| view! { <p class="soft">{lead}</p> })}
            </div>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </header>
    }
    .into_any()
}

/// A part of a page under its own heading.
#[component]
pub fn Section(
    /// The heading.
    #[prop(into)]
    title: String,
    /// Soft text at the right of the heading.
    #[prop(into, optional)]
    note: Option<String>,
    /// Link at the right of the heading: address and words.
    #[prop(optional)]
    more: Option<(String, String)>,
    /// Unique id, so that links can lead here.
    #[prop(into, optional)]
    id: Option<String>,
    /// Its content.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="section" id=id>
            <header class="section-head">
                <h2>{title}</h2>
                {note.map(|note| view! { <span class="soft">{note}</span> })}
                {more.map(|(href, words)| view! { <a href=href>{words}</a> })}
            </header>
            {children()}
        </section>
    }
}

/// Sections side by side; below each other when narrow.
#[component]
pub fn Columns(
    /// The first column takes the greater part, for a chart beside a list.
    #[prop(optional)]
    wide_first: bool,
    /// Three columns instead of two.
    #[prop(optional)]
    three: bool,
    /// `Section`s.
    children: Children,
) -> impl IntoView {
    let class = match (wide_first, three) {
        (true, _) => "columns columns-wide-first",
        (false, true) => "columns columns-three",
        (false, false) => "columns",
    };
    view! { <div class=class>{children()}</div> }
}

/// Sections below each other within one column.
#[component]
pub fn Stacked(
    /// `Section`s.
    children: Children,
) -> impl IntoView {
    view! { <div class="stacked">{children()}</div> }
}

/// A list of names and values.
#[component]
pub fn Facts(
    /// `<dt>` and `<dd>` in turn, each pair in a `<div>`.
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}
