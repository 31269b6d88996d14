//! One event and its receipt: what was used, at which price, and whether the sum is right.

use super::api::load_event;
use super::words::{event_path, event_table, status_tone, status_word};
use crate::error::{AppError, Failure};
use crate::format;
use crate::layout::Place;
use crate::prices::words::rate;
use crate::ui::{
    Badge, Breadcrumb, CodeBlock, Column, Columns, Crumb, Facts, Icon, Loading, Notice, PageHead, Section, Sign, Table,
    Tone,
};
use domain::event::{EventDetail, ReceiptRow};
use domain::problem::Problem;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;

/// One event.
#[component]
pub fn EventPage() -> impl IntoView {
    let params = use_params_map();
    let asked = Memo::new(move |_| {
        let params = params.read();
        (params.get("org").unwrap_or_default(), params.get("event").unwrap_or_default())
    });
    // What is not there decides the status of the page, so it has to be known first.
    let event = Resource::new_blocking(
        move || asked.get(),
        async |(org, event)| match event.parse() {
            Ok(key) => load_event(org, key).await,
            Err(_) => Err(AppError::of(Problem::NotFound)),
        },
    );
    view! {
        <Transition fallback=|| view! { <Loading what="event" lines=10/> }>
            {move || Suspend::new(async move {
                match event.await {
                    Ok(event) => draw(&asked.get_untracked().0, &event),
                    Err(error) => view! { <Title text="Event"/><PageHead title="Event" hidden=true/><Failure what="event" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn draw(org: &str, event: &EventDetail) -> AnyView {
    let id = event.row.id.clone();
    let (format, usage) = (event.usage_format.clone(), event.usage_json.clone());
    let (tone, status) = (status_tone(event.row.status), status_word(event.row.status));
    let attributes = attributes(event);
    let crumbs = vec![Crumb::link("Events", Place::Events.path(org)), Crumb::here(id.clone())];
    view! {
        <Title text=format!("Event {id}")/>
        <Breadcrumb crumbs=crumbs/>
        <PageHead title=id><Badge tone=tone>{status}</Badge></PageHead>
        {double(org, event)}
        {summary(org, event)}
        {receipt(event)}
        {checks(event)}
        <Columns>
            {attributes}
            <Section title="Usage as reported" note=format id="usage">
                <CodeBlock code=usage what="usage object"/>
            </Section>
        </Columns>
        {others(org, event)}
    }
    .into_any()
}

/// That the call may be recorded twice, before its cost.
fn double(org: &str, event: &EventDetail) -> Option<AnyView> {
    let first = event.doubles.first()?;
    let (href, id) = (event_path(org, first.event_key), first.id.clone());
    let said = if event.row.suspected_double {
        "Suspected double: the provider's answer has the id of one that was recorded before, with "
    } else {
        "Another event has the id of the same provider's answer: "
    };
    Some(view! { <Notice tone=Tone::Warn>{said}<a href=href>{id}</a>". Both are counted."</Notice> }.into_any())
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
    let priced_as = event
        .priced_as
        .clone()
        .filter(|priced_as| *priced_as != format!("{}/{}", row.provider, row.model))
        .map(|priced_as| format!(" · priced as {priced_as}"));
    view! {
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
    .into_any()
}

fn attribute(event: &EventDetail, label: &str) -> Option<String> {
    event.attributes.iter().find(|(name, _)| name == label).map(|(_, value)| value.clone())
}

fn receipt(event: &EventDetail) -> AnyView {
    if event.row.cost.is_none() {
        return unpriced(event);
    }
    if let Some(avoided) = event.avoided_cost {
        let said = format!(
            "Answered from the sender's own cache: no provider was called, so it cost nothing and avoided {}.",
            format::money(avoided)
        );
        return view! { <Notice tone=Tone::Good>{said}</Notice>{used(event)} }.into_any();
    }
    let columns = vec![
        Column::text("Receipt"),
        Column::number("Quantity"),
        Column::number("Rate"),
        Column::number("Amount"),
        Column::text("Price"),
    ];
    let cost = event.row.cost.unwrap_or_default();
    let foot = move || {
        view! {
            <tr>
                <th scope="row">"Total"</th>
                <td></td>
                <td></td>
                <td class="num strong">{format::money_exact(cost)}</td>
                <td></td>
            </tr>
        }
    };
    let rows = event.receipt.iter().map(line).collect_view();
    let table = if event.receipt.is_empty() {
        view! { <p class="soft">"Nothing was used, so nothing was charged."</p> }.into_any()
    } else {
        view! { <Table caption="Receipt" columns=columns totals=true foot=foot>{rows}</Table> }.into_any()
    };
    view! { <div class="receipt">{table}</div> }.into_any()
}

fn line(line: &ReceiptRow) -> AnyView {
    let price = line.rate.map_or_else(|| "not known any more".to_owned(), |price| rate(price, line.per));
    let since = line.price_since.map_or_else(
        || "price since the beginning".to_owned(),
        |since| format!("price since {}", format::day_year(since.date_naive())),
    );
    let source = line.price_source.clone();
    let link = line.price_url.clone().map(|url| {
        let label = format!("Source of the price of {}: {source}", line.label);
        view! { " "<a href=url rel="external noreferrer" aria-label=label title=source.clone()>"source"</a> }
    });
    let plain_source =
        (line.price_url.is_none() && !line.price_source.is_empty()).then(|| format!(", {}", line.price_source));
    view! {
        <tr>
            <th scope="row">{line.label.clone()}</th>
            <td class="num" title=line.unit.clone()>{format::quantity(line.quantity)}</td>
            <td class="num">{price}</td>
            <td class="num">{format::money_exact(line.amount)}</td>
            <td class="soft">{since}{plain_source}{link}</td>
        </tr>
    }
    .into_any()
}

/// No price: why, what is assumed meanwhile, and what was used.
fn unpriced(event: &EventDetail) -> AnyView {
    let reason = event.unpriced_reason.clone().unwrap_or_default();
    let bound = event
        .upper_bound
        .map(|bound| format!(" Until it has a price it counts against budgets with at most {}.", format::money(bound)));
    view! {
        <Notice tone=Tone::Warn>"The cost of this event is not known. "{reason}{bound}</Notice>
        {used(event)}
    }
    .into_any()
}

/// The meters without amounts.
fn used(event: &EventDetail) -> AnyView {
    let columns = vec![Column::text("What was used"), Column::number("Quantity")];
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
    view! { <Table caption="What was used" columns=columns>{rows}</Table> }.into_any()
}

/// Whether the numbers agree, and what the same request would have cost otherwise.
fn checks(event: &EventDetail) -> AnyView {
    let adds_up = if event.adds_up {
        view! { <span class="good"><Icon sign=Sign::Check/>" Meters add up to the reported usage"</span> }.into_any()
    } else {
        view! { <span class="warn"><Icon sign=Sign::Attention/>" Meters differ from the reported usage"</span> }
            .into_any()
    };
    let reported = event.reported_cost.map(|reported| {
        let difference = event.row.cost.and_then(|cost| format::ratio(reported - cost, cost));
        let difference = difference.map(|ratio| format!(" ({})", format::percent_signed(ratio)));
        let text = format!("Provider reported {}{}", format::money(reported), difference.unwrap_or_default());
        view! { <span title=format::money_full(reported)>{text}</span> }
    });
    let otherwise = (!event.alternatives.is_empty()).then(|| {
        let each = |(how, cost): &(String, Decimal)| format!("{how} {}", format::money(*cost));
        let text: Vec<String> = event.alternatives.iter().map(each).collect();
        view! { <p class="soft">"The same request: "{text.join(" · ")}</p> }
    });
    view! { <div class="event-checks"><p class="row">{adds_up}{reported}</p>{otherwise}</div> }.into_any()
}

fn attributes(event: &EventDetail) -> AnyView {
    let received = format::time_exact(event.received_at);
    let (sender, key) = (event.key_name.clone(), event.row.event_key.to_string());
    let facts = event
        .attributes
        .iter()
        .map(|(label, value)| view! { <div><dt>{label.clone()}</dt><dd>{value.clone()}</dd></div> })
        .collect_view();
    view! {
        <Section title="Attributes" id="attributes">
            <Facts>
                {facts}
                <div><dt>"Received"</dt><dd>{received}</dd></div>
                <div><dt>"API key"</dt><dd>{sender}</dd></div>
                <div><dt>"Event key"</dt><dd class="mono">{key}</dd></div>
            </Facts>
        </Section>
    }
    .into_any()
}

/// Other attempts of the request, other events of the session.
fn others(org: &str, event: &EventDetail) -> AnyView {
    let attempts = (!event.attempts.is_empty()).then(|| {
        let all: Decimal = event.attempts.iter().chain([&event.row]).filter_map(|row| row.cost).sum();
        let note = format!("all attempts together {}", format::money(all));
        let table = event_table(org, "Other attempts of this request", &event.attempts);
        view! { <Section title="Other attempts of this request" note=note id="attempts">{table}</Section> }
    });
    let session = (!event.session.is_empty()).then(|| {
        let table = event_table(org, "Other events of this session", &event.session);
        view! { <Section title="Other events of this session" id="session">{table}</Section> }
    });
    let doubles = (!event.doubles.is_empty()).then(|| {
        let table = event_table(org, "Events with the same answer of the provider", &event.doubles);
        view! { <Section title="Events with the same answer of the provider" id="doubles">{table}</Section> }
    });
    view! { {doubles}{attempts}{session} }.into_any()
}
