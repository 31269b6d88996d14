//! What could not be recorded, and why.

use super::api::load_rejected;
use super::words::{List, tabs};
use crate::error::Failure;
use crate::format;
use crate::layout::Query;
use crate::ui::{Column, EmptyState, Loading, PageHead, Pager, Table, loaded, said};
use domain::event::{Listed, RejectedRow};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// Events that were rejected.
#[component]
pub fn RejectedPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let map = use_query_map();
    let cursor = Memo::new(move |_| map.read().get("cursor"));
    let rejected = loaded(move || (org.get(), cursor.get()), |(org, cursor)| load_rejected(org, cursor));
    view! {
        <Title text="Rejected events"/>
        <PageHead
            title="Rejected events"
            lead="These were not recorded and cost nothing here. Mend what is named and send them again: a rejected event has not taken its id."
        />
        <Transition fallback=|| view! { <Loading what="rejected events" lines=12/> }>
            {move || Suspend::new(async move {
                match rejected.await {
                    Ok(listed) => draw(&org.get_untracked(), &Query::from(&*map.read_untracked()), &listed),
                    Err(error) => view! { <Failure what="rejected events" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn draw(org: &str, query: &Query, listed: &Listed<RejectedRow>) -> AnyView {
    let tabs = tabs(org, List::Rejected, listed.attention);
    let rows = &listed.page.rows;
    if rows.is_empty() && query.get("cursor").is_none() {
        let text = "Every event that was sent could be recorded.";
        return view! { {tabs}<EmptyState title="Nothing was rejected" text=text/> }.into_any();
    }
    let columns = vec![
        Column::text("Received"),
        Column::text("What was wrong"),
        Column::text("Field"),
        Column::text("Event"),
        Column::text("Model"),
        Column::text("Project"),
        Column::text("API key"),
    ];
    let body = rows.iter().map(row).collect_view();
    let path = List::Rejected.path(org);
    let newest = query.get("cursor").map(|_| path.clone());
    let older = listed.page.next_cursor.as_ref().map(|cursor| Query::new().with("cursor", cursor).at(&path));
    view! {
        {tabs}
        <Table caption="Rejected events, newest first" columns=columns dense=true>{body}</Table>
        <Pager previous=newest next=older previous_label="Newest"/>
    }
    .into_any()
}

fn row(row: &RejectedRow) -> AnyView {
    let field = if row.pointer.is_empty() { "whole event".to_owned() } else { row.pointer.clone() };
    view! {
        <tr>
            <th scope="row" class="nowrap" title=format::time_exact(row.received_at)>
                <time datetime=format::time_machine(row.received_at)>{format::time_seconds(row.received_at)}</time>
            </th>
            <td class="wrap">{said(&row.detail)}<span class="note">{row.code.clone()}</span></td>
            <td class="mono">{field}</td>
            <td class="mono">{row.id.clone()}</td>
            <td>{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td>{row.project.clone()}</td>
            <td>{row.key_name.clone()}</td>
        </tr>
    }
    .into_any()
}
