//! One model: what it costs and under which terms, since when and from where, who uses it.

use super::chart;
use super::labels::{derivations, instant, rate, rate_words, since, source, sourced, span};
use super::own::NOTICES;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::spend::labels::SpendCell;
use crate::ui::chart::Chart;
use crate::ui::{
    Badge, Breadcrumb, Button, Columns, Crumb, EmptyState, PageHead, Section, Table, Tone, UrlNotice, columns, html,
};
use chrono::{DateTime, Utc};
use domain::identity::Permission;
use domain::meter::Meter;
use domain::price::ModelLimit;
use domain::price::page::{
    AliasEntry, DatedModifier, DatedPrice, ModelName, ModelPage, UsedBy, in_force, is_plain, modifier_words, terms,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// A model of the price book.
pub(crate) async fn model(visit: Visit) -> Drawn {
    let name = ModelName { provider: visit.part("provider").to_owned(), model: visit.part("model").to_owned() };
    let model = backend::prices::browse::model(&visit.backend, &visit.scope, &name).await?;
    Ok(Page::new(format!("{}, {}", name.model, model.provider.name), draw(&visit, &model)))
}

fn draw(visit: &Visit, model: &ModelPage) -> AnyView {
    let (org, name) = (visit.org(), model.name.model.clone());
    let of_provider = UrlQuery::new().with("book_provider", &model.name.provider).at(&NavItem::Prices.path(org));
    let crumbs = vec![
        Crumb::link("Prices", NavItem::Prices.path(org)),
        Crumb::link(model.provider.name.clone(), of_provider),
        Crumb::here(name.clone()),
    ];
    let own = in_force(&model.prices, model.now).iter().any(|price| price.own);
    let own = own.then(|| view! { <Badge tone=Tone::Accent>"your prices"</Badge> });
    let form = UrlQuery::new().with("provider", &model.name.provider).with("model", &name);
    let form = form.at(&format!("{}/own/price", NavItem::Prices.path(org)));
    let enter =
        visit.frame.may(Permission::ManagePrices).then(|| view! { <Button href=form>"Add price override"</Button> });
    let (used, aliases) = (used_by(org, model), aliases(model));
    html! {
        <Breadcrumb crumbs=crumbs/>
        <UrlNotice known=NOTICES/>
        <PageHead title=name lead=lead(model)>{own}{enter}</PageHead>
        {prices(model)}
        {factors(model)}
        {history(model)}
        <Columns wide_first=true>{used}{aliases}</Columns>
    }
}

/// What it costs in one sentence.
fn lead(model: &ModelPage) -> String {
    let force = in_force(&model.prices, model.now);
    let plain = |meter: Meter| force.iter().find(|price| price.row.meter == meter && is_plain(&price.row));
    let said = |price: &&DatedPrice| {
        let row = &price.row;
        format!("{} {}", row.meter.label(), rate_words(row.rate, row.per, row.meter.unit()))
    };
    let main = [Meter::InputUncached, Meter::Output];
    let mut parts: Vec<String> = main.into_iter().filter_map(plain).map(said).collect();
    if parts.is_empty() {
        parts = force.iter().find(|price| is_plain(&price.row)).map(said).into_iter().collect();
    }
    let title = model.title.clone().filter(|title| *title != model.name.model);
    let title = title.map(|title| format!("{title}. ")).unwrap_or_default();
    match force.first() {
        None => format!("{title}No current price."),
        Some(_) if parts.is_empty() => format!("{title}No standard price; see the terms below."),
        Some(_) => {
            let begin = main.into_iter().filter_map(plain).map(|price| price.row.valid_from).max();
            let begin = begin.unwrap_or_else(|| force.first().and_then(|price| price.row.valid_from));
            format!("{title}{}, {}.", parts.join(", "), since(begin))
        }
    }
}

/// The prices in force, a group of rows for all terms alike.
fn prices(model: &ModelPage) -> AnyView {
    let force = in_force(&model.prices, model.now);
    if force.is_empty() {
        let text = "Events of this model are unpriced until it has one.";
        return html! { <Section title="Current prices"><EmptyState title="No current price" text=text/></Section> };
    }
    let columns = columns("What | Rate # | Since | Until | Source | In the book since");
    let reasons = derivations(force.iter().map(|price| &price.row));
    let mut rows = Vec::new();
    let mut last = None;
    for price in force {
        let said = terms(&price.row);
        if last.as_ref() != Some(&said) {
            rows.push(html! { <tr class="price-terms"><th scope="rowgroup" colspan="6">{said.clone()}</th></tr> });
            last = Some(said);
        }
        rows.push(price_row(price, model.now));
    }
    let note = "what has no row is charged like the nearest that has one";
    html! { <Section title="Current prices" note=note id="prices"><Table caption="Current prices" columns=columns dense=true>{rows}</Table>{reasons}</Section> }
}

fn price_row(price: &DatedPrice, now: DateTime<Utc>) -> AnyView {
    let row = &price.row;
    let from = row.valid_from.map_or_else(|| "all time".to_owned(), instant);
    let to = row.valid_to.map_or_else(|| "further notice".to_owned(), instant);
    let soon = row.valid_to.is_some_and(|to| to > now);
    let title = rate_words(row.rate, row.per, row.meter.unit());
    let own = price.own.then(|| view! { " "<Badge tone=Tone::Accent>"yours"</Badge> });
    html! {
        <tr>
            <th scope="row">{row.meter.label()}<span class="note">{row.meter.unit().as_str()}</span>{own}</th>
            <td class="num" title=title>{rate(row.rate, row.per)}</td>
            <td class="nowrap">{from}</td>
            <td class="nowrap" class:warn=soon class:soft=!soon>{to}</td>
            <td>{source(row)}</td>
            <td class="nowrap soft">{format::day_year(price.recorded_at.date_naive())}</td>
        </tr>
    }
}

/// What multiplies these prices, and what the provider lets one account use.
fn factors(model: &ModelPage) -> AnyView {
    let modifiers = (!model.modifiers.is_empty()).then(|| {
        let columns = columns("Factor on these prices | Times # | On | Effective | Source");
        let rows = model.modifiers.iter().map(factor_row).collect_view();
        view! { <Table caption="Factors on these prices, in the order in which they stack" columns=columns dense=true>{rows}</Table> }
    });
    let limits = model.limits.iter().map(limit_words).collect::<Vec<_>>().join("; ");
    let limits = (!limits.is_empty()).then(|| view! { <p class="soft small">{limits}</p> });
    html! { {modifiers}{limits} }
}

fn factor_row(modifier: &DatedModifier) -> AnyView {
    let row = &modifier.row;
    let own = modifier.own.then(|| view! { " "<Badge tone=Tone::Accent>"yours"</Badge> });
    html! {
        <tr>
            <th scope="row">{row.kind.label()}{own}</th>
            <td class="num">{format!("×\u{a0}{}", row.factor.normalize())}</td>
            <td>{modifier_words(row)}</td>
            <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
            <td>{sourced(&row.source, &row.source_version, row.source_url.clone(), row.kind.label())}</td>
        </tr>
    }
}

/// A limit in words: "At most 500 requests and 30,000 tokens per minute, since …".
fn limit_words(limit: &ModelLimit) -> String {
    let requests = limit.requests_per_minute.map(|number| format::counted(number, "request"));
    let tokens = limit.tokens_per_minute.map(|number| format::counted(number, "token"));
    let most = [requests, tokens].into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let when = match (limit.valid_from, limit.valid_to) {
        (None, None) => String::new(),
        (from, to) => format!(" {}", span(from, to)),
    };
    format!("At most {most} per minute and account{when}, says {} {}", limit.source, limit.source_version)
}

fn history(model: &ModelPage) -> AnyView {
    let drawing = chart::history(model).map(|data| {
        let label = format!("Standard price by month, {}", chart::unit(model));
        view! { <p class="soft small">{label.clone()}</p><Chart data=data label=label tick=format::axis_money head="Month"/> }
    });
    let others: Vec<&DatedPrice> = model.prices.iter().filter(|price| !price.holds(model.now)).collect();
    if drawing.is_none() && others.is_empty() {
        return html! {
            <Section title="History"><p class="soft">"No change of these prices is known: they hold for all events, however old."</p></Section>
        };
    }
    let table = (!others.is_empty()).then(|| not_in_force(&others, model.now));
    html! { <Section title="History" id="history">{drawing}{table}</Section> }
}

/// Earlier, later and superseded prices; events keep the price of their own time.
fn not_in_force(prices: &[&DatedPrice], now: DateTime<Utc>) -> AnyView {
    let columns = columns("What | Terms | Rate # | Held | Source | State");
    let reasons = derivations(prices.iter().map(|price| &price.row));
    let rows = prices
        .iter()
        .map(|price| {
            let row = &price.row;
            let state = match price.superseded_at {
                Some(at) => {
                    let title = format!("Taken out of use on {}; receipts that point to it keep it", instant(at));
                    html! { <span title=title><Badge>"superseded"</Badge></span> }
                }
                None if row.valid_from.is_some_and(|from| from > now) => {
                    html! { <Badge tone=Tone::Warn>"to come"</Badge> }
                }
                None => html! { <Badge>"earlier"</Badge> },
            };
            let own = price.own.then(|| view! { <span class="note">"own"</span> });
            view! {
                <tr>
                    <th scope="row">{row.meter.label()}{own}</th>
                    <td>{terms(row)}</td>
                    <td class="num">{rate(row.rate, row.per)}</td>
                    <td class="nowrap">{span(row.valid_from, row.valid_to)}</td>
                    <td>{source(row)}</td>
                    <td>{state}</td>
                </tr>
            }
        })
        .collect_view();
    let title = format!(
        "Earlier, later and superseded prices ({})",
        format::count(i128::try_from(prices.len()).unwrap_or_default())
    );
    html! {
        <details class="price-history">
            <summary>{title.clone()}</summary>
            <Table caption=title columns=columns dense=true>{rows}</Table>
            {reasons}
        </details>
    }
}

fn used_by(org: &str, model: &ModelPage) -> AnyView {
    let title = "Who uses it";
    if model.used_by.is_empty() {
        return html! { <Section title=title note="last 30 days"><p class="soft">"Nobody in this organization."</p></Section> };
    }
    let total: Decimal = model.used_by.iter().map(|used| used.sums.spend).sum();
    let columns = columns("Project | Reported model name | Spend, $ # | Share # | Requests # | Tokens #");
    let rows = model.used_by.iter().map(|used| used_row(org, used, total)).collect_view();
    let note = format!("last 30 days, since {}", format::day(model.used_since));
    html! { <Section title=title note=note id="used-by"><Table caption=title columns=columns>{rows}</Table></Section> }
}

fn used_row(org: &str, used: &UsedBy, total: Decimal) -> AnyView {
    let share = format::ratio(used.sums.spend, total).map(format::percent);
    let events = UrlQuery::new()
        .and("period", "30d")
        .and("project", &used.project)
        .and("provider", &used.provider)
        .and("model", &used.model)
        .at(&NavItem::Events.path(org));
    let label = format!("Events of {} in {}", used.model, used.project);
    html! {
        <tr>
            <th scope="row"><a href=events aria-label=label>{used.project.clone()}</a></th>
            <td>{used.model.clone()}<span class="note">{used.provider.clone()}</span></td>
            <SpendCell sums=used.sums.clone()/>
            <td class="num">{share}</td>
            <td class="num">{format::count(used.sums.requests)}</td>
            <td class="num" title=format::count(used.sums.tokens)>{format::count_compact(used.sums.tokens)}</td>
        </tr>
    }
}

/// Names under which events may be sent.
fn aliases(model: &ModelPage) -> AnyView {
    let own = format!("{}, its own name", model.name.model);
    // The model's own name is said already.
    let itself = |alias: &&AliasEntry| {
        alias.words == model.name.model && alias.provider == model.name.provider && alias.valid_from.is_none()
    };
    let rows = model.aliases.iter().filter(|alias| !itself(alias)).map(|alias| alias_row(model, alias)).collect_view();
    html! {
        <Section title="Aliases" id="names">
            <ul class="price-names">
                <li>{own}</li>
                {rows}
            </ul>
        </Section>
    }
}

fn alias_row(model: &ModelPage, alias: &AliasEntry) -> AnyView {
    let other = (alias.provider != model.name.provider).then(|| format!(" of {}", alias.provider));
    let dated = alias.valid_from.is_some() || alias.valid_to.is_some();
    let dated = dated.then(|| format!(", {}", span(alias.valid_from, alias.valid_to)));
    let own = alias.own.then(|| view! { " "<Badge tone=Tone::Accent>"your name"</Badge> });
    html! { <li>{alias.words.clone()}{other}{dated}{own}</li> }
}
