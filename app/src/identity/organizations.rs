//! All organizations of a person, and founding one.

use super::api::{CreateOrganization, SignOut};
use crate::caller::SignedIn;
use crate::form::Posted;
use crate::layout::{NavItem, Plain};
use crate::page::{Address, Drawn, Page};
use crate::sample;
use crate::ui::{
    Badge, Button, ButtonKind, Choice, Column, EmptyState, Field, FormErrors, NoticeText, PageHead, Section, Select,
    Table, Tone, UrlNotice, html,
};
use domain::identity::{Organization, Role};
use domain::period::Zone;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: [NoticeText; 1] = [NoticeText { code: "left", tone: Tone::Good, text: "You left the organization." }];

/// The person's organizations.
pub(crate) async fn organizations(_: Address) -> Drawn {
    let SignedIn { user, backend, .. } = SignedIn::or_sign_in().await?;
    let mine = backend::identity::organizations_of(&backend, user.user_id).await?;
    let title = if mine.is_empty() { "Create your organization" } else { "New organization" };
    let list = list(mine);
    let form = Posted::<CreateOrganization>::here();
    let body = view! {
        <Plain wide=true corner=Box::new(move || corner(user.email.to_string()))>
            <PageHead title="Organizations"/>
            <UrlNotice known=&NOTICES/>
            {list}
            <Section title=title>
                <form class="form" method="post" action=CreateOrganization::url()>
                    <FormErrors errors=form.errors()/>
                    <Field label="Name" name="name" maxlength=80 error=form.error("name") value=form.kept_or("name", "")/>
                    {zone_select(time_zones(), form.kept("time_zone"), form.error("time_zone"))}
                    <Button kind=ButtonKind::Primary>"Create organization"</Button>
                </form>
            </Section>
            <Section title="Sample data" id="sample">{sample::form()}</Section>
        </Plain>
    };
    Ok(Page::new("Organizations", body))
}

fn list(organizations: Vec<(Organization, Role)>) -> AnyView {
    if organizations.is_empty() {
        return html! { <EmptyState title="You belong to no organization yet" text="Create one, or open the link of an invitation."/> };
    }
    let rows = organizations
        .into_iter()
        .map(|(organization, role)| {
            view! {
                <tr>
                    <th scope="row">
                        <a href=NavItem::Overview.path(&organization.slug)>{organization.name}</a>
                        {organization.is_sample.then(|| view! { " "<Badge>"sample"</Badge> })}
                        {organization.deletes_at.map(|_| view! { " "<Badge tone=Tone::Warn>"will be deleted"</Badge> })}
                    </th>
                    <td>{role.as_str()}</td>
                    <td>{organization.time_zone}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = vec![Column::text("Name"), Column::text("Your role"), Column::text("Time zone")];
    html! { <Table caption="Your organizations" columns=columns>{rows}</Table> }
}

fn corner(email: String) -> AnyView {
    html! {
        <div class="actions">
            <a href="/account">{email}</a>
            <form method="post" action=SignOut::url()><Button small=true>"Sign out"</Button></form>
        </div>
    }
}

/// Zones that a person would choose: places, and UTC; without historical names.
pub(super) fn time_zones() -> Vec<String> {
    const PLACES: [&str; 9] =
        ["Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/"];
    let places = Zone::names().filter(|name| PLACES.iter().any(|place| name.starts_with(place)));
    std::iter::once("UTC").chain(places).map(str::to_owned).collect()
}

/// The reporting time zone. Where nothing is chosen yet, the browser's own zone is proposed.
pub(super) fn zone_select(zones: Vec<String>, value: Option<String>, error: Option<String>) -> AnyView {
    let choices = zones.into_iter().map(choice).collect::<Vec<_>>();
    let own = value.is_none();
    html! {
        <Select label="Reporting time zone" name="time_zone" choices=choices value=value.unwrap_or_else(|| "UTC".to_owned())
            hint="Days and months of every number are this zone's." own_zone=own error=error/>
    }
}

/// "Asia/Kolkata" as "Kolkata" under "Asia".
fn choice(zone: String) -> Choice {
    match zone.clone().split_once('/') {
        Some((part, place)) => Choice::new(zone, place.replace('_', " ").replace('/', ", ")).group(part),
        None => Choice::new(zone.clone(), zone),
    }
}
