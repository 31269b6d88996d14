//! The filters of the address: each can be taken away by a click.

use super::words::MISSING;
use crate::layout::Query;
use crate::ui::{Icon, Sign};
use domain::spend::Filter;
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

/// One filter as words: "model is gpt-4o".
pub(super) fn words(filter: &Filter) -> Vec<(String, String, String)> {
    let verb = if filter.exclude { "is not" } else { "is" };
    filter
        .to_pairs()
        .into_iter()
        .zip(&filter.values)
        .map(|((name, value), plain)| {
            let plain = if plain.is_empty() { MISSING } else { plain.as_str() };
            (name, value, format!("{} {verb} {plain}", filter.dimension.label()))
        })
        .collect()
}

/// The filters in force, each with a cross.
#[component]
pub fn Filters() -> impl IntoView {
    let query = use_query_map();
    let path = use_location().pathname;
    move || {
        let query = Query::from(&*query.read());
        let chips: Vec<_> = Filter::from_pairs(&query.pairs())
            .unwrap_or_default()
            .iter()
            .flat_map(words)
            .map(|(name, value, words)| {
                let href = query.without_value(&name, &value).at(&path.read());
                let label = format!("Remove the filter: {words}");
                view! { <li><a class="filter" href=href aria-label=label>{words}<Icon sign=Sign::Cross/></a></li> }
            })
            .collect();
        (!chips.is_empty()).then(|| view! { <ul class="filters" aria-label="Filters">{chips}</ul> })
    }
}
