//! What stands around every page of an organization.

use super::api::{RestoreOrganization, SignOut};
use crate::form::Posted;
use crate::format;
use crate::guides;
use crate::layout::navigation::Badges;
use crate::layout::{Frame, Named};
use crate::page::Visit;
use crate::spend::{FilterMenu, filter_bar};
use crate::ui::{Button, FormErrors, Notice, Tone, html};
use backend::{Backend, Error, OrgScope};
use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::identity::{Email, Organization, Permission, Role, User};
use domain::period::{Calendar, Offsets};
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// What stands around an organization's pages.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameData {
    /// The organization.
    pub organization: Organization,
    /// All organizations of the reader: name and slug.
    pub organizations: Vec<(String, String)>,
    /// Who is signed in.
    pub email: Email,
    /// Their role here.
    pub role: Role,
    /// Names of the teams that they see; none where they see everything.
    pub teams: Option<Vec<String>>,
    scope: OrgScope,
    /// Today in the organization's zone.
    pub today: NaiveDate,
    /// The organization's clock.
    pub offsets: Offsets,
    /// When the organization will be deleted, in its own zone.
    pub deletes_at: Option<DateTime<FixedOffset>>,
}

impl FrameData {
    /// What named spans of days are seen from.
    #[must_use]
    pub const fn calendar(&self) -> Calendar {
        Calendar { today: self.today, fiscal_year_start_month: self.organization.fiscal_year_start_month }
    }

    /// Whether the reader may do it.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.scope.may(permission)
    }
}

/// What the frame shows to a member.
///
/// # Errors
/// Not found, where they are none.
pub(crate) async fn frame(backend: &Backend, scope: &OrgScope, user: &User, org: &str) -> Result<FrameData, Error> {
    let mine = backend::identity::organizations_of(backend, user.user_id).await?;
    let here = mine.iter().find(|(organization, _)| organization.slug == org);
    let (organization, role) = here.cloned().ok_or(Problem::NotFound)?;
    let deletes_at = organization.deletes_at.map(|at| scope.zone().local(at));
    let teams = if scope.sees_all() { None } else { Some(backend::projects::list_teams(backend, scope).await?) };
    Ok(FrameData {
        organization,
        organizations: mine.into_iter().map(|(other, _)| (other.name, other.slug)).collect(),
        email: user.email.clone(),
        role,
        teams: teams.map(|teams| teams.into_iter().map(|team| team.name).collect()),
        scope: scope.clone(),
        today: scope.zone().day_of(backend.clock.now()),
        offsets: scope.zone().offsets_around(backend.clock.now()),
        deletes_at,
    })
}

/// What waits for somebody; nothing where that cannot be known, because the numbers beside the navigation must not cost a page.
pub(crate) async fn waiting(visit: &Visit) -> Badges {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let counted = futures::try_join!(
        backend::events::attention(backend, scope),
        backend::budgets::over(backend, scope),
        backend::budgets::open_alerts(backend, scope),
    );
    let Ok((events, budgets, alerts)) = counted else { return Badges::default() };
    Badges { events: events.rejected + events.unpriced, budgets: budgets.unsigned_abs(), alerts: alerts.unsigned_abs() }
}

/// A page in its frame.
pub(crate) async fn framed(visit: &Visit, waiting: Badges, page: AnyView) -> AnyView {
    let (frame, calendar) = (visit.frame.clone(), visit.frame.calendar());
    let deletion = deletion(&frame, &Posted::<RestoreOrganization>::here());
    let limit = frame.teams.as_deref().map(limited_to);
    let whole = frame.may(Permission::ReadPrices);
    let filters = filter_bar(visit).await;
    let named = |(name, slug): (String, String)| Named::new(name, slug);
    let organizations: Vec<Named> = frame.organizations.into_iter().map(named).collect();
    html! {
        <Frame
            organization=Named::new(frame.organization.name, frame.organization.slug)
            organizations=organizations
            user=frame.email.to_string()
            badges=waiting
            whole=whole
            calendar=calendar
            sign_out=SignOut::url()
            filter=html! { <FilterMenu/> }
            help=guides::menu()
        >
            {deletion}
            {limit}
            {filters}
            {page}
        </Frame>
    }
}

/// On every page of somebody who sees some teams alone: whose the numbers are, and whom to ask for more.
fn limited_to(teams: &[String]) -> AnyView {
    if teams.is_empty() {
        let text = "You see no team of this organization, so there are no numbers. Ask an owner or admin to choose your teams under Members.";
        return html! { <Notice tone=Tone::Warn>{text}</Notice> };
    }
    let word = if teams.len() == 1 { "team" } else { "teams" };
    html! { <p class="soft small">{format!("Numbers of the {word} {}: your share of this organization.", teams.join(", "))}</p> }
}

/// On every page of an organization that is going to be deleted: when, and how to undo it.
fn deletion(data: &FrameData, form: &Posted<RestoreOrganization>) -> Option<AnyView> {
    let when = format::time(data.deletes_at?);
    let slug = data.organization.slug.clone();
    let undo = data.may(Permission::DeleteOrganization).then(|| {
        view! {
            <form method="post" action=RestoreOrganization::url()>
                <input type="hidden" name="org" value=slug/>
                <Button small=true>"Undo"</Button>
            </form>
        }
    });
    let text =
        format!("This organization will be deleted on {when}. Its API keys record no events and its mails wait.");
    Some(html! { <FormErrors errors=form.errors()/><Notice tone=Tone::Warn>{text}{undo}</Notice> })
}
