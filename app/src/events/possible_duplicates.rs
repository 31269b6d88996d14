//! Possible duplicates: one call that came by two routes, with the money that may be counted twice.

use super::api::load_possible_duplicates;
use super::labels::{List, cost_cell, event_path, tabs};
use crate::error::Failure;
use crate::format;
use crate::identity::use_org;
use crate::layout::{NavItem, UrlQuery};
use crate::ui::{Column, EmptyState, Loading, Notice, PageHead, Pager, Table, Tone, loaded};
use domain::event::{EventRow, PossibleDuplicate, PossibleDuplicateTotals, PossibleDuplicatesView};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// `/o/{org}/events/doubles`
#[component]
pub fn PossibleDuplicatesPage() -> impl IntoView {
    let org = use_org();
    let map = use_query_map();
    let cursor = Memo::new(move |_| map.read().get("cursor"));
    let duplicates = loaded(move || (org.get(), cursor.get()), |(org, cursor)| load_possible_duplicates(org, cursor));
    view! {
        <Title text="Suspected doubles"/>
        <PageHead
            title="Suspected doubles"
            lead="One call that may be recorded twice: the provider's answer has the id of one that was recorded before, such as from a gateway and from your own code, or two libraries tell the same in one trace."
        />
        <Transition fallback=|| view! { <Loading what="suspected doubles" lines=12/> }>
            {move || Suspend::new(async move {
                match duplicates.await {
                    Ok(view) => draw(&org.get_untracked(), &UrlQuery::from(&*map.read_untracked()), &view),
                    Err(error) => view! { <Failure what="suspected doubles" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn draw(org: &str, query: &UrlQuery, view: &PossibleDuplicatesView) -> AnyView {
    let tabs = tabs(org, List::PossibleDuplicates, view.listed.attention);
    let rows = &view.listed.page.rows;
    if rows.is_empty() && query.get("cursor").is_none() {
        let text = "No two recorded events look like the same call.";
        let policy = policy(org, view.totals);
        return view! { {tabs}<EmptyState title="Nothing is suspected" text=text>{policy}</EmptyState> }.into_any();
    }
    let columns = vec![
        Column::text("Recorded again"),
        Column::text("Recorded first"),
        Column::text("Model"),
        Column::text("Project"),
        Column::number("Counted again, $"),
        Column::number("Counted first, $"),
    ];
    let body = rows.iter().map(|row| duplicate_row(org, row)).collect_view();
    let path = List::PossibleDuplicates.path(org);
    let newest = query.get("cursor").map(|_| path.clone());
    let older = view.listed.page.next_cursor.as_ref().map(|cursor| UrlQuery::new().with("cursor", cursor).at(&path));
    let sum = sum(org, view.totals);
    view! {
        {tabs}
        {sum}
        <Table caption="Suspected doubles, newest first" columns=columns dense=true>{body}</Table>
        <Pager previous=newest next=older previous_label="Newest"/>
    }
    .into_any()
}

/// How much may be counted twice, and what is done about it.
fn sum(org: &str, totals: PossibleDuplicateTotals) -> AnyView {
    let said = format!(
        "{} that cost {} together may be counted twice.",
        format::counted(totals.events, "event"),
        format::money_full(totals.cost)
    );
    let unpriced = (totals.unpriced > 0).then(|| format!(" {} of them have no price.", format::count(totals.unpriced)));
    let policy = policy(org, totals);
    view! { <Notice tone=Tone::Warn>{said}{unpriced}" "{policy}</Notice> }.into_any()
}

fn policy(org: &str, totals: PossibleDuplicateTotals) -> AnyView {
    let settings = NavItem::Settings.path(org);
    let said = if totals.drops {
        "From now on they are left out and stand in the rejected list: "
    } else {
        "They are recorded and marked; they can be left out instead: "
    };
    view! { <span>{said}<a href=settings>"Settings"</a></span> }.into_any()
}

fn duplicate_row(org: &str, duplicate: &PossibleDuplicate) -> AnyView {
    let row = &duplicate.row;
    let first = duplicate.first.as_ref().map_or_else(
        || view! { <td class="soft">"not kept any more"</td> }.into_any(),
        |first| view! { <td class="nowrap">{event_link(org, first)}</td> }.into_any(),
    );
    let first_cost =
        duplicate.first.as_ref().map_or_else(|| view! { <td class="num">{format::NONE}</td> }.into_any(), cost_cell);
    view! {
        <tr>
            <th scope="row" class="nowrap">{event_link(org, row)}</th>
            {first}
            <td>{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td>{row.project.clone()}</td>
            {cost_cell(row)}
            {first_cost}
        </tr>
    }
    .into_any()
}

fn event_link(org: &str, row: &EventRow) -> AnyView {
    let label = format!("Event {} of {}", row.id, format::time_seconds(row.at));
    view! {
        <a href=event_path(org, row.event_key) aria-label=label title=row.id.clone()>
            <time datetime=format::time_machine(row.at)>{format::time_seconds(row.at)}</time>
        </a>
    }
    .into_any()
}
