//! Numbers that answer a question.

use leptos::prelude::*;

/// Which way a change goes and how that is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// More than before, and that is worse (cost, errors).
    Worse,
    /// Less than before, and that is better.
    Better,
    /// No change, or nothing to judge.
    #[default]
    Flat,
}

impl Direction {
    /// For something that should be small, such as cost: more is worse, less is better.
    ///
    /// `change` is a sign only: positive is more, negative is less.
    #[must_use]
    pub fn of_cost(change: f64) -> Self {
        if change > 0.0 {
            Self::Worse
        } else if change < 0.0 {
            Self::Better
        } else {
            Self::Flat
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Worse => "change change-worse",
            Self::Better => "change change-better",
            Self::Flat => "change",
        }
    }
}

/// A signed change in its hue; the sign is always part of the text.
#[component]
pub fn Change(
    /// Formatted with its sign: "+12.4 %", "−8.8 %".
    #[prop(into)]
    text: String,
    /// How it is to be read.
    direction: Direction,
    /// With an arrow before it, for the first line of a page.
    #[prop(optional)]
    arrow: bool,
    /// Exact value on hover.
    #[prop(into, optional)]
    title: Option<String>,
) -> impl IntoView {
    let mark = match direction {
        Direction::Worse if arrow => Some("▲ "),
        Direction::Better if arrow => Some("▼ "),
        _ => None,
    };
    view! {
        <span class=direction.class() title=title>
            {mark.map(|mark| view! { <span class="change-arrow" aria-hidden="true">{mark}</span> })}
            {text}
        </span>
    }
}

/// The number that answers the page's question, with what it is above and what it means below.
#[component]
pub fn Figure(
    /// What the number is: "November so far".
    #[prop(into)]
    caption: String,
    /// The number; cents after `.` are set smaller when it is large.
    #[prop(into)]
    value: String,
    /// Exact value on hover.
    #[prop(into, optional)]
    title: Option<String>,
    /// The page's first number, 34 px; otherwise 24 px.
    #[prop(optional)]
    large: bool,
    /// Below the number: change, range, bar.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let class = if large { "figure-value figure-large" } else { "figure-value" };
    let (whole, cents) = split_cents(&value);
    let cents = cents.map(|cents| view! { <span class="figure-cents">{cents.to_owned()}</span> });
    view! {
        <div class="figure">
            <p class="figure-caption">{caption}</p>
            <p class=class title=title>{whole.to_owned()}{cents}</p>
            {children.map(|children| view! { <div class="figure-below">{children()}</div> })}
        </div>
    }
}

/// Splits "18,402.17" before ".17"; only where two digits follow, so that tiny amounts stay whole.
fn split_cents(value: &str) -> (&str, Option<&str>) {
    match value.rfind('.') {
        Some(dot) if value.len() - dot == 3 && value[dot + 1..].bytes().all(|b| b.is_ascii_digit()) => {
            (&value[..dot], Some(&value[dot..]))
        }
        _ => (value, None),
    }
}

/// A row of short facts, divided by white space; wraps when narrow.
#[component]
pub fn StatRow(
    /// `Stat`s or `Figure`s.
    children: Children,
) -> impl IntoView {
    view! { <div class="stat-row">{children()}</div> }
}

/// One short fact: a strong number and the words around it.
#[component]
pub fn Stat(
    /// The number.
    #[prop(into)]
    value: String,
    /// Words before the number.
    #[prop(into, optional)]
    before: Option<String>,
    /// Words after the number.
    #[prop(into, optional)]
    after: Option<String>,
    /// Where it leads.
    #[prop(into, optional)]
    href: Option<String>,
    /// Exact value on hover.
    #[prop(into, optional)]
    title: Option<String>,
) -> impl IntoView {
    let body = view! {
        {before.map(|text| format!("{text} "))}
        <strong>{value}</strong>
        {after.map(|text| format!(" {text}"))}
    };
    match href {
        Some(href) => view! { <a class="stat" href=href title=title>{body}</a> }.into_any(),
        None => view! { <span class="stat" title=title>{body}</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Direction, split_cents};

    #[test]
    fn cents_are_set_apart_only_where_there_are_exactly_two() {
        assert_eq!(split_cents("$18,402.17"), ("$18,402", Some(".17")));
        assert_eq!(split_cents("$24,900"), ("$24,900", None));
        assert_eq!(split_cents("$0.000012"), ("$0.000012", None));
        assert_eq!(split_cents("$18.4k"), ("$18.4k", None));
        assert_eq!(split_cents(""), ("", None));
    }

    #[test]
    fn more_cost_is_worse() {
        assert_eq!(Direction::of_cost(0.1), Direction::Worse);
        assert_eq!(Direction::of_cost(-0.1), Direction::Better);
        assert_eq!(Direction::of_cost(0.0), Direction::Flat);
    }
}
