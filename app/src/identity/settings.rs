//! Settings of the organization.

use super::api::{DeleteOrganization, SetRetention, UpdateOrganization, load_settings};
use super::organizations::ZoneSelect;
use super::shell::use_org;
use super::views::Settings;
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::NavItem;
use crate::ui::{
    Button, ButtonKind, Checkbox, Choice, Facts, Field, FormErrors, Loading, Notice, NoticeText, PageHead, Section,
    Select, Tab, Tabs, Tone, UrlNotice, loaded,
};
use domain::identity::{Permission, ZoneChange, ZoneChangeState};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

const NOTICES: [NoticeText; 3] = [
    NoticeText { code: "saved", tone: Tone::Good, text: "Saved." },
    NoticeText { code: "deletion", tone: Tone::Good, text: "The owners have got a mail that says how to undo it." },
    NoticeText { code: "restored", tone: Tone::Good, text: "The organization stays." },
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The parts of Settings.
#[component]
pub fn SettingsTabs() -> impl IntoView {
    let org = use_org();
    let path = use_location().pathname;
    move || {
        let settings = NavItem::Settings.path(&org.read());
        let tab = |label: &'static str, part: &str| {
            let href = format!("{settings}{part}");
            let here = path.read().trim_end_matches('/') == href;
            Tab::new(label, href, here)
        };
        let tabs = vec![
            tab("Organization", ""),
            tab("Members", "/members"),
            tab("API keys", "/keys"),
            tab("Audit log", "/audit"),
            Tab::new("Sign-in security", "/account", false),
        ];
        view! { <Tabs label="Settings" tabs=tabs/> }
    }
}

/// `/o/{org}/settings`
#[component]
pub fn SettingsPage() -> impl IntoView {
    let org = use_org();
    let change = use_form::<UpdateOrganization>();
    let retention = use_form::<SetRetention>();
    let delete = use_form::<DeleteOrganization>();
    let data = loaded(move || org.get(), load_settings);
    view! {
        <Title text="Settings"/>
        <PageHead title="Settings"/>
        <SettingsTabs/>
        <UrlNotice known=&NOTICES/>
        <Suspense fallback=|| view! { <Loading what="settings"/> }>
            {move || Suspend::new(async move {
                match data.await {
                    Ok(settings) => page(settings, change, retention, delete),
                    Err(error) => view! { <Failure what="settings" error=error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn page(
    settings: Settings,
    change: Form<UpdateOrganization>,
    retention: Form<SetRetention>,
    delete: Form<DeleteOrganization>,
) -> AnyView {
    let may_change = settings.role.may(Permission::ManageOrganization);
    let may_delete = settings.role.may(Permission::DeleteOrganization) && settings.organization.deletes_at.is_none();
    let slug = settings.organization.slug.clone();
    let name = settings.organization.name.clone();
    let change_of_zone = settings.zone_change.clone();
    let moving = change_of_zone.map(|change| view! { <ZoneProgress org=slug.clone() change=change/> });
    let keep = may_change.then(|| retention_form(slug.clone(), settings.retention_days, retention));
    let main = if may_change { change_form(settings, change) } else { facts(settings) };
    view! {
        {moving}
        {main}
        {keep}
        {may_delete.then(|| delete_form(slug, name, delete))}
    }
    .into_any()
}

/// How far a change of the zone is, or why it failed.
#[component]
fn ZoneProgress(
    /// Slug of the organization.
    org: String,
    /// The change.
    change: ZoneChange,
) -> impl IntoView {
    let (tone, look) = match change.state {
        ZoneChangeState::Running { .. } => (Tone::Neutral, Some("2")),
        ZoneChangeState::Failed { .. } => (Tone::Bad, None),
    };
    view! {
        <div id="zone-change" data-live=look><Notice tone=tone>{change.describe()}</Notice></div>
        <noscript><p><a href=NavItem::Settings.path(&org)>"Look again"</a></p></noscript>
    }
}

fn facts(settings: Settings) -> AnyView {
    let organization = settings.organization;
    let month = MONTHS[usize::from(organization.fiscal_year_start_month.clamp(1, 12)) - 1];
    view! {
        <Facts>
            <div><dt>"Name"</dt><dd>{organization.name}</dd></div>
            <div><dt>"Reporting time zone"</dt><dd>{organization.time_zone}</dd></div>
            <div><dt>"Currency"</dt><dd>{organization.currency}</dd></div>
            <div><dt>"Fiscal year begins in"</dt><dd>{month}</dd></div>
            <div><dt>"Events are kept"</dt><dd>{kept(settings.retention_days)}</dd></div>
            <div><dt>"Suspected doubles"</dt><dd>{if settings.drops_doubles { "left out" } else { "recorded and marked" }}</dd></div>
            <div><dt>"Created"</dt><dd>{format::time(settings.created_at)}</dd></div>
        </Facts>
        <p class="soft">"Owners and admins can change this."</p>
    }
    .into_any()
}

fn change_form(settings: Settings, form: Form<UpdateOrganization>) -> AnyView {
    let organization = settings.organization;
    let months = MONTHS
        .iter()
        .zip(1..)
        .map(|(name, number): (_, u8)| Choice::new(number.to_string(), *name))
        .collect::<Vec<_>>();
    let month = form.kept_or("fiscal_year_start_month", &organization.fiscal_year_start_month.to_string());
    let zone = form.kept_or("time_zone", &organization.time_zone);
    let mut zones = settings.time_zones;
    if !zones.contains(&organization.time_zone) {
        zones.push(organization.time_zone.clone());
    }
    view! {
        <form class="form" method="post" action=UpdateOrganization::url()>
            <FormErrors errors=form.errors()/>
            <input type="hidden" name="org" value=organization.slug/>
            <Field label="Name" name="name" maxlength=80 error=form.error("name") value=form.kept_or("name", &organization.name)/>
            <ZoneSelect zones=zones value=Some(zone) error=form.error("time_zone")/>
            <p class="field-hint">"Changing the zone counts all days anew, in the background: until that is done, pages show the days of the zone before."</p>
            <Select label="Fiscal year begins in" name="fiscal_year_start_month" choices=months value=month
                error=form.error("fiscal_year_start_month")/>
            <Checkbox label="Leave out suspected doubles" name="drop_doubles" checked=form.kept_tick("drop_doubles", settings.drops_doubles)
                hint="An event that may be the same call as a recorded one, such as from a gateway and from your own code, or from two libraries in one trace. Left out, it stands in the rejected list; otherwise it is recorded and marked."/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Save"</Button></div>
        </form>
    }
    .into_any()
}

fn kept(days: Option<u32>) -> String {
    days.map_or_else(|| "for ever".to_owned(), |days| format!("for {days} days"))
}

fn retention_form(slug: String, days: Option<u32>, form: Form<SetRetention>) -> AnyView {
    let typed = form.kept_or("days", &days.map(|days| days.to_string()).unwrap_or_default());
    view! {
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
    .into_any()
}

fn delete_form(slug: String, name: String, form: Form<DeleteOrganization>) -> AnyView {
    let failed = !form.errors().get_untracked().is_empty();
    view! {
        <Section title="Delete the organization" id="delete">
            <p class="prose">"Deletes all events, spend, API keys, budgets, alerts, members and the audit log in seven days. Until then every owner can undo it; API keys record no events and mails wait."</p>
            <details open=failed>
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
    .into_any()
}
