//! What waits for a price: by model, because one price settles all its events.

use super::labels::{List, tabs};
use crate::form::Posted;
use crate::format;
use crate::layout::{CsvLink, NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::prices::api::{MapName, PriceUnpriced};
use crate::ui::{Button, ButtonKind, Column, EmptyState, FormErrors, Notice, PageHead, Table, Tone, html, inline_code};
use domain::event::UnpricedRow;
use domain::identity::Permission;
use domain::price::page::ModelName;
use domain::repricing::ImpactPreview;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use rust_decimal::Decimal;

/// Models whose events have no known cost.
pub(crate) async fn unpriced(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let (rows, attention) =
        futures::try_join!(backend::events::unpriced(backend, scope), backend::events::attention(backend, scope))?;
    let names: Vec<_> = rows.iter().map(|row| (row.provider.clone(), row.model.clone())).collect();
    let guesses = backend::prices::browse::guesses(backend, scope, &names).await?;
    let may_manage = visit.frame.may(Permission::ManagePrices);
    let effects = match may_manage {
        true => backend::prices::runs::effects_of_guesses(backend, scope, &rows, &guesses).await?,
        false => Vec::new(),
    };
    let (map, price) = (Posted::<MapName>::here(), Posted::<PriceUnpriced>::here());
    let changed = map.done().is_some_and(Option::is_some).then(|| {
        view! { <Notice tone=Tone::Warn>"Other events wait by now. Look at the effect again before you map the name."</Notice> }
    });
    Ok(Page::new(
        "Unpriced events",
        view! {
            <PageHead title="Unpriced events" lead="Their cost is not known, which is not the same as zero."><CsvLink/></PageHead>
            <FormErrors errors=map.errors()/>
            <FormErrors errors=price.errors()/>
            {changed}
            {tabs(visit.org(), List::Unpriced, attention)}
            {draw(visit.org(), &rows, &guesses, &effects, may_manage)}
        },
    ))
}

fn draw(
    org: &str,
    rows: &[UnpricedRow],
    guesses: &[Vec<ModelName>],
    effects: &[Vec<Option<ImpactPreview>>],
    may_manage: bool,
) -> AnyView {
    if rows.is_empty() {
        let text = "Every recorded event has a price behind each line of its receipt.";
        return html! { <EmptyState title="Everything is priced" text=text/> };
    }
    let events: u64 = rows.iter().map(|row| row.events).sum();
    let most: Decimal = rows.iter().map(|row| row.upper_bound).sum();
    let counted = if most.is_zero() {
        "What they cost at most is not known: nothing like them was priced yet.".to_owned()
    } else {
        format!("They count against budgets with an estimate of at most {}.", format::money(most))
    };
    let said = format!(
        "{} of {} without a price. {counted}",
        format::counted(events, "event"),
        format::counted(i128::try_from(rows.len()).unwrap_or_default(), "model"),
    );
    let columns = vec![
        Column::text("Model"),
        Column::text("Why").wide(),
        Column::number("Events"),
        Column::number("At most, $ (estimate)"),
        Column::text("First").wide(),
        Column::text("Last").wide(),
        Column::text(if may_manage { "Set a price" } else { "May mean" }),
    ];
    let meant = guesses.iter().zip(effects.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..])));
    let meant = meant.map(|(names, effects)| Meant { names, effects });
    let body = rows.iter().zip(meant).map(|(row, meant)| model_row(org, row, &meant, may_manage)).collect_view();
    let again = may_manage.then(|| {
        let org = org.to_owned();
        view! {
            <form method="post" action=PriceUnpriced::url()>
                <input type="hidden" name="org" value=org/>
                <div class="actions">
                    <Button>"Reprice unpriced events"</Button>
                    <span class="soft small">"As of each event's own time. The run shows what moved and can be reversed."</span>
                </div>
            </form>
        }
    });
    html! {
        <Notice tone=Tone::Warn>{said}</Notice>
        <Table caption="Models without a price, the dearest estimate first" columns=columns>{body}</Table>
        {again}
    }
}

/// What a name may mean, and what each choice would do.
struct Meant<'a> {
    names: &'a [ModelName],
    effects: &'a [Option<ImpactPreview>],
}

fn model_row(org: &str, row: &UnpricedRow, meant: &Meant<'_>, may_manage: bool) -> AnyView {
    let last_day = row.last_at.date_naive();
    let events = UrlQuery::new()
        .and("from", &row.first_at.date_naive().to_string())
        .and("to", &last_day.succ_opt().unwrap_or(last_day).to_string())
        .and("unpriced", "true")
        .and("provider", &row.provider)
        .and("model", &row.model)
        .at(&NavItem::Events.path(org));
    let label = format!("{} of {}", format::counted(row.events, "event"), row.model);
    let tokens = format!("{} tokens", format::count(row.tokens));
    let ways = if may_manage { ways(org, row, meant) } else { names(meant.names) };
    html! {
        <tr>
            <th scope="row">
                {row.model.clone()}<span class="note">{row.provider.clone()}</span>
                <span class="note only-narrow">{inline_code(&row.reason)}</span>
            </th>
            <td class="wrap only-wide">{inline_code(&row.reason)}</td>
            <td class="num" title=tokens><a href=events aria-label=label>{format::count(row.events)}</a></td>
            <td class="num" title=format::money_full(row.upper_bound)>
                {if row.upper_bound.is_zero() { "unknown".to_owned() } else { format::money_plain(row.upper_bound) }}
            </td>
            <td class="nowrap only-wide" title=format::time_exact(row.first_at)>{format::time(row.first_at)}</td>
            <td class="nowrap only-wide" title=format::time_exact(row.last_at)>{format::time(row.last_at)}</td>
            <td class="unpriced-ways">{ways}</td>
        </tr>
    }
}

fn names(guesses: &[ModelName]) -> AnyView {
    let names = guesses.iter().map(|name| format!("{} of {}", name.model, name.provider)).collect::<Vec<_>>();
    names.join(", ").into_any()
}

/// One click for each likely model; else another model, or a price of its own.
fn ways(org: &str, row: &UnpricedRow, meant: &Meant<'_>) -> AnyView {
    let effects = meant.effects.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let buttons = meant.names.iter().zip(effects).map(|(name, effect)| match effect {
        Some(effect) => map_button(org, row, name, effect),
        None => map_link(org, row, name),
    });
    let buttons = buttons.collect_view();
    let own = format!("{}/own", NavItem::Prices.path(org));
    let sent = UrlQuery::new().with("provider", &row.provider);
    let name = sent.with("name", &row.model).with("unpriced", "true").at(&format!("{own}/name"));
    let price = sent.with("model", &row.model).with("unpriced", "true").at(&format!("{own}/price"));
    let (name_label, price_label) =
        (format!("Add {} as a model alias", row.model), format!("Add price override for {}", row.model));
    html! {
        <div class="price-ways">
            {buttons}
            <a href=name aria-label=name_label>"model alias"</a>
            <a href=price aria-label=price_label>"price override"</a>
        </div>
    }
}

/// Where so many events wait that the effect is looked at first.
fn map_link(org: &str, row: &UnpricedRow, to: &ModelName) -> AnyView {
    let path = UrlQuery::new()
        .with("provider", &row.provider)
        .with("name", &row.model)
        .with("to_provider", &to.provider)
        .with("to_model", &to.model)
        .with("unpriced", "true")
        .at(&format!("{}/own/name", NavItem::Prices.path(org)));
    let label = format!("Map {} of {} to {} of {}", row.model, row.provider, to.model, to.provider);
    let text = format!("Map to {} …", to.model);
    html! { <a href=path aria-label=label>{text}</a> }
}

fn map_button(org: &str, row: &UnpricedRow, to: &ModelName, effect: &ImpactPreview) -> AnyView {
    let label =
        format!("Map {} of {} to {} of {} and price its events", row.model, row.provider, to.model, to.provider);
    let text = format!("Map to {}", to.model);
    let provider = to.provider.clone();
    let (token, sentence) = (effect.token(), effect.sentence());
    let fields = [
        ("org", org),
        ("provider", &row.provider),
        ("name", &row.model),
        ("to_provider", &to.provider),
        ("to_model", &to.model),
        ("price_unpriced", "true"),
        ("seen", &token),
    ];
    let fields = fields.map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned()/> });
    let fields = fields.into_iter().collect_view();
    html! {
        <form method="post" action=MapName::url()>
            {fields}
            <Button small=true kind=ButtonKind::Secondary>
                <span aria-hidden="true">{text}" "<span class="soft">{provider}</span></span>
                <span class="visually-hidden">{label}</span>
            </Button>
            <p class="price-effect">{sentence}</p>
        </form>
    }
}
