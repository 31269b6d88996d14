//! The filters of the address: chosen from the top bar, taken away by a click, and with the reader from page to page.

use super::api::{OFFERED_VALUES, load_dimensions, load_values};
use super::labels::{MISSING, value_label};
use super::links;
use crate::error::{AppError, Failure};
use crate::format;
use crate::layout::{PeriodSelection, UrlQuery, here, shows_days};
use crate::page::Visit;
use crate::ui::{Button, Icon, Menu, MenuItem, Sign, loaded};
use domain::spend::{Dimension, Filter, Group, KnownDimension};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};

/// The parameter that opens the list of a dimension's values.
pub(crate) const CHOOSE: &str = "choose";

/// What [`CHOOSE`] says to list the tags themselves.
const TAGS: &str = "tags";

/// What is being chosen.
#[derive(Clone, PartialEq)]
enum Choosing {
    /// Which tag.
    Tag,
    /// A value of a dimension.
    Value(Dimension),
}

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
    let items = items(&here(), &UrlQuery::here());
    view! { <div class="filter-menu"><Menu label="Filter" name="Add a filter" sign=Sign::Plus>{items}</Menu></div> }
}

/// Above a page that filters concern: those in force, and the values of the one that is being chosen.
#[component]
pub fn FilterBar() -> impl IntoView {
    let map = use_query_map();
    let query = Memo::new(move |_| UrlQuery::from(&*map.read()));
    let location = use_location().pathname;
    let path = Memo::new(move |_| location.get());
    let shown = Memo::new(move |_| shows_days(&path.read()));
    view! {
        {move || shown.get().then(|| chips(&path.read(), &query.read()))}
        <Values path=path query=query shown=shown/>
    }
}

/// Above a page that filters concern: those in force, and the values of the one that is being chosen.
pub(crate) async fn filter_bar(visit: &Visit) -> Option<AnyView> {
    if !shows_days(&visit.path) {
        return None;
    }
    let (path, query) = (&visit.path, &visit.query);
    let values = match values(visit).await {
        Ok(values) => values,
        Err(error) => Some(view! { <Failure what="values" error=error/> }.into_any()),
    };
    Some(view! { {chips(path, query)}{values} }.into_any())
}

/// The values of the dimension that a filter is being chosen for: each is a link, so it works without scripts.
async fn values(visit: &Visit) -> Result<Option<AnyView>, AppError> {
    let (backend, scope, path, query) = (&visit.backend, &visit.scope, &visit.path, &visit.query);
    let Some(name) = query.get(CHOOSE) else { return Ok(None) };
    if name == TAGS {
        let known = backend::ledger::dimensions(backend, scope).await?;
        return Ok(Some(tag_list(path, query, &known)));
    }
    let Ok(dimension) = name.parse::<Dimension>() else { return Ok(None) };
    let period = PeriodSelection::from_query(query, visit.frame.today).period;
    let groups = backend::spend::values(backend, scope, period, dimension.clone(), OFFERED_VALUES).await?;
    Ok(Some(value_list(path, query, &dimension, &groups)))
}

/// The filters in force, each with a cross.
fn chips(path: &str, query: &UrlQuery) -> Option<AnyView> {
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

/// A menu item per dimension, and one for the tags: opens the list of its values.
fn items(path: &str, query: &UrlQuery) -> AnyView {
    let named = Dimension::NAMED.into_iter().map(|dimension| (dimension.name(), dimension.label()));
    named
        .chain([(TAGS.to_owned(), "Tag".to_owned())])
        .map(|(name, label)| {
            let href = query.with(CHOOSE, &name).at(path);
            view! { <MenuItem href=href>{label}</MenuItem> }
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
    query: Memo<UrlQuery>,
    /// Whether the page shows what filters leave.
    shown: Memo<bool>,
) -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let choosing = Memo::new(move |_| {
        let chosen = match query.read().get(CHOOSE) {
            Some(TAGS) => Some(Choosing::Tag),
            name => name.and_then(|name| name.parse().ok()).map(Choosing::Value),
        };
        chosen.filter(|_| shown.get())
    });
    let days = Memo::new(move |_| {
        let days = ["period", "from", "to", "through"];
        query.read().pairs().into_iter().filter(|(name, _)| days.contains(&name.as_str())).collect::<Vec<_>>()
    });
    let values = loaded(
        move || (org.get(), choosing.get(), days.get()),
        async |(org, choosing, days)| {
            Some(match choosing? {
                Choosing::Tag => load_dimensions(org).await.map(Listed::Tags),
                Choosing::Value(dimension) => {
                    load_values(org, dimension.clone(), days).await.map(|groups| Listed::Values(dimension, groups))
                }
            })
        },
    );
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match values.await {
                    None => ().into_any(),
                    Some(Err(error)) => view! { <Failure what="values" error=error/> }.into_any(),
                    Some(Ok(listed)) => {
                        (move || match &listed {
                            Listed::Tags(known) => tag_list(&path.read(), &query.read(), known),
                            Listed::Values(dimension, groups) => {
                                value_list(&path.read(), &query.read(), dimension, groups)
                            }
                        })
                            .into_any()
                    }
                }
            })}
        </Transition>
    }
}

/// What there is to choose from.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Listed {
    Tags(Vec<KnownDimension>),
    Values(Dimension, Vec<Group>),
}

/// The tags that were sent: each opens the list of its values.
fn tag_list(path: &str, query: &UrlQuery, known: &[KnownDimension]) -> AnyView {
    let tags: Vec<_> = known
        .iter()
        .filter_map(|known| match &known.dimension {
            Dimension::Tag(key) => Some((key.clone(), query.with(CHOOSE, &known.dimension.name()).at(path))),
            _ => None,
        })
        .map(|(key, href)| view! { <li><a href=href>{key}</a></li> })
        .collect();
    let none = tags.is_empty().then(
        || view! { <p class="soft">"No event has a tag yet: send them as \"tags\": {\"job\": \"nightly\"}."</p> },
    );
    let close = query.without(&[CHOOSE]).at(path);
    view! {
        <section class="values" aria-label="Tags">
            <header>
                <h2>"Tag"</h2>
                <a class="values-close" href=close aria-label="Close the list of tags"><Icon sign=Sign::Cross/></a>
            </header>
            {none}
            <ul>{tags}</ul>
        </section>
    }
    .into_any()
}

fn value_list(path: &str, query: &UrlQuery, dimension: &Dimension, groups: &[Group]) -> AnyView {
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
