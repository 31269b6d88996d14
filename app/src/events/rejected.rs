//! What could not be recorded, and why.

use super::api::{DismissAllRejected, DismissRejected};
use super::labels::{List, tabs};
use crate::form::Posted;
use crate::format;
use crate::layout::UrlQuery;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Button, Column, EmptyState, FormErrors, PageHead, Pager, RowButton, Table, columns, html, inline_code,
};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::event::{DEFAULT_PAGE, Page as Rows, RejectedRow};
use domain::identity::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Events that were rejected.
pub(crate) async fn rejected(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    // What comes later has not been seen.
    let as_of = backend.clock.now();
    let (rows, attention) = futures::try_join!(
        backend::ledger::rejected(backend, scope, visit.query.get("cursor"), DEFAULT_PAGE),
        backend::events::attention(backend, scope),
    )?;
    let (one, all) = (Posted::<DismissRejected>::here(), Posted::<DismissAllRejected>::here());
    Ok(Page::new(
        "Rejected events",
        view! {
            <PageHead
                title="Rejected events"
                lead="These were not recorded and cost nothing here. Fix the fields named and send them again: a rejected event has not taken its id. What only repeats recorded calls needs nothing."
            />
            <FormErrors errors=one.errors()/>
            <FormErrors errors=all.errors()/>
            {tabs(visit.org(), List::Rejected, attention)}
            {draw(&visit, &rows, as_of)}
        },
    ))
}

fn draw(visit: &Visit, Rows { rows, next_cursor }: &Rows<RejectedRow>, as_of: DateTime<Utc>) -> AnyView {
    let (org, query, path) = (visit.org(), &visit.query, &visit.path);
    if rows.is_empty() && query.get("cursor").is_none() {
        let text = "Every event of the last 90 days could be recorded, or its entry was dismissed.";
        return html! { <EmptyState title="Nothing was rejected" text=text/> };
    }
    let may_dismiss = visit.frame.may(Permission::ManageProjects);
    let mut columns = columns("Last seen | Times # | What was wrong | Event | Model | Project | API key");
    if may_dismiss {
        columns.push(Column::text("Dismiss").hidden());
    }
    let body = rows.iter().map(|row| entry(org, row, may_dismiss.then_some(as_of))).collect_view();
    let all = may_dismiss.then(|| dismiss_all(org, as_of));
    let newest = query.get("cursor").map(|_| path.clone());
    let older = next_cursor.as_ref().map(|cursor| UrlQuery::new().with("cursor", cursor).at(path));
    html! {
        <Table caption="Rejected events, last seen first" columns=columns dense=true>{body}</Table>
        {all}
        <Pager previous=newest next=older previous_label="Newest"/>
    }
}

fn entry(org: &str, row: &RejectedRow, dismissing: Option<DateTime<Utc>>) -> AnyView {
    let field = if row.pointer.is_empty() { "whole event".to_owned() } else { row.pointer.clone() };
    let since = (row.times > 1).then(|| {
        let title = format::time_exact(row.first_received_at);
        view! { <span class="note note-below" title=title>"since "{format::time(row.first_received_at)}</span> }
    });
    let dismiss = dismissing.map(
        |as_of| view! { <td><div class="actions">{dismiss_one(org, row)}{dismiss_reason(org, row, as_of)}</div></td> },
    );
    html! {
        <tr>
            <th scope="row" class="nowrap" title=format::time_exact(row.received_at)>
                <time datetime=format::time_machine(row.received_at)>{format::time_seconds(row.received_at)}</time>
                {since}
            </th>
            <td class="num">{format::count(row.times)}</td>
            <td class="wrap rejected-why">
                {inline_code(&row.detail)}
                <span class="note note-below"><span class="mono">{field}</span>" "{row.code.clone()}</span>
            </td>
            <td class="mono">{row.id.clone()}</td>
            <td>{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td>{row.project.clone()}</td>
            <td>{row.key_name.clone()}</td>
            {dismiss}
        </tr>
    }
}

fn dismiss_one(org: &str, row: &RejectedRow) -> AnyView {
    let name = format!("Dismiss: {}", row.detail);
    let (org, entry) = (org.to_owned(), row.rejected_id.to_string());
    html! {
        <form method="post" action=DismissRejected::url()>
            <input type="hidden" name="org" value=org/>
            <input type="hidden" name="entry" value=entry/>
            <RowButton text="Dismiss" name=name/>
        </form>
    }
}

/// Everything that was rejected for the same reason, whatever model or key it concerns.
fn dismiss_reason(org: &str, row: &RejectedRow, as_of: DateTime<Utc>) -> AnyView {
    let name = format!("All of this reason: dismiss {}", row.reason().describe());
    html! {
        <form method="post" action=DismissAllRejected::url()>
            {meant(org, as_of)}
            <input type="hidden" name="code" value=row.code.clone()/>
            <input type="hidden" name="pointer" value=row.pointer.clone()/>
            <RowButton text="All of this reason" name=name/>
        </form>
    }
}

/// What came since the page was made stays.
fn meant(org: &str, as_of: DateTime<Utc>) -> AnyView {
    let (org, until) = (org.to_owned(), as_of.to_rfc3339_opts(SecondsFormat::Micros, true));
    html! {
        <input type="hidden" name="org" value=org/>
        <input type="hidden" name="until" value=until/>
    }
}

fn dismiss_all(org: &str, as_of: DateTime<Utc>) -> AnyView {
    html! {
        <form method="post" action=DismissAllRejected::url()>
            {meant(org, as_of)}
            <div class="actions">
                <Button>"Dismiss all"</Button>
                <span class="soft small">"On every page of this list. What is rejected again is listed again."</span>
            </div>
        </form>
    }
}
