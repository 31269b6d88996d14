//! What waits for a price: by model, because one price settles all its events.

use super::api::load_unpriced;
use super::words::{List, tabs};
use crate::error::Failure;
use crate::format;
use crate::layout::{Place, Query};
use crate::ui::{Column, EmptyState, Loading, Notice, PageHead, Table, Tone};
use domain::event::{Listed, UnpricedRow};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;

/// Models whose events have no known cost.
#[component]
pub fn UnpricedPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let unpriced = Resource::new(move || org.get(), load_unpriced);
    view! {
        <Title text="Unpriced events"/>
        <PageHead title="Unpriced events" lead="Their cost is not known, which is not the same as zero."/>
        <Transition fallback=|| view! { <Loading what="unpriced events" lines=8/> }>
            {move || Suspend::new(async move {
                match unpriced.await {
                    Ok(listed) => draw(&org.get_untracked(), &listed),
                    Err(error) => view! { <Failure what="unpriced events" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn draw(org: &str, listed: &Listed<UnpricedRow>) -> AnyView {
    let tabs = tabs(org, List::Unpriced, listed.attention);
    let rows = &listed.page.rows;
    if rows.is_empty() {
        let text = "Every recorded event has a price behind each line of its receipt.";
        return view! { {tabs}<EmptyState title="Everything is priced" text=text/> }.into_any();
    }
    let events: u64 = rows.iter().map(|row| row.events).sum();
    let most: Decimal = rows.iter().map(|row| row.upper_bound).sum();
    let said = format!(
        "{} of {} without a price. They count against budgets with an estimate of at most {}.",
        format::counted(events, "event"),
        format::counted(i128::try_from(rows.len()).unwrap_or_default(), "model"),
        format::money(most)
    );
    let columns = vec![
        Column::text("Model"),
        Column::text("Why"),
        Column::number("Events"),
        Column::number("Tokens"),
        Column::number("At most, $"),
        Column::text("First"),
        Column::text("Last"),
        Column::text("Events").hidden(),
    ];
    let body = rows.iter().map(|row| model_row(org, row)).collect_view();
    view! {
        {tabs}
        <Notice tone=Tone::Warn>{said}</Notice>
        <Table caption="Models without a price, the dearest estimate first" columns=columns>{body}</Table>
    }
    .into_any()
}

fn model_row(org: &str, row: &UnpricedRow) -> AnyView {
    let last_day = row.last_at.date_naive();
    let events = Query::new()
        .and("from", &row.first_at.date_naive().to_string())
        .and("to", &last_day.succ_opt().unwrap_or(last_day).to_string())
        .and("unpriced", "true")
        .and("provider", &row.provider)
        .and("model", &row.model)
        .at(&Place::Events.path(org));
    let label = format!("Events of {}", row.model);
    view! {
        <tr>
            <th scope="row">{row.model.clone()}<span class="note">{row.provider.clone()}</span></th>
            <td class="wrap">{row.reason.clone()}</td>
            <td class="num">{format::count(row.events)}</td>
            <td class="num">{format::count(row.tokens)}</td>
            <td class="num" title=format::money_full(row.upper_bound)>{format::money_plain(row.upper_bound)}</td>
            <td class="nowrap" title=format::time_exact(row.first_at)>{format::time(row.first_at)}</td>
            <td class="nowrap" title=format::time_exact(row.last_at)>{format::time(row.last_at)}</td>
            <td><a href=events aria-label=label>"events"</a></td>
        </tr>
    }
    .into_any()
}
