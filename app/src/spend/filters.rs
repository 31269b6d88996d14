//! The filters of the address: chosen from the top bar, taken away by a click, and with the reader from page to page.

use super::api::load_values;
use super::links;
use super::words::{MISSING, value_label};
use crate::error::Failure;
use crate::format;
use crate::layout::{Query, shows_days};
use crate::ui::{Button, Icon, Menu, MenuItem, Sign, loaded};
use domain::spend::{Dimension, Filter, Group};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};

/// The parameter that opens the list of a dimension's values.
pub(crate) const CHOOSE: &str = "choose";

/// One filter as words: "model is gpt-4o".
fn words(filter: &Filter) -> Vec<(String, String, String)> {
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

/// Adds a filter: the top bar's list of dimensions.
#[component]
pub fn FilterMenu() -> impl IntoView {
    let query = use_query_map();
    let path = use_location().pathname;
    move || {
        let items = items(&path.read(), &Query::from(&*query.read()));
        view! { <div class="filter-menu"><Menu label="Filter" name="Add a filter" sign=Sign::Plus>{items}</Menu></div> }
    }
}

/// Above a page that filters concern: those in force, and the values of the one that is being chosen.
#[component]
pub fn FilterBar() -> impl IntoView {
    let map = use_query_map();
    let query = Memo::new(move |_| Query::from(&*map.read()));
    let location = use_location().pathname;
    let path = Memo::new(move |_| location.get());
    let shown = Memo::new(move |_| shows_days(&path.read()));
    view! {
        {move || shown.get().then(|| chips(&path.read(), &query.read()))}
        <Values path=path query=query shown=shown/>
    }
}

/// The filters in force, each with a cross.
fn chips(path: &str, query: &Query) -> Option<AnyView> {
    let chips: Vec<_> = Filter::from_pairs(&query.pairs())
        .unwrap_or_default()
        .iter()
        .flat_map(words)
        .map(|(name, value, words)| {
            let href = query.without_value(&name, &value).at(path);
            let label = format!("Remove the filter: {words}");
            view! { <li><a class="filter" href=href aria-label=label>{words}<Icon sign=Sign::Cross/></a></li> }
        })
        .collect();
    (!chips.is_empty()).then(|| view! { <ul class="filters" aria-label="Filters">{chips}</ul> }.into_any())
}

/// A menu item per dimension: opens the list of its values.
fn items(path: &str, query: &Query) -> AnyView {
    Dimension::NAMED
        .into_iter()
        .map(|dimension| {
            let href = query.with(CHOOSE, &dimension.name()).at(path);
            view! { <MenuItem href=href>{dimension.label()}</MenuItem> }
        })
        .collect_view()
        .into_any()
}

/// The values of the dimension that a filter is being chosen for: each is a link, so it works without JavaScript.
#[component]
fn Values(
    /// The page's path.
    path: Memo<String>,
    /// The page's parameters.
    query: Memo<Query>,
    /// Whether the page shows what filters leave.
    shown: Memo<bool>,
) -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let dimension = Memo::new(move |_| {
        let chosen = query.read().get(CHOOSE).and_then(|name| name.parse::<Dimension>().ok());
        chosen.filter(|_| shown.get())
    });
    let days = Memo::new(move |_| {
        let days = ["period", "from", "to", "through"];
        query.read().pairs().into_iter().filter(|(name, _)| days.contains(&name.as_str())).collect::<Vec<_>>()
    });
    let values = loaded(
        move || (org.get(), dimension.get(), days.get()),
        async |(org, dimension, days)| match dimension {
            Some(dimension) => Some((dimension.clone(), load_values(org, dimension, days).await)),
            None => None,
        },
    );
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match values.await {
                    None => ().into_any(),
                    Some((_, Err(error))) => view! { <Failure what="values" error=error/> }.into_any(),
                    Some((dimension, Ok(groups))) => {
                        (move || value_list(&path.read(), &query.read(), &dimension, &groups)).into_any()
                    }
                }
            })}
        </Transition>
    }
}

fn value_list(path: &str, query: &Query, dimension: &Dimension, groups: &[Group]) -> AnyView {
    let closed = query.without(&[CHOOSE]);
    let rest = closed.clone();
    let hidden = rest
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> })
        .collect_view();
    let items = groups
        .iter()
        .map(|group| {
            let key = group.key.as_deref();
            let label = value_label(dimension, key, group.name.as_deref());
            let only = links::with_value(&closed, dimension, key, false).at(path);
            let not = links::with_value(&closed, dimension, key, true).at(path);
            let not_label = format!("exclude {label}");
            let known = group.sums.unpriced_requests == 0 || !group.sums.spend.is_zero();
            let amount = if known { format::money_compact(group.sums.spend) } else { "unpriced".to_owned() };
            view! {
                <li>
                    <a href=only>{label}</a>
                    <span class="soft num">{amount}</span>
                    <a class="soft" href=not aria-label=not_label>"exclude"</a>
                </li>
            }
        })
        .collect_view();
    let title = format!("{} is", dimension.label());
    let (heading, name) = (title.clone(), dimension.name());
    let close = closed.at(path);
    view! {
        <section class="values" aria-label=title>
            <header>
                <h2>{heading}</h2>
                <form class="toolbar" method="get" action=path.to_owned()>
                    {hidden}
                    <label class="visually-hidden" for="filter-value">"Value"</label>
                    <input class="input" id="filter-value" name=name placeholder="another value" maxlength="200"/>
                    <Button small=true>"Add"</Button>
                </form>
                <a class="values-close" href=close aria-label="Close the list of values"><Icon sign=Sign::Cross/></a>
            </header>
            <ul>{items}</ul>
        </section>
    }
    .into_any()
}
