//! All prices: first what this organization uses, then the whole book by search.

use super::labels::{Tab, file_path, instant, model_path, rate_cell, rate_words, search_query, searched, since, tabs};
use crate::format;
use crate::layout::{CsvLink, NavItem};
use crate::page::{Drawn, Page, Visit};
use crate::spend::labels::SpendCell;
use crate::ui::{
    Badge, Button, Choice, EmptyState, Field, Icon, Notice, PageHead, Pager, Section, Select, Sign, Table, Tone,
    columns, html,
};
use domain::meter::Meter;
use domain::price::page::{ModelEntry, PriceSearch, PricesPage, ProviderEntry, RateNow, UsedModel};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// The price book of an organization.
pub(crate) async fn prices(visit: Visit) -> Drawn {
    let search = searched(&visit.query);
    let prices = backend::prices::browse::overview(&visit.backend, &visit.scope, &search).await?;
    Ok(Page::new("Prices", draw(visit.org(), &search, &prices)))
}

fn draw(org: &str, search: &PriceSearch, prices: &PricesPage) -> AnyView {
    let file = file_path(org, search);
    let (used, book) = (used(org, prices), book(org, search, prices));
    // Whoever searches wants to see what was found.
    let searching = !search.text.is_empty() || search.provider.is_some() || search.cursor.is_some();
    let parts = if searching {
        html! { {book}{used} }
    } else {
        html! { {used}{book} }
    };
    html! {
        <PageHead title="Prices" lead=lead(prices)>
            <CsvLink href=file/>
        </PageHead>
        {tabs(org, Tab::Book)}
        {unpriced(org, prices)}
        {parts}
    }
}

/// The answer in one sentence: what was used, what it cost, how much of it is priced.
fn lead(prices: &PricesPage) -> String {
    let month = format::month_name(prices.month);
    let total = &prices.total;
    if total.requests == 0 {
        return format!("Nothing was used in {month} yet.");
    }
    let models = format::counted(i128::try_from(prices.used.len()).unwrap_or_default(), "model");
    let priced = format::ratio(Decimal::from(total.requests - total.unpriced_requests), total.requests.into());
    let priced = priced.map(|share| format!(", {} of requests priced", format::percent(share))).unwrap_or_default();
    format!("{models} used in {month} for {}{priced}.", format::money(total.spend))
}

/// What has no price, and where to give it one.
fn unpriced(org: &str, prices: &PricesPage) -> AnyView {
    let total = &prices.total;
    if total.unpriced_requests == 0 {
        return ().into_any();
    }
    let text = format!(
        "{} of this month without a price, at most {}. ",
        format::counted(total.unpriced_requests, "request"),
        format::money(total.unpriced_upper_bound)
    );
    let queue = format!("{}/unpriced", NavItem::Events.path(org));
    html! { <Notice tone=Tone::Warn>{text}<a href=queue>"Set prices"</a></Notice> }
}

fn used(org: &str, prices: &PricesPage) -> AnyView {
    if prices.used.is_empty() {
        return ().into_any();
    }
    let columns = columns("Model | Input, $ / 1M # | Output, $ / 1M # | Spend, $ # | Share # | Requests # | Price");
    let total = prices.total.spend;
    let rows = prices.used.iter().map(|used| used_row(org, used, total)).collect_view();
    let title = format!("Used in {}", format::month_name(prices.month));
    html! { <Section title=title.clone() note="by the name that was sent"><Table caption=title columns=columns>{rows}</Table></Section> }
}

fn used_row(org: &str, used: &UsedModel, total: Decimal) -> AnyView {
    let share = format::ratio(used.sums.spend, total).map(format::percent);
    let name = match &used.priced_as {
        Some(name) => html! { <a href=model_path(org, name)>{used.model.clone()}</a> },
        None => used.model.clone().into_any(),
    };
    // A name that was understood as another is worth a word.
    let other = used.priced_as.as_ref().filter(|name| name.model != used.model || name.provider != used.provider);
    let other = other.map(|name| format!(", priced as {}", name.model));
    html! {
        <tr>
            <th scope="row">{name}<span class="note">{used.provider.clone()}{other}</span></th>
            {rate_cells(used.input.as_ref(), used.output.as_ref(), used.other.as_ref())}
            <SpendCell sums=used.sums.clone()/>
            <td class="num">{share}</td>
            <td class="num">{format::count(used.sums.requests)}</td>
            <td>{state(used)}</td>
        </tr>
    }
}

/// Whether the model is priced.
fn state(used: &UsedModel) -> AnyView {
    let unpriced = used.sums.unpriced_requests;
    if used.priced_as.is_none() {
        return html! { <Badge tone=Tone::Warn>"not in the book"</Badge> };
    }
    if unpriced > 0 {
        let text = format!("{} unpriced", format::count(unpriced));
        return html! { <Badge tone=Tone::Warn>{text}</Badge> };
    }
    let own = [&used.input, &used.output].into_iter().flatten().any(|rate| rate.own);
    if own {
        html! { <Badge tone=Tone::Accent>"custom price"</Badge> }
    } else {
        "list price".into_any()
    }
}

fn book(org: &str, search: &PriceSearch, prices: &PricesPage) -> AnyView {
    let models: u64 = prices.providers.iter().map(|provider| provider.models).sum();
    let note = format!(
        "{} of {}",
        format::counted(models, "model"),
        format::counted(i128::try_from(prices.providers.len()).unwrap_or_default(), "provider")
    );
    let (form, found, sources) = (form(org, search, prices), found(org, search, prices), sources(prices));
    html! { <Section title="Price book" note=note id="book">{form}{found}{sources}</Section> }
}

fn form(org: &str, search: &PriceSearch, prices: &PricesPage) -> AnyView {
    let provider = |entry: &ProviderEntry| {
        Choice::new(entry.provider.clone(), format!("{} ({})", entry.name, format::count(entry.models)))
    };
    let choices = std::iter::once(Choice::new("", "All providers")).chain(prices.providers.iter().map(provider));
    let choices: Vec<Choice> = choices.collect();
    let path = NavItem::Prices.path(org);
    let (text, chosen) = (search.text.clone(), search.provider.clone().unwrap_or_default());
    let all = (!text.is_empty() || !chosen.is_empty())
        .then(|| view! { <Button href=path.clone() small=true>"Show all"</Button> });
    html! {
        <form class="toolbar prices-search" method="get" action=path.clone() role="search" aria-label="Price book">
            <Field label="Model or provider" name="q" kind="search" value=text optional=true maxlength=200/>
            <Select label="Provider" name="book_provider" choices=choices value=chosen/>
            <Button><Icon sign=Sign::Search/>"Search"</Button>
            {all}
        </form>
    }
}

fn found(org: &str, search: &PriceSearch, prices: &PricesPage) -> AnyView {
    let page = &prices.found.page;
    if page.rows.is_empty() {
        let text =
            "Try a part of the name, such as opus or 4o. A model that nobody lists can have a price of your own.";
        return html! { <EmptyState title="No model matches" text=text/> };
    }
    let columns = columns("Model | Provider | Input, $ / 1M # | Output, $ / 1M # | Since | Current prices #");
    let rows = page.rows.iter().map(|entry| book_row(org, entry, prices)).collect_view();
    let path = NavItem::Prices.path(org);
    let query = search_query(search);
    let first = search.cursor.is_some().then(|| query.at(&path));
    let next = page.next_cursor.as_ref().map(|cursor| format!("{}#book", query.with("cursor", cursor).at(&path)));
    let shown = format!(
        "{} of {}",
        format::count(i128::try_from(page.rows.len()).unwrap_or_default()),
        format::counted(prices.found.matching, "model")
    );
    html! {
        <Table caption="Models of the price book" columns=columns dense=true>{rows}</Table>
        <Pager previous=first next=next shown=shown previous_label="First" next_label="Next"/>
    }
}

fn book_row(org: &str, entry: &ModelEntry, prices: &PricesPage) -> AnyView {
    let provider = prices.providers.iter().find(|provider| provider.provider == entry.name.provider);
    let provider = provider.map_or_else(|| entry.name.provider.clone(), |provider| provider.name.clone());
    let title = entry.title.clone().filter(|title| *title != entry.name.model);
    let dated = entry.input.as_ref().or(entry.output.as_ref()).or(entry.other.as_ref().map(|(_, rate)| rate));
    let when = dated.map(|rate| rate.since.map_or_else(|| "all time".to_owned(), instant));
    html! {
        <tr>
            <th scope="row"><a href=model_path(org, &entry.name)>{entry.name.model.clone()}</a>{title.map(|title| view! { <span class="note">{title}</span> })}</th>
            <td>{provider}</td>
            {rate_cells(entry.input.as_ref(), entry.output.as_ref(), entry.other.as_ref())}
            <td class="nowrap" title=dated.map(|rate| since(rate.since))>{when}</td>
            <td class="num">{format::count(entry.prices)}</td>
        </tr>
    }
}

/// Input and output, or what a model is priced by instead.
fn rate_cells(input: Option<&RateNow>, output: Option<&RateNow>, other: Option<&(Meter, RateNow)>) -> AnyView {
    match other {
        Some((meter, price)) => {
            let text = format!("{}: {}", meter.label(), rate_words(price.rate, price.per, meter.unit()));
            html! { <td class="num" colspan="2" title=since(price.since)>{text}</td> }
        }
        None => html! { {rate_cell(input)}{rate_cell(output)} },
    }
}

/// Where the prices come from.
fn sources(prices: &PricesPage) -> AnyView {
    let each = prices.sources.iter().map(|entry| {
        format!(
            "{} {} ({}, in the book since {})",
            entry.source,
            entry.version,
            format::counted(entry.prices, "price"),
            format::day_year(entry.recorded_at.date_naive())
        )
    });
    let text = each.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then(|| view! { <p class="soft small">"Current prices come from "{text}"."</p> }).into_any()
}
