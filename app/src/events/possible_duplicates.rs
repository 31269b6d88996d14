//! Possible duplicates: one call that came by two routes, with the money that may be counted twice.

use super::labels::{List, cost_cell, event_path, tabs};
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{EmptyState, Notice, PageHead, Pager, Table, Tone, columns, html};
use domain::event::{DEFAULT_PAGE, EventRow, Page as Rows, PossibleDuplicate, PossibleDuplicateTotals};
use leptos::prelude::*;

/// `/o/{org}/events/possible-duplicates`
pub(crate) async fn possible_duplicates(visit: Visit) -> Drawn {
    let (backend, scope, org) = (&visit.backend, &visit.scope, visit.org());
    let (rows, totals, attention) = futures::try_join!(
        backend::events::possible_duplicates(backend, scope, visit.query.get("cursor"), DEFAULT_PAGE),
        backend::events::possible_duplicate_totals(backend, scope),
        backend::events::attention(backend, scope),
    )?;
    Ok(Page::new(
        "Possible duplicates",
        view! {
            <PageHead
                title="Possible duplicates"
                lead="One call that may be recorded twice: the provider's answer has the id of one that was recorded before, such as from a gateway and from your own code, or two libraries tell the same in one trace."
            />
            {tabs(org, List::PossibleDuplicates, attention)}
            {draw(&visit, &rows, totals)}
        },
    ))
}

fn draw(
    visit: &Visit,
    Rows { rows, next_cursor }: &Rows<PossibleDuplicate>,
    totals: PossibleDuplicateTotals,
) -> AnyView {
    let (org, query, path) = (visit.org(), &visit.query, &visit.path);
    if rows.is_empty() && query.get("cursor").is_none() {
        let (text, policy) = ("No two recorded events look like the same call.", policy(org, totals));
        return html! { <EmptyState title="No possible duplicates" text=text>{policy}</EmptyState> };
    }
    let columns =
        columns("Recorded again | Recorded first | Model | Project | Counted again, $ # | Counted first, $ #");
    let body = rows.iter().map(|row| duplicate_row(org, row)).collect_view();
    let newest = query.get("cursor").map(|_| path.clone());
    let older = next_cursor.as_ref().map(|cursor| UrlQuery::new().with("cursor", cursor).at(path));
    html! {
        {sum(org, totals)}
        <Table caption="Possible duplicates, newest first" columns=columns dense=true>{body}</Table>
        <Pager previous=newest next=older previous_label="Newest"/>
    }
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
    html! { <Notice tone=Tone::Warn>{said}{unpriced}" "{policy}</Notice> }
}

fn policy(org: &str, totals: PossibleDuplicateTotals) -> AnyView {
    let settings = NavItem::Settings.path(org);
    let said = if totals.drops {
        "From now on they are left out and stand in the rejected list: "
    } else {
        "They are recorded and marked; they can be left out instead: "
    };
    html! { <span>{said}<a href=settings>"Settings"</a></span> }
}

fn duplicate_row(org: &str, duplicate: &PossibleDuplicate) -> AnyView {
    let row = &duplicate.row;
    let first = duplicate.first.as_ref().map_or_else(
        || html! { <td class="soft">"not kept any more"</td> },
        |first| html! { <td class="nowrap">{event_link(org, first)}</td> },
    );
    let first_cost = duplicate
        .first
        .as_ref()
        .map_or_else(|| html! { <td class="num">{format::NONE}</td> }, |first| cost_cell(org, first));
    html! {
        <tr>
            <th scope="row" class="nowrap">{event_link(org, row)}</th>
            {first}
            <td>{row.model.clone()}<span class="note">{row.provider.clone()}</span></td>
            <td>{row.project.clone()}</td>
            {cost_cell(org, row)}
            {first_cost}
        </tr>
    }
}

fn event_link(org: &str, row: &EventRow) -> AnyView {
    let label = format!("Event {} of {}", row.id, format::time_seconds(row.at));
    html! {
        <a href=event_path(org, row.event_key) aria-label=label title=row.id.clone()>
            <time datetime=format::time_machine(row.at)>{format::time_seconds(row.at)}</time>
        </a>
    }
}
