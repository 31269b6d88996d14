//! One event and its receipt: what was used, at which price, and whether the sum is right.

use super::labels::{event_path, event_table, group_path, status_tone, status_word};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::prices::labels::{change, instant, model_path, rate};
use crate::spend::events_of;
use crate::ui::{
    Badge, Breadcrumb, CodeBlock, Column, Columns, Crumb, Facts, Icon, Notice, PageHead, Section, Sign, Table, Tone,
    columns, html, inline_code,
};
use domain::event::{CallGroup, EventDetail};
use domain::ids::EventKey;
use domain::meter::Meter;
use domain::period::Period;
use domain::price::page::ModelName;
use domain::rating::alternatives::Alternative;
use domain::receipt::ReceiptRow;
use domain::spend::Dimension;
use leptos::prelude::*;
use rust_decimal::Decimal;

/// Cheaper models that are named beside a receipt.
const SHOWN_MODELS: usize = 3;

/// One event.
pub(crate) async fn event(visit: Visit) -> Drawn {
    let event = backend::events::by_key(&visit.backend, &visit.scope, visit.id::<EventKey>("event")?).await?;
    Ok(Page::new(format!("Event {}", event.row.id), draw(visit.org(), &event)))
}

fn draw(org: &str, event: &EventDetail) -> AnyView {
    let id = event.row.id.clone();
    let (format, usage) = (event.usage_format.clone(), event.usage_json.clone());
    let (tone, status) = (status_tone(event.row.status), status_word(event.row.status));
    let attributes = attributes(org, event);
    let crumbs = vec![Crumb::link("Events", NavItem::Events.path(org)), Crumb::here(id.clone())];
    html! {
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=headline(event)><Badge tone=tone>{status}</Badge></PageHead>
        {possible_duplicate(org, event)}
        {summary(org, event)}
        {receipt(org, event)}
        {checks(org, event)}
        <Columns>
            {attributes}
            <Section title="Usage as reported" note=format id="usage">
                <CodeBlock code=usage what="usage object"/>
            </Section>
        </Columns>
        {others(org, event)}
    }
}

/// The answer first: "$0.0831 · gpt-4o · search".
fn headline(event: &EventDetail) -> String {
    let row = &event.row;
    let what = row.feature.as_ref().unwrap_or(&row.operation);
    format!("{} · {} · {what}", row.cost_words(format::money), row.model)
}

/// That the call may be recorded twice, before its cost.
fn possible_duplicate(org: &str, event: &EventDetail) -> Option<AnyView> {
    let first = event.possible_duplicates.first()?;
    let (href, id) = (event_path(org, first.event_key), first.id.clone());
    let said = if event.row.possible_duplicate {
        "Possible duplicate: it may be the same call as one that was recorded before, "
    } else {
        "Another event may be the same call: "
    };
    Some(html! { <Notice tone=Tone::Warn>{said}<a href=href>{id}</a>". Both are counted."</Notice> })
}

/// Who, what, when, in two lines.
fn summary(org: &str, event: &EventDetail) -> AnyView {
    let row = &event.row;
    let project = format!("/o/{org}/projects/{}", row.project);
    let environment = attribute(event, "Environment");
    let labels: Vec<String> = [row.feature.clone(), environment].into_iter().flatten().collect();
    let labels = labels.iter().map(|label| format!(" / {label}")).collect::<String>();
    let latency = row.latency_ms.map(|latency| {
        let first = event.time_to_first_token_ms.map(|ms| format!(" (first token {})", format::milliseconds(ms)));
        format!(" · {}{}", format::milliseconds(latency), first.unwrap_or_default())
    });
    let priced_as = event.priced_as.as_deref().and_then(ModelName::of_label).map(|name| {
        let path = model_path(org, &name);
        view! { " · priced as "<a href=path>{format!("{}/{}", name.provider, name.model)}</a> }
    });
    html! {
        <div class="event-summary">
            <p>
                <a href=project>{row.project.clone()}</a>{labels}{latency}
            </p>
            <p class="soft">
                {row.provider.clone()}" "<span class="strong">{row.model.clone()}</span>" · "
                <time datetime=format::time_machine(row.at) title=format::time_exact(row.at)>{format::time_seconds(row.at)}</time>
                {format!(" · {} tier", event.tier)}{priced_as}
            </p>
        </div>
    }
}

fn attribute(event: &EventDetail, label: &str) -> Option<String> {
    event.attributes.iter().find(|(name, _)| name == label).map(|(_, value)| value.clone())
}

fn receipt(org: &str, event: &EventDetail) -> AnyView {
    if event.row.cost.is_none() {
        return unpriced(org, event);
    }
    if let Some(avoided) = event.avoided_cost {
        let said = format!(
            "Answered from the sender's own cache: no provider was called, so it cost nothing and avoided {}.",
            format::money(avoided)
        );
        return html! { <Notice tone=Tone::Good>{said}</Notice>{used(event)} };
    }
    // What an adjustment charged counts from then on.
    let lines = event.current_receipt();
    let table = lines_table("Receipt", lines, event.row.cost.unwrap_or_default());
    let (why, moved) = (why(lines), adjustments(org, event));
    html! { <div class="receipt">{table}{why}{moved}</div> }
}

/// Lines with their sum.
fn lines_table(caption: &'static str, lines: &[ReceiptRow], cost: Decimal) -> AnyView {
    if lines.is_empty() {
        return html! { <p class="soft">"Nothing was used, so nothing was charged."</p> };
    }
    let columns = vec![
        Column::text(caption),
        Column::number("Quantity"),
        Column::number("Rate").wide(),
        Column::number("Amount"),
        Column::text("Price"),
    ];
    let foot = html! {
        <tr>
            <th scope="row">"Total"</th>
            <td></td>
            <td class="only-wide"></td>
            <td class="num strong">{format::money_exact(cost)}</td>
            <td></td>
        </tr>
    };
    let rows = lines.iter().map(line).collect_view();
    html! { <Table caption=caption columns=columns foot=foot>{rows}</Table> }
}

/// Why each line has this price and no other.
fn why(lines: &[ReceiptRow]) -> AnyView {
    let each: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let sentences = line.why.as_ref()?.sentences().join(" ");
            Some(view! { <li><span class="strong">{line.label.clone()}</span>": "{sentences}</li> })
        })
        .collect();
    if each.is_empty() {
        return ().into_any();
    }
    html! { <details class="fold"><summary>"Why these prices"</summary><ul class="price-names">{each}</ul></details> }
}

/// What was booked, and what moved it since.
fn adjustments(org: &str, event: &EventDetail) -> AnyView {
    if event.adjustments.is_empty() {
        return ().into_any();
    }
    let cost = |cost: Option<Decimal>| cost.map_or_else(|| "unpriced".to_owned(), format::money_exact);
    let rows = event.adjustments.iter().map(|adjustment| {
        let run = format!("{}/runs/{}", NavItem::Prices.path(org), adjustment.run_id);
        let what = if adjustment.is_reversal { "Taken back" } else { "Adjusted" };
        view! {
            <tr>
                <th scope="row" class="nowrap"><time datetime=format::time_machine(adjustment.at) title=format::time_exact(adjustment.at)>{format::time(adjustment.at)}</time></th>
                <td class="wrap">{what}": "{adjustment.reason.clone()}" "<a href=run>"run"</a></td>
                <td class="num">{cost(adjustment.old_cost)}</td>
                <td class="num">{cost(adjustment.new_cost)}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let columns = columns("When | What and why | Cost before # | Cost after #");
    let booked = match event.booked_cost {
        Some(booked) => lines_table("As booked", &event.receipt, booked),
        None => html! { <p class="soft">"Booked without a price."</p> },
    };
    let note = format!("booked {}", format::cost(event.booked_cost));
    html! {
        <Section title="Adjusted since" note=note id="adjustments">
            <Table caption="Adjustments, first to last" columns=columns dense=true>{rows}</Table>
            <details class="fold"><summary>"Original receipt"</summary>{booked}</details>
        </Section>
    }
}

fn line(line: &ReceiptRow) -> AnyView {
    let is = |meter: Meter| line.meter == meter.as_str();
    let is_priced = !is(Meter::Reported) && !is(Meter::Included);
    let price = match (line.factor, line.rate) {
        // What the provider's own figure adds and what a plan includes have no rate.
        _ if !is_priced => format::NONE.to_owned(),
        _ if line.by_contract => "the month's rate".to_owned(),
        (Some(factor), _) => format!("×\u{a0}{}", factor.normalize()),
        (None, Some(price)) => rate(price, line.per),
        (None, None) => "not known any more".to_owned(),
    };
    let terms = Some(line.terms.clone()).filter(|terms| !terms.is_empty() && terms != "Standard");
    let terms = terms.map(|terms| view! { <span class="note">{terms}</span> });
    let since = match line.price_since {
        _ if is(Meter::Reported) => "reported with the event".to_owned(),
        _ if is(Meter::Included) => "the key's billing basis".to_owned(),
        Some(since) => format!("since {}", instant(since)),
        None => "for all time".to_owned(),
    };
    let source = line.price_source.clone();
    let link = line.price_url.clone().map(|url| {
        let label = format!("Source of the price of {}: {source}", line.label);
        view! { " "<a href=url rel="external noreferrer" aria-label=label title=source.clone()>"source"</a> }
    });
    let plain_source =
        (line.price_url.is_none() && !line.price_source.is_empty()).then(|| format!(", {}", line.price_source));
    html! {
        <tr>
            <th scope="row">{line.label.clone()}{terms}<span class="note only-narrow">{price.clone()}</span></th>
            <td class="num" title=line.unit.clone()>{format::quantity(line.quantity)}</td>
            <td class="num only-wide">{price}</td>
            <td class="num">{format::money_exact(line.amount)}</td>
            <td class="soft">{since}{plain_source}{link}</td>
        </tr>
    }
}

/// No price: why, what is assumed meanwhile, and what was used.
fn unpriced(org: &str, event: &EventDetail) -> AnyView {
    let reason = inline_code(event.unpriced_reason.as_deref().unwrap_or_default());
    let bound = event
        .upper_bound
        .filter(|bound| !bound.is_zero())
        .map(|bound| format!(" Until it has a price it counts against budgets with at most {}.", format::money(bound)));
    let queue = format!("{}/unpriced", NavItem::Events.path(org));
    html! {
        <Notice tone=Tone::Warn>"The cost of this event is not known. "{reason}{bound}" "<a href=queue>"Set a price"</a></Notice>
        {used(event)}
    }
}

/// The meters without amounts.
fn used(event: &EventDetail) -> AnyView {
    let columns = columns("What was used | Quantity #");
    let rows = event
        .meters
        .iter()
        .map(|(meter, quantity)| {
            view! {
                <tr>
                    <th scope="row">{meter.clone()}</th>
                    <td class="num">{format::quantity(*quantity)}</td>
                </tr>
            }
        })
        .collect_view();
    html! { <div class="receipt"><Table caption="What was used" columns=columns>{rows}</Table></div> }
}

/// Whether the numbers agree, and what the same request would have cost otherwise.
fn checks(org: &str, event: &EventDetail) -> AnyView {
    let adds_up = if event.adds_up {
        html! { <span class="good"><Icon sign=Sign::Check/>" Meters add up to the reported usage"</span> }
    } else {
        html! { <span class="warn"><Icon sign=Sign::Attention/>" Meters differ from the reported usage"</span> }
    };
    let sum = event.possible_sum.then(|| {
        let text = "More input than any model takes at once: this may be a sum of several requests, charged by prices for long ones. Send such usage with the field aggregate: sum.";
        view! { <p class="warn"><Icon sign=Sign::Attention/>{format!(" {text}")}</p> }
    });
    let copies = event.smaller_copies.as_ref().map(|smaller| {
        let before = match smaller.copies {
            1 => "a smaller copy".to_owned(),
            copies => format!("{} smaller copies", format::count(copies)),
        };
        let cost = format::cost(smaller.cost);
        let tokens = format::count(smaller.tokens);
        let text =
            format!("Counts in the place of {before} of the same answer; the last one had {tokens} tokens, {cost}.");
        view! { <p class="soft">{text}</p> }
    });
    let by_shape = event.format_by_shape.then(|| {
        let text = format!(
            "Recognized by shape: its counts have the names of {}. Send usage_format to say so.",
            event.usage_format
        );
        view! { <p class="soft">{text}</p> }
    });
    let unread = unread(event);
    let reported = reported(org, event);
    let otherwise = alternatives(event);
    html! { <div class="event-checks"><p class="row">{adds_up}</p>{copies}{sum}{by_shape}{unread}{reported}{otherwise}</div> }
}

/// Numbers of the usage object that no rule reads: they may be billed, and are in no cost.
fn unread(event: &EventDetail) -> Option<AnyView> {
    let fields = event.unread_usage.iter().map(|(field, quantity)| {
        view! { <li><code>{field.clone()}</code>" "{format::quantity(*quantity)}</li> }
    });
    let fields = fields.collect_view();
    (!event.unread_usage.is_empty()).then(|| {
        html! {
            <div>
                <span class="warn"><Icon sign=Sign::Attention/>" Unread usage: no rule knows these numbers, and the cost leaves them out."</span>
                <ul>{fields}</ul>
            </div>
        }
    })
}

/// What the provider reported beside what was computed, and which of them counts.
fn reported(org: &str, event: &EventDetail) -> Option<AnyView> {
    let amount = event.row.reported_cost?;
    let basis = format!("{}/basis", NavItem::Prices.path(org));
    let counts = if event.current_receipt().iter().any(|line| line.meter == Meter::Reported.as_str()) {
        "The reported cost counts. "
    } else if event.reported_over_computed().is_some_and(|over| over.is_zero()) {
        "Both agree. "
    } else if event.row.cost.is_some() {
        "The computed cost counts. "
    } else {
        "It does not count. "
    };
    let beside = event.reported_over_computed().zip(event.computed_cost).map(|(over, computed)| {
        let percent = format::ratio(over, computed).map(|ratio| format!(" ({})", format::percent_signed(ratio)));
        let said = format!("{} computed{}", format::money(computed), percent.unwrap_or_default());
        view! { ", "{change(over)}" against "<span title=format::money_exact(computed)>{said}</span> }
    });
    let said = format!("Provider reported {}", format::money(amount));
    Some(html! {
        <p>
            <span title=format::money_exact(amount)>{said}</span>{beside}". "
            <span class="soft">{counts}<a href=basis>"Cost source"</a></span>
        </p>
    })
}

/// The other tiers of the model, and the cheapest other models that are in use.
fn alternatives(event: &EventDetail) -> Option<AnyView> {
    let item = |how: String, other: &Alternative| {
        let title = format!("{} as {}", format::money_exact(other.cost), other.priced_as);
        view! { <li><span title=title>{how}" "{format::money(other.cost)}</span></li> }
    };
    // Some tiers are one under two names.
    let tiers = event.other_tiers.chunk_by(|one, two| one.cost == two.cost).map(|same| {
        let names: Vec<_> = same.iter().map(|other| other.variant.as_str()).collect();
        same.first().map(|other| item(format!("{} tier", names.join(" or ")), other))
    });
    let cheaper = event.cheaper_models.iter().take(SHOWN_MODELS);
    let models = cheaper.map(|other| {
        let model = other.priced_as.split_once('/').map_or(other.priced_as.as_str(), |(_, model)| model);
        item(model.to_owned(), other)
    });
    let items: Vec<_> = tiers.flatten().chain(models).collect();
    (!items.is_empty()).then(|| {
        html! { <div class="event-otherwise soft"><span>"The same request would cost:"</span><ul>{items}</ul></div> }
    })
}

/// What has the same value as this event: its session or interaction, else a list; none for what lists are not filtered by.
fn same(org: &str, event: &EventDetail, label: &str, value: &str) -> Option<String> {
    let events = NavItem::Events.path(org);
    match label {
        "Request" => return Some(UrlQuery::new().with("request_id", value).at(&events)),
        "Session" => return Some(group_path(org, CallGroup::Session, value)),
        "Interaction" => return Some(group_path(org, CallGroup::Interaction, value)),
        _ => {}
    }
    let dimension: Dimension = label.parse().or_else(|_| label.to_lowercase().parse()).ok()?;
    Some(events_of(Period::month_of(event.row.at.date_naive()), [(dimension, value)]).at(&events))
}

fn attributes(org: &str, event: &EventDetail) -> AnyView {
    let received = format::time_exact(event.received_at);
    let (id, key) = (event.row.id.clone(), event.row.event_key.to_string());
    let sender = view! { <a href=same(org, event, "api_key", &event.key_id.to_string())>{event.key_name.clone()}</a> };
    let facts = event
        .attributes
        .iter()
        .map(|(label, value)| {
            let value = match same(org, event, label, value) {
                Some(href) => html! { <a href=href>{value.clone()}</a> },
                None => value.clone().into_any(),
            };
            view! { <div><dt>{label.clone()}</dt><dd>{value}</dd></div> }
        })
        .collect_view();
    html! {
        <Section title="Attributes" id="attributes">
            <Facts>
                {facts}
                <div><dt>"Id"</dt><dd class="mono">{id}</dd></div>
                <div><dt>"Received"</dt><dd>{received}</dd></div>
                <div><dt>"API key"</dt><dd>{sender}</dd></div>
                <div><dt>"Event key"</dt><dd class="mono">{key}</dd></div>
            </Facts>
        </Section>
    }
}

/// Other attempts of the request, and what may be the same call.
fn others(org: &str, event: &EventDetail) -> AnyView {
    let attempts = (!event.attempts.is_empty()).then(|| {
        let all: Decimal = event.attempts.iter().chain([&event.row]).filter_map(|row| row.cost).sum();
        let note = format!("all attempts together {}", format::money(all));
        let table = event_table(org, "Other attempts of this request", &event.attempts);
        view! { <Section title="Other attempts of this request" note=note id="attempts">{table}</Section> }
    });
    let duplicates = (!event.possible_duplicates.is_empty()).then(|| {
        let table = event_table(org, "Events that may be the same call", &event.possible_duplicates);
        view! { <Section title="Events that may be the same call" id="doubles">{table}</Section> }
    });
    html! { {duplicates}{attempts} }
}
