//! The first minutes: three steps to the first number. Once the organization has events, its Overview.

use super::api::MakeFirstKey;
use super::first_key;
use crate::form::Posted;
use crate::format;
use crate::guides::{self, GUIDES, Guide, KEY_GOES_HERE};
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{Button, ButtonKind, EmptyState, FormErrors, PageHead, Tab, Tabs, html};
use crate::{sample, spend};
use domain::event::EventRow;
use domain::identity::Permission;
use domain::project::Project;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The parameter of a page that looks whether the first event has come, and then says so instead of giving way to the Overview.
const WAITING: &str = "waiting";

/// The checklist until the first event, then the Overview.
pub(crate) async fn first(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let (arriving, event) =
        futures::try_join!(backend::sample::progress(backend, scope), backend::events::newest(backend, scope))?;
    if let Some(share) = arriving {
        return Ok(sample::arriving(visit.org(), share));
    }
    if event.is_some() && visit.query.get(WAITING).is_none() {
        return spend::overview(visit).await;
    }
    let projects = backend::projects::list_projects(backend, scope).await?;
    if projects.is_empty() && !scope.sees_all() {
        let text = "It shows what your teams own, and they own no project.";
        let empty = view! { <PageHead title="Overview"/><EmptyState title="Nothing to see yet" text=text/> };
        return Ok(Page::new("Overview", empty));
    }
    Ok(Page::new("First steps", checklist(&visit, &projects, event)))
}

fn checklist(visit: &Visit, projects: &[Project], event: Option<EventRow>) -> AnyView {
    let organization = &visit.frame.organization;
    let live = projects.iter().filter(|project| project.archived_at.is_none());
    let projects = live.map(|project| project.name.as_str()).collect::<Vec<_>>().join(", ");
    let look = event.is_none().then_some("2");
    let arrived = match event {
        Some(event) => arrived(visit.org(), &event),
        None => html! {
            <p class="soft">"Waiting for the first event … it appears here by itself, with its cost."</p>
            <noscript><p><a href=NavItem::Overview.path(visit.org())>"Check again"</a></p></noscript>
        },
    };
    let key = first_key::of_this_browser(visit.org());
    if key.is_some() {
        keep_nowhere();
    }
    html! {
        <PageHead title="Three steps to your first number"/>
        <ol class="checklist">
            <li class="checklist-done"><h2>"Organization"</h2><p>{format!("{}, {}", organization.name, organization.time_zone)}</p></li>
            <li class="checklist-done"><h2>"Project"</h2><p>{projects}</p></li>
            <li class="checklist-now">
                <h2>"Send an event"</h2>
                {key_line(visit, key.is_some())}
                {snippets(visit, key.as_deref().unwrap_or(KEY_GOES_HERE))}
                <div class="checklist-wait" role="status" id="first-event" data-live=look data-live-from=format!("?{WAITING}=true")>
                    {arrived}
                </div>
            </li>
        </ol>
        <p>"Or look around first: "<a href="/organizations#sample">"load sample data"</a>", a realistic quarter of usage."</p>
    }
}

/// A page that shows a key is not there to go back to.
fn keep_nowhere() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.insert_header(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    }
}

/// Whether the snippets carry a key, and how they get one.
fn key_line(visit: &Visit, carried: bool) -> AnyView {
    if carried {
        return html! {
            <p>"The snippets carry a new API key that sends events. Keep it now: it is shown for a few minutes and never again."</p>
        };
    }
    if !visit.frame.may(Permission::ManageKeys) {
        return html! { <p>"Ask an owner, admin or member for an API key, and put it in place of "<code>{KEY_GOES_HERE}</code>"."</p> };
    }
    html! {
        <FormErrors errors={Posted::<MakeFirstKey>::here().errors()}/>
        <form class="actions" method="post" action=MakeFirstKey::url()>
            <input type="hidden" name="org" value=visit.org().to_owned()/>
            <Button kind=ButtonKind::Primary>"Create an API key"</Button>
            <span class="soft">"The snippets will carry it."</span>
        </form>
    }
}

fn snippets(visit: &Visit, key: &str) -> AnyView {
    let wanted = visit.query.get("snippet");
    let ways = GUIDES.iter().filter(|guide| guide.is_snippet());
    let chosen = ways.clone().find(|guide| Some(guide.word) == wanted).unwrap_or(&GUIDES[0]);
    let tab = |guide: &Guide| Tab::new(guide.label, visit.query.with("snippet", guide.word).at(""), guide == chosen);
    let tabs = ways.map(tab).collect();
    let code = chosen
        .snippets(&visit.backend.public_url, key)
        .enumerate()
        .map(|(at, code)| guides::snippet(chosen.label, at, code));
    html! {
        <Tabs label="Languages" tabs=tabs/>
        {code.collect_view()}
        <p class="soft">"More in "<a href=chosen.path()>{format!("the guide to {}", chosen.label)}</a>"; other ways: "
            <a href="/docs/guides/cloudevents">"CloudEvents"</a>", "<a href="/docs/guides/files">"files"</a>"."</p>
    }
}

fn arrived(org: &str, event: &EventRow) -> AnyView {
    let href = format!("{}/{}", NavItem::Events.path(org), event.event_key);
    let tokens = format::counted(event.tokens, "token");
    html! {
        <p class="checklist-arrived">
            <strong>{format::cost(event.cost)}</strong>
            {format!(" for {} ({}, {tokens}) at {}. ", event.model, event.provider, format::time_seconds(event.at))}
        </p>
        <div class="actions">
            <a class="button button-primary" href=href>"See its receipt"</a>
            <a class="button" href=NavItem::Overview.path(org)>"Open the Overview"</a>
        </div>
    }
}
