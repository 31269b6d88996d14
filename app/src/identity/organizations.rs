//! All organizations of a person, and founding one.

use super::api::{CreateOrganization, SignOut};
use crate::caller::SignedIn;
use crate::form::Posted;
use crate::layout::{NavItem, Plain};
use crate::page::{Address, Drawn, Page};
use crate::sample;
use crate::ui::{
    Badge, Button, ButtonKind, EmptyState, Field, FormErrors, NoticeText, PageHead, Section, Table, Tone, UrlNotice,
    columns, html,
};
use chrono::{DateTime, Utc};
use domain::identity::{Organization, Role};
use domain::period::Zone;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: [NoticeText; 1] = [NoticeText { code: "left", tone: Tone::Good, text: "You left the organization." }];

/// What a new organization is asked for.
const ZONE_HINT: &str = "Type a city. Days and months of every number are this zone's.";

/// The person's organizations.
pub(crate) async fn organizations(_: Address) -> Drawn {
    let SignedIn { user, backend, .. } = SignedIn::or_sign_in().await?;
    let mine = backend::identity::organizations_of(&backend, user.user_id).await?;
    let title = if mine.is_empty() { "Create your organization" } else { "New organization" };
    let has_sample = mine.iter().any(|(organization, _)| organization.is_sample && organization.deletes_at.is_none());
    let sample = (!has_sample).then(|| view! { <Section title="Sample data" id="sample">{sample::form()}</Section> });
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
                    {zone_field(backend.clock.now(), form.kept("time_zone"), form.error("time_zone"), ZONE_HINT)}
                    <Button kind=ButtonKind::Primary>"Create organization"</Button>
                </form>
            </Section>
            {sample}
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
    let columns = columns("Name | Your role | Time zone");
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

/// The reporting time zone, found while one types. Where nothing is chosen yet, the browser's own zone is proposed.
pub(super) fn zone_field(now: DateTime<Utc>, value: Option<String>, error: Option<String>, hint: &str) -> AnyView {
    let suggestion = |zone: Zone| (zone.label(now), zone.old_names().collect::<Vec<_>>().join(" "));
    let (own, suggestions) = (value.is_none(), Zone::places().map(suggestion).collect());
    html! {
        <Field label="Reporting time zone" name="time_zone" value=value.unwrap_or_default() placeholder="Europe/Berlin"
            autocomplete="off" hint=hint suggestions=suggestions own_zone=own error=error/>
    }
}

/// The name of the zone that was chosen in [`zone_field`], or typed; a city that only one zone has is enough.
pub(super) fn zone_name(typed: &str) -> &str {
    let typed = typed.split_once(" (").map_or(typed, |(name, _)| name);
    let is_of = |zone: &Zone| {
        let city = zone.name().rsplit('/').next().unwrap_or_default().replace('_', " ");
        city.eq_ignore_ascii_case(typed.trim())
    };
    let mut zones = Zone::places().filter(is_of);
    match (zones.next(), zones.next()) {
        (Some(only), None) => only.name(),
        _ => typed,
    }
}

#[cfg(test)]
mod tests {
    use super::zone_name;

    #[test]
    fn a_zone_is_told_by_its_name_its_line_or_its_city() {
        assert_eq!(zone_name("Asia/Kolkata"), "Asia/Kolkata");
        assert_eq!(zone_name("Europe/Berlin (UTC+1)"), "Europe/Berlin");
        assert_eq!([zone_name("berlin"), zone_name(" New york ")], ["Europe/Berlin", "America/New_York"]);
        assert_eq!([zone_name("Atlantis"), zone_name("")], ["Atlantis", ""]);
    }
}
