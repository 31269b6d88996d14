//! All organizations of a person, and founding one.

use super::api::{CreateOrganization, SignOut, load_organizations};
use super::views::OrganizationList;
use crate::error::Failure;
use crate::form::{Form, use_form};
use crate::layout::{NavItem, Plain};
use crate::sample::{LoadSample, LoadSampleForm};
use crate::ui::{
    Badge, Button, ButtonKind, Choice, Column, EmptyState, Field, FormErrors, Loading, NoticeText, PageHead, Section,
    Select, Table, Tone, UrlNotice, loaded_first,
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;

const NOTICES: [NoticeText; 1] = [NoticeText { code: "left", tone: Tone::Good, text: "You left the organization." }];

/// `/organizations`
#[component]
pub fn OrganizationsPage() -> impl IntoView {
    let form = use_form::<CreateOrganization>();
    let sample = use_form::<LoadSample>();
    let list = loaded_first(|| (), |()| load_organizations());
    view! {
        <Title text="Organizations"/>
        <Suspense fallback=|| view! { <Plain><Loading what="organizations"/></Plain> }>
            {move || Suspend::new(async move {
                match list.await {
                    Ok(list) => page(list, form, sample),
                    Err(error) => view! { <Plain><Failure what="organizations" error=error/></Plain> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn page(list: OrganizationList, form: Form<CreateOrganization>, sample: Form<LoadSample>) -> AnyView {
    let email = list.email.to_string();
    let first = list.organizations.is_empty();
    let zones = list.time_zones;
    let rows = list
        .organizations
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
    let title = if first { "Create your organization" } else { "New organization" };
    view! {
        <Plain wide=true corner=Box::new(|| corner(email))>
            <PageHead title="Organizations"/>
            <UrlNotice known=&NOTICES/>
            {if first {
                view! { <EmptyState title="You belong to no organization yet" text="Create one, or open the link of an invitation."/> }.into_any()
            } else {
                view! { <Table caption="Your organizations" columns=columns>{rows}</Table> }.into_any()
            }}
            <Section title=title>
                <form class="form" method="post" action=CreateOrganization::url()>
                    <FormErrors errors=form.errors()/>
                    <Field label="Name" name="name" maxlength=80 error=form.error("name") value=form.kept_or("name", "")/>
                    <ZoneSelect zones=zones value=form.kept("time_zone") error=form.error("time_zone")/>
                    <Button kind=ButtonKind::Primary>"Create organization"</Button>
                </form>
            </Section>
            <Section title="Sample data" id="sample"><LoadSampleForm form=sample/></Section>
        </Plain>
    }
    .into_any()
}

fn corner(email: String) -> AnyView {
    view! {
        <div class="actions">
            <a href="/account">{email}</a>
            <form method="post" action=SignOut::url()><Button small=true>"Sign out"</Button></form>
        </div>
    }
    .into_any()
}

/// The reporting time zone. Where nothing is chosen yet, the browser's own zone is proposed.
#[component]
pub fn ZoneSelect(
    /// Names of all zones.
    zones: Vec<String>,
    /// The zone chosen so far.
    value: Option<String>,
    /// What is wrong with it.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let choices = zones.into_iter().map(choice).collect::<Vec<_>>();
    let own = value.is_none();
    view! {
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
