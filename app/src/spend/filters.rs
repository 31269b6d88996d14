//! The filters of the address: chosen from the top bar, taken away by a click, and with the reader from page to page.

use super::labels::value_label;
use super::links;
use crate::error::{AppError, Failure};
use crate::form::hidden;
use crate::format;
use crate::layout::{ADD, HOW, PeriodSelection, UrlQuery, VALUE, here, shows_filters};
use crate::page::Visit;
use crate::suggestions::suggest;
use crate::ui::{Button, Choice, Icon, Menu, MenuItem, Select, Sign, Suggest, html};
use domain::spend::{Dimension, Filter, Group, KnownDimension};
use leptos::prelude::*;

/// The parameter that opens the list of a dimension's values.
pub(crate) const CHOOSE: &str = "choose";

/// What [`CHOOSE`] says to list the tags themselves.
const TAGS: &str = "tags";

/// Values that a filter offers at most.
const OFFERED_VALUES: usize = 50;

/// One filter as words: "Model is gpt-4o", "Feature is not missing", "Model contains gpt".
fn words(filter: &Filter) -> Vec<(String, String, String)> {
    let of = |((name, value), plain): ((String, String), &String)| {
        let plain = if plain.is_empty() { "missing" } else { plain };
        (name, value, format!("{} {} {plain}", filter.dimension.label(), filter.verb()))
    };
    filter.to_pairs().into_iter().zip(&filter.values).map(of).collect()
}

/// Adds a filter: the top bar's list of dimensions.
#[component]
pub fn FilterMenu() -> impl IntoView {
    let (path, query) = (here(), UrlQuery::here());
    let is_explore = path.ends_with("/explore");
    let named = Dimension::NAMED.into_iter().filter(|dimension| is_explore || dimension.is_of_events());
    let named = named.map(|dimension| (dimension.name(), dimension.label()));
    let items = named
        .chain([(TAGS.to_owned(), "Tag".to_owned())])
        .map(|(name, label)| view! { <MenuItem href=query.with(CHOOSE, &name).at(&path)>{label}</MenuItem> })
        .collect_view();
    view! { <div class="filter-menu"><Menu label="Filter" name="Add a filter" sign=Sign::Plus>{items}</Menu></div> }
}

/// Above a page that filters concern: those in force, and the values of the one that is being chosen.
pub(crate) async fn filter_bar(visit: &Visit) -> Option<AnyView> {
    if !shows_filters(&visit.path) {
        return None;
    }
    let (path, query) = (&visit.path, &visit.query);
    let values = match values(visit).await {
        Ok(values) => values,
        Err(error) => Some(html! { <Failure what="values" error=error/> }),
    };
    Some(html! { {chips(path, query)}{values} })
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
    let period = PeriodSelection::from_query(query, visit.frame.calendar()).period;
    let groups = backend::spend::values(backend, scope, period, dimension.clone(), OFFERED_VALUES).await?;
    let suggest = suggest(visit.org(), name);
    Ok(Some(value_list((path, query), &dimension, &groups, suggest)))
}

/// The filters in force, each with a cross.
fn chips(path: &str, query: &UrlQuery) -> Option<AnyView> {
    let chips: Vec<_> = Filter::from_pairs(&query.pairs())
        .unwrap_or_default()
        .iter()
        .flat_map(words)
        .chain(["request_id", "session_id", "interaction_id"].into_iter().flat_map(|name| {
            let kind = name.trim_end_matches("_id");
            query.all(name).map(move |id| (name.to_owned(), id.to_owned(), format!("{kind} is {id}")))
        }))
        .map(|(name, value, words)| {
            let href = query.without_value(&name, &value).at(path);
            let label = format!("Remove the filter: {words}");
            view! { <li><a class="filter" href=href aria-label=label>{words}<Icon sign=Sign::Cross/></a></li> }
        })
        .collect();
    (!chips.is_empty()).then(|| html! { <ul class="filters" aria-label="Filters">{chips}</ul> })
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
    html! {
        <section class="values" aria-label="Tags">
            <header>
                <h2>"Tag"</h2>
                <a class="values-close" href=close aria-label="Close the list of tags"><Icon sign=Sign::Cross/></a>
            </header>
            {none}
            <ul>{tags}</ul>
        </section>
    }
}

fn value_list((path, query): (&str, &UrlQuery), dimension: &Dimension, groups: &[Group], suggest: Suggest) -> AnyView {
    let closed = query.without(&[CHOOSE]);
    let items = groups
        .iter()
        .map(|group| {
            let key = group.key();
            let label = value_label(dimension, key, group.name());
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
    let title = dimension.label();
    let (heading, name) = (title.clone(), dimension.name());
    let close = closed.at(path);
    let hidden = hidden(closed.iter().chain([(ADD, name.as_str())]));
    let how = [("", "is"), ("!", "is not"), ("~", "contains"), ("!~", "does not contain")]
        .map(|(sign, words)| Choice::new(sign, words))
        .to_vec();
    let missing = dimension.may_be_missing().then(|| {
        let links = [(false, "is missing"), (true, "is not missing")].map(|(exclude, words)| {
            let href = links::with_value(&closed, dimension, None, exclude).at(path);
            view! { <a href=href>{words}</a> }
        });
        view! { <span class="values-missing">{links.collect_view()}</span> }
    });
    html! {
        <section class="values" aria-label=title>
            <header>
                <form class="toolbar" method="get" action=path.to_owned()>
                    {hidden}
                    <Select label=heading name=HOW id="filter-how" choices=how inline=true/>
                    <label class="visually-hidden" for="filter-value">"Value"</label>
                    <span class="suggest">
                        <input class="input" id="filter-value" name=VALUE required="" placeholder="value or part of it" maxlength="200" data-suggest=suggest.href/>
                    </span>
                    <Button small=true>"Add"</Button>
                </form>
                {missing}
                <a class="values-close" href=close aria-label="Close the list of values"><Icon sign=Sign::Cross/></a>
            </header>
            <ul>{items}</ul>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_said_in_words() {
        let said = |value: &str| {
            let mut filters = Vec::new();
            Filter::read(&mut filters, "feature", value).unwrap();
            words(&filters[0]).remove(0)
        };
        for (value, text) in [
            ("triage", "Feature is triage"),
            ("!triage", "Feature is not triage"),
            ("", "Feature is missing"),
            ("!", "Feature is not missing"),
            ("~tri", "Feature contains tri"),
            ("!~tri", "Feature does not contain tri"),
            ("\\~x", "Feature is ~x"),
        ] {
            assert_eq!(said(value), ("feature".to_owned(), value.to_owned(), text.to_owned()));
        }
    }
}
