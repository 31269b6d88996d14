//! What could not be recorded, and why.

use super::api::{DismissAllRejected, DismissRejected, load_rejected};
use super::labels::{List, tabs};
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::UrlQuery;
use crate::ui::{
    Button, Column, EmptyState, FormErrors, Loading, PageHead, Pager, RowButton, Table, inline_code, loaded_first,
};
use chrono::SecondsFormat;
use domain::event::{RejectedRow, RejectedView};
use leptos::form::ActionForm;
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
    let forms = Forms { one: use_form(), all: use_form() };
    let (one, all) = (forms.one.action.version(), forms.all.action.version());
    let rejected = loaded_first(
        move || (org.get(), cursor.get(), one.get(), all.get()),
        |(org, cursor, ..)| load_rejected(org, cursor),
    );
    view! {
        <Title text="Rejected events"/>
        <PageHead
            title="Rejected events"
            lead="These were not recorded and cost nothing here. Mend what is named and send them again: a rejected event has not taken its id. What only repeats recorded calls needs nothing."
        />
        <FormErrors errors=forms.one.errors()/>
        <FormErrors errors=forms.all.errors()/>
        <Transition fallback=|| view! { <Loading what="rejected events" lines=12/> }>
            {move || Suspend::new(async move {
                match rejected.await {
                    Ok(view) => draw(&org.get_untracked(), &UrlQuery::from(&*map.read_untracked()), &view, forms),
                    Err(error) => view! { <Failure what="rejected events" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// The forms of the page.
#[derive(Clone, Copy)]
struct Forms {
    one: Form<DismissRejected>,
    all: Form<DismissAllRejected>,
}

fn draw(org: &str, query: &UrlQuery, view: &RejectedView, forms: Forms) -> AnyView {
    let tabs = tabs(org, List::Rejected, view.listed.attention);
    let page = &view.listed.page;
    let rows = &page.rows;
    if rows.is_empty() && query.get("cursor").is_none() {
        let text = "Every event of the last 90 days could be recorded, or its entry was dismissed.";
        return view! { {tabs}<EmptyState title="Nothing was rejected" text=text/> }.into_any();
    }
    let mut columns = vec![
        Column::text("Last seen"),
        Column::number("Times"),
        Column::text("What was wrong"),
        Column::text("Field"),
        Column::text("Event"),
        Column::text("Model"),
        Column::text("Project"),
        Column::text("API key"),
    ];
    if view.may_dismiss {
        columns.push(Column::text("Dismiss").hidden());
    }
    let one = view.may_dismiss.then_some(forms.one);
    let body = rows.iter().map(|row| entry(org, row, one)).collect_view();
    let all = view.may_dismiss.then(|| dismiss_all(org, view, forms.all));
    let path = List::Rejected.path(org);
    let newest = query.get("cursor").map(|_| path.clone());
    let older = page.next_cursor.as_ref().map(|cursor| UrlQuery::new().with("cursor", cursor).at(&path));
    view! {
        {tabs}
        <Table caption="Rejected events, last seen first" columns=columns dense=true>{body}</Table>
        {all}
        <Pager previous=newest next=older previous_label="Newest"/>
    }
    .into_any()
}

fn entry(org: &str, row: &RejectedRow, dismiss: Option<Form<DismissRejected>>) -> AnyView {
    let field = if row.pointer.is_empty() { "whole event".to_owned() } else { row.pointer.clone() };
    let since = (row.times > 1).then(|| {
        let title = format::time_exact(row.first_received_at);
        view! { <span class="note note-below" title=title>"since "{format::time(row.first_received_at)}</span> }
    });
    let dismiss = dismiss.map(|form| view! { <td>{dismiss_one(org, row, form)}</td> });
    view! {
        <tr>
            <th scope="row" class="nowrap" title=format::time_exact(row.received_at)>
                <time datetime=format::time_machine(row.received_at)>{format::time_seconds(row.received_at)}</time>
                {since}
            </th>
            <td class="num">{format::count(row.times)}</td>
            <td class="wrap">{inline_code(&row.detail)}<span class="note">{row.code.clone()}</span></td>
            <td class="mono">{field}</td>
            <td class="mono">{row.id.clone()}</td>
            <td>{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td>{row.project.clone()}</td>
            <td>{row.key_name.clone()}</td>
            {dismiss}
        </tr>
    }
    .into_any()
}

fn dismiss_one(org: &str, row: &RejectedRow, form: Form<DismissRejected>) -> AnyView {
    let name = format!("Dismiss: {}", row.detail);
    let (org, entry) = (org.to_owned(), row.rejected_id.to_string());
    view! {
        <ActionForm action=form.action>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="entry" value=entry/>
            <RowButton text="Dismiss" name=name/>
        </ActionForm>
    }
    .into_any()
}

/// What came since the page was made stays.
fn dismiss_all(org: &str, view: &RejectedView, form: Form<DismissAllRejected>) -> AnyView {
    let (org, until) = (org.to_owned(), view.as_of.to_rfc3339_opts(SecondsFormat::Micros, true));
    view! {
        <ActionForm action=form.action>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="until" value=until/>
            <div class="actions">
                <Button disabled=form.pending()>"Dismiss all"</Button>
                <span class="soft small">"On every page of this list. What is rejected again is listed again."</span>
            </div>
        </ActionForm>
    }
    .into_any()
}
