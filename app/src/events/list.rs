//! The list of events: newest first, growing by itself where JavaScript runs.

use super::api::{load_events, load_unread};
use super::labels::{List, event_table, tabs};
use crate::error::Failure;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::spend::CHOOSE;
use crate::spend::api::load_dimensions;
use crate::ui::{EmptyState, Icon, Loading, Notice, PageHead, Pager, Sign, Tone, loaded};
use domain::event::{EventRow, Listed, UnreadUsage};
use domain::spend::{KnownDimension, OTHER};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

/// Between two looks for new events, in seconds.
const LOOK_SECS: &str = "4";

/// Fields of unread usage that the page lists.
const SHOWN_UNREAD: usize = 10;

type Asked = (String, Vec<(String, String)>);

/// All events of the chosen days.
#[component]
pub fn EventsPage() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").unwrap_or_default());
    let map = use_query_map();
    let query = Memo::new(move |_| UrlQuery::from(&*map.read()));
    let asked = Memo::new(move |_| -> Asked { (org.get(), but_choose(&query.read()).pairs()) });
    let events = loaded(move || asked.get(), |(org, query)| load_events(org, query));
    view! {
        <Title text="Events"/>
        <PageHead title="Events" lead="Every attempt to use a model, with what it cost and why."/>
        <Unread org=org/>
        <Others org=org/>
        <Transition fallback=|| view! { <Loading what="events" lines=12/> }>
            {move || Suspend::new(async move {
                match events.await {
                    Ok(listed) => draw(&org.get_untracked(), &query.get_untracked(), &listed),
                    Err(error) => view! { <Failure what="events" error=error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// Says which numbers of usage objects no rule read, with the events that have them. Nothing where it cannot be known: the list below says why.
#[component]
fn Unread(
    /// Slug of the organization.
    org: Memo<String>,
) -> impl IntoView {
    let unread = loaded(move || org.get(), load_unread);
    view! {
        <Transition>
            {move || Suspend::new(async move { unread_notice(&org.get_untracked(), &unread.await.unwrap_or_default()) })}
        </Transition>
    }
}

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

/// Says which dimensions have more values than are told apart. Nothing where it cannot be known: the list below says why.
#[component]
fn Others(
    /// Slug of the organization.
    org: Memo<String>,
) -> impl IntoView {
    let known = loaded(move || org.get(), load_dimensions);
    view! {
        <Transition>
            {move || Suspend::new(async move { known.await.unwrap_or_default().iter().filter_map(others).collect_view() })}
        </Transition>
    }
}

fn others(known: &KnownDimension) -> Option<impl IntoView + use<>> {
    let since = format::day_year(known.other_since?.date_naive());
    let label = known.dimension.label();
    let limit = known.limit.map_or_else(String::new, |limit| format!("more than {} values: ", format::count(limit)));
    let text = format!(
        "{label} has {limit}new ones count as {OTHER} since {since}. Their events keep what was sent, and no money is lost."
    );
    Some(view! { <Notice tone=Tone::Warn>{text}</Notice> })
}

fn draw(slug: &str, present: &UrlQuery, listed: &Listed<EventRow>) -> AnyView {
    let tabs = tabs(slug, List::All, listed.attention);
    let rows = &listed.page.rows;
    let body = if rows.is_empty() { nothing(present) } else { event_table(slug, "Events, newest first", rows) };
    let path = NavItem::Events.path(slug);
    let newest = present.get("cursor").map(|_| present.without(&[]).at(&path));
    let older = listed.page.next_cursor.as_ref().map(|cursor| present.with("cursor", cursor).at(&path));
    let shown = (!rows.is_empty()).then(|| format::counted(i128::try_from(rows.len()).unwrap_or_default(), "event"));
    // Only the newest part of the list grows.
    let live = newest.is_none();
    let file = file(slug, present);
    view! {
        <div class="part" id="events" data-live=live.then_some(LOOK_SECS)>
        {tabs}
        <div class="events-bar">
            <span class="soft small with-scripts">{live.then_some("new events appear by themselves")}</span>
            <a class="events-file" href=file download="" rel="external"><Icon sign=Sign::Download/>" CSV"</a>
        </div>
        {body}
        <Pager previous=newest next=older shown=shown.unwrap_or_default() previous_label="Newest"/>
        </div>
    }
    .into_any()
}

fn nothing(query: &UrlQuery) -> AnyView {
    if query.get("cursor").is_some() {
        return view! { <EmptyState title="No older events" text="This was the end of the list."/> }.into_any();
    }
    let text = "Choose other days, take a filter away, or send the first event with an API key.";
    view! {
        <EmptyState title="No events here" text=text>
            // Served beside this page's router, not by it.
            <a class="button" href="/docs" rel="external">"How to send events"</a>
        </EmptyState>
    }
    .into_any()
}

/// The same events as a file, all pages of them.
fn file(org: &str, query: &UrlQuery) -> String {
    query.without(&[CHOOSE]).at(&format!("/o/{org}/events.csv"))
}

/// Without the parameter that only opens the list of a filter's values.
fn but_choose(query: &UrlQuery) -> UrlQuery {
    query.iter().filter(|(name, _)| *name != CHOOSE).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
