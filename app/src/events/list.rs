//! The list of events: newest first, growing by itself where JavaScript runs.

use super::api::asked;
use super::labels::{List, event_table, tabs};
use crate::format;
use crate::layout::{CsvLink, NavItem, UrlQuery};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{EmptyState, Notice, PageHead, Pager, Tone, html};
use domain::event::{Attention, EventRow, Page as Rows, UnreadUsage};
use domain::spend::{KnownDimension, OTHER};
use leptos::prelude::*;

/// Between two looks for new events, in seconds.
const LOOK_SECS: &str = "4";

/// Fields of unread usage that the page lists.
const SHOWN_UNREAD: usize = 10;

/// All events of the chosen days.
pub(crate) async fn events(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let query = asked(backend, scope, &visit.query.pairs())?;
    let (rows, attention, unread, known) = futures::join!(
        backend::events::list(backend, scope, &query),
        backend::events::attention(backend, scope),
        backend::events::unread_usage(backend, scope),
        backend::ledger::dimensions(backend, scope),
    );
    let (rows, attention) = (rows?, attention?);
    // Nothing is said of what cannot be known now.
    let unread = unread_notice(visit.org(), &unread.unwrap_or_default());
    let others = known.unwrap_or_default().iter().filter_map(others).collect_view();
    Ok(Page::new(
        "Events",
        view! {
            <PageHead title="Events" lead="Every attempt to use a model, with what it cost and why."><CsvLink/></PageHead>
            {unread}
            {others}
            {draw(&visit, &rows, attention)}
        },
    ))
}

/// Says which numbers of usage objects no rule read, with the events that have them.
fn unread_notice(org: &str, unread: &[UnreadUsage]) -> Option<impl IntoView + use<>> {
    let rows = unread.iter().take(SHOWN_UNREAD).map(|unread| {
        let values = unread.values.iter().map(|value| ("unread_usage", value.as_str()));
        let query: UrlQuery = values
            .chain([("provider", unread.provider.as_str())])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let events = format::counted(unread.events, "event");
        let href = query.at(&NavItem::Events.path(org));
        view! { <li>{unread.provider.clone()}" "<code>{unread.field.clone()}</code>": "<a href=href>{events}</a></li> }
    });
    let rows = rows.collect_view();
    let more = unread.len().saturating_sub(SHOWN_UNREAD);
    let more = (more > 0).then(|| format!("and {more} more fields"));
    (!unread.is_empty()).then(|| {
        view! {
            <Notice tone=Tone::Warn>
                "Usage of the last 30 days that no rule reads: it may be billed, and it is not in any cost here."
                <ul>{rows}{more.map(|more| view! { <li>{more}</li> })}</ul>
            </Notice>
        }
    })
}

/// Says which dimensions have more values than are told apart.
fn others(known: &KnownDimension) -> Option<impl IntoView + use<>> {
    let since = format::day_year(known.other_since?.date_naive());
    let label = known.dimension.label();
    let limit = known.limit.map_or_else(String::new, |limit| format!("more than {} values: ", format::count(limit)));
    let text = format!(
        "{label} has {limit}new ones count as {OTHER} since {since}. Their events keep what was sent, and no money is lost."
    );
    Some(view! { <Notice tone=Tone::Warn>{text}</Notice> })
}

fn draw(visit: &Visit, Rows { rows, next_cursor }: &Rows<EventRow>, attention: Attention) -> AnyView {
    let (org, present, path) = (visit.org(), &visit.query, &visit.path);
    let body = if rows.is_empty() { nothing(present) } else { event_table(org, "Events, newest first", rows) };
    let newest = present.get("cursor").map(|_| present.without(&[]).at(path));
    let older = next_cursor.as_ref().map(|cursor| present.with("cursor", cursor).at(path));
    let shown = (!rows.is_empty()).then(|| format::counted(i128::try_from(rows.len()).unwrap_or_default(), "event"));
    // Only the newest part of the list grows.
    let live = newest.is_none();
    html! {
        <div class="part" id="events" data-live=live.then_some(LOOK_SECS)>
        {tabs(org, List::All, attention)}
        {live.then(|| view! { <p class="events-bar soft small with-scripts">"new events appear by themselves"</p> })}
        {body}
        <Pager previous=newest next=older shown=shown.unwrap_or_default() previous_label="Newest"/>
        </div>
    }
}

fn nothing(query: &UrlQuery) -> AnyView {
    if query.get("cursor").is_some() {
        return html! { <EmptyState title="No older events" text="This was the end of the list."/> };
    }
    let text = "Choose other days, take a filter away, or send the first event with an API key.";
    html! {
        <EmptyState title="No events here" text=text>
            <a class="button" href="/docs" rel="external">"How to send events"</a>
        </EmptyState>
    }
}
