//! Settings of the organization.

use super::api::{DeleteOrganization, SetRetention, UpdateOrganization};
use super::organizations::zone_field;
use crate::form::Posted;
use crate::format;
use crate::layout::{CsvLink, NavItem};
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Button, ButtonKind, Checkbox, Choice, Columns, Facts, Field, FormErrors, Notice, NoticeText, PageHead, Section,
    Select, Stacked, Tab, Tabs, Tone, UrlNotice, html,
};
use chrono::Month;
use domain::identity::{Permission, ZoneChange, ZoneChangeState};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: [NoticeText; 3] = [
    NoticeText { code: "saved", tone: Tone::Good, text: "Saved." },
    NoticeText { code: "deletion", tone: Tone::Good, text: "The owners have got a mail that says how to undo it." },
    NoticeText { code: "restored", tone: Tone::Good, text: "The organization stays." },
];

/// A page of Settings, below their heading and tabs.
pub(crate) fn settings_part(visit: &Visit, title: &str, body: AnyView) -> Page {
    let settings = NavItem::Settings.path(visit.org());
    let tab = |label: &str, part: &str| {
        let href = format!("{settings}{part}");
        let here = visit.path.trim_end_matches('/') == href;
        Tab::new(label, href, here)
    };
    let tabs = vec![
        tab("Organization", ""),
        tab("Members", "/members"),
        tab("API keys", "/keys"),
        tab("Audit log", "/audit"),
        Tab::new("Security", "/account", false),
    ];
    // All parts but the organization's own are lists.
    let file = (visit.path != settings).then(|| view! { <CsvLink/> });
    Page::new(title, view! { <PageHead title="Settings">{file}</PageHead><Tabs label="Settings" tabs=tabs/>{body} })
}

/// What the organization is called, how it counts, how long it keeps what it has.
pub(crate) async fn settings(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let (days, drops_possible_duplicates, zone_change) = futures::try_join!(
        backend::ledger::retention(backend, scope),
        backend::events::drops_possible_duplicates(backend, scope),
        backend::identity::zone_change(backend, scope),
    )?;
    let may_change = visit.frame.may(Permission::ManageOrganization);
    let may_delete = visit.frame.may(Permission::DeleteOrganization) && visit.frame.organization.deletes_at.is_none();
    let form = if may_change {
        change_form(&visit, drops_possible_duplicates)
    } else {
        facts(&visit, days, drops_possible_duplicates)
    };
    let (retention, deletion) =
        (may_change.then(|| retention_form(&visit, days)), may_delete.then(|| delete_form(&visit)));
    let body = view! {
        <UrlNotice known=&NOTICES/>
        {zone_change.map(|change| zone_progress(&visit, &change))}
        <Columns>
            <Section title="Organization">{form}</Section>
            <Stacked>{retention}{deletion}</Stacked>
        </Columns>
    };
    Ok(settings_part(&visit, "Settings", body.into_any()))
}

/// How far a change of the zone is, or why it failed.
fn zone_progress(visit: &Visit, change: &ZoneChange) -> AnyView {
    let (tone, look) = match change.state {
        ZoneChangeState::Running { .. } => (Tone::Neutral, Some("2")),
        ZoneChangeState::Failed { .. } => (Tone::Bad, None),
    };
    let how = change.describe();
    html! {
        <div id="zone-change" data-live=look><Notice tone=tone>{how}</Notice></div>
        <noscript><p><a href=NavItem::Settings.path(visit.org())>"Look again"</a></p></noscript>
    }
}

fn facts(visit: &Visit, days: Option<u32>, drops_possible_duplicates: bool) -> AnyView {
    let organization = visit.frame.organization.clone();
    let created_at = visit.scope.zone().local(organization.created_at);
    html! {
        <Facts>
            <div><dt>"Name"</dt><dd>{organization.name}</dd></div>
            <div><dt>"Reporting time zone"</dt><dd>{organization.time_zone}</dd></div>
            <div><dt>"Currency"</dt><dd>{organization.currency}</dd></div>
            <div><dt>"Fiscal year begins in"</dt><dd>{month(organization.fiscal_year_start_month)}</dd></div>
            <div><dt>"Events are kept"</dt><dd>{kept(days)}</dd></div>
            <div><dt>"Possible duplicates"</dt><dd>{if drops_possible_duplicates { "left out" } else { "recorded and marked" }}</dd></div>
            <div><dt>"Created"</dt><dd>{format::time(created_at)}</dd></div>
        </Facts>
        <p class="soft">"Owners and admins can change this."</p>
    }
}

fn month(number: u8) -> &'static str {
    Month::try_from(number).unwrap_or(Month::January).name()
}

fn change_form(visit: &Visit, drops_possible_duplicates: bool) -> AnyView {
    let form = Posted::<UpdateOrganization>::here();
    let organization = visit.frame.organization.clone();
    let months = (1..=12).map(|number: u8| Choice::new(number.to_string(), month(number))).collect::<Vec<_>>();
    let first = form.kept_or("fiscal_year_start_month", &organization.fiscal_year_start_month.to_string());
    let now = visit.backend.clock.now();
    let zone = form.kept_or("time_zone", &visit.scope.zone().label(now));
    html! {
        <form class="form" method="post" action=UpdateOrganization::url()>
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=organization.slug/>
            <Field label="Name" name="name" maxlength=80 error=form.error("name") value=form.kept_or("name", &organization.name)/>
            {zone_field(now, Some(zone), form.error("time_zone"), ZONE_HINT)}
            <Select label="Fiscal year begins in" name="fiscal_year_start_month" choices=months value=first
                error=form.error("fiscal_year_start_month")/>
            <Checkbox label="Leave out possible duplicates" name="drop_possible_duplicates" checked=form.kept_tick("drop_possible_duplicates", drops_possible_duplicates)
                hint="An event that may be the same call as a recorded one, such as from a gateway and from your own code, or from two libraries in one trace. Left out, it stands in the rejected list; otherwise it is recorded and marked."/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
        </form>
    }
}

/// What a change of the zone does.
const ZONE_HINT: &str = "Type a city. A change counts all days anew, in the background; until that is done, pages show the days of the zone before.";

fn kept(days: Option<u32>) -> String {
    days.map_or_else(|| "for ever".to_owned(), |days| format!("for {days} days"))
}

fn retention_form(visit: &Visit, days: Option<u32>) -> AnyView {
    let form = Posted::<SetRetention>::here();
    let slug = visit.org().to_owned();
    let typed = form.kept_or("days", &days.map(|days| days.to_string()).unwrap_or_default());
    html! {
        <Section title="Retention" id="retention">
            <p class="prose">{format!("Events are kept {}. Older ones leave by whole months, with their receipts, and are not taken any more; every sum, statement and budget stays as it is.", kept(days))}</p>
            <form class="form" method="post" action=SetRetention::url()>
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="org" value=slug/>
                <Field label="Keep events for (days)" name="days" inputmode="numeric" optional=true error=form.error("days") value=typed
                    hint="34 to 3,653 days; empty keeps them for ever. What has left does not come back."/>
                <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
            </form>
        </Section>
    }
}

fn delete_form(visit: &Visit) -> AnyView {
    let form = Posted::<DeleteOrganization>::here();
    let failed = !form.errors().is_empty();
    let (slug, name) = (visit.org().to_owned(), visit.frame.organization.name.clone());
    html! {
        <Section title="Delete the organization" id="delete">
            <p class="prose">"Deletes all events, spend, API keys, budgets, alerts, members and the audit log in seven days. Until then every owner can undo it; API keys record no events and mails wait."</p>
            <details class="fold" open=failed>
                <summary>"Delete this organization …"</summary>
                <form class="form" method="post" action=DeleteOrganization::url()>
                    <FormErrors errors=form.errors()/>
                    <input type="hidden" name="org" value=slug/>
                    <Field label=format!("Type “{name}” to confirm") name="typed_name" autocomplete="off" error=form.error("typed_name")/>
                    <div class="actions"><Button kind=ButtonKind::Danger>"Delete in seven days"</Button></div>
                </form>
            </details>
        </Section>
    }
}
