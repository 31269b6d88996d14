//! The frame around every page of an organization.

use super::NotFoundPage;
use super::api::{RestoreOrganization, SignOut, load_frame, load_waiting};
use super::views::{FrameData, Waiting};
use crate::error::AppError;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::navigation::Badges;
use crate::layout::{Frame, Named, Plain};
use crate::spend::{FilterBar, FilterMenu};
use crate::ui::{Button, ErrorState, FormErrors, Notice, PageHead, Tone, for_real, loaded_first};
use domain::identity::Permission;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_params_map};

/// The slug of the organization whose page this is.
#[must_use]
pub fn use_org() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.read().get("org").unwrap_or_default())
}

/// What the frame knows, for the pages inside it: the organization, the reader's role, today.
#[must_use]
pub fn use_frame() -> Option<FrameData> {
    use_context::<FrameData>()
}

/// `/o/{org}/…`: lets members in and puts the frame around their page.
#[component]
pub fn OrganizationShell() -> impl IntoView {
    let org = use_org();
    // Blocking: it decides the status and the redirect of the whole page.
    let data = loaded_first(move || org.get(), load_frame);
    let restore = use_form::<RestoreOrganization>();
    view! {
        // Not `Suspense`: that takes the frame away for a moment, and the focus with it, whenever another page comes.
        <Transition>
            {move || Suspend::new(async move {
                let data = data.await;
                for_real().await;
                match data {
                    Ok(data) => view! { <Framed data=data restore=restore/> }.into_any(),
                    Err(AppError(problem)) => refused(&problem),
                }
            })}
        </Transition>
    }
}

#[component]
fn Framed(
    /// What stands in the frame.
    data: FrameData,
    /// Undoes the deletion of the organization.
    restore: Form<RestoreOrganization>,
) -> impl IntoView {
    // By itself: every date of a list asks for it, and the whole frame is large.
    provide_context(data.offsets.clone());
    provide_context(data.clone());
    let deletion = deletion(&data, restore);
    let badges = counted(data.organization.slug.clone());
    let named = |(name, slug): (String, String)| Named::new(name, slug);
    let organizations: Vec<Named> = data.organizations.into_iter().map(named).collect();
    let projects: Vec<Named> = data.projects.into_iter().map(named).collect();
    let teams: Vec<Named> = data.teams.into_iter().map(named).collect();
    view! {
        <Frame
            organization=Named::new(data.organization.name, data.organization.slug)
            organizations=organizations
            projects=projects
            teams=teams
            user=data.email.to_string()
            badges=badges
            today=data.today
            sign_out=SignOut::url()
            filter=|| view! { <FilterMenu/> }
        >
            {deletion}
            <FilterBar/>
            <Outlet/>
        </Frame>
    }
}

/// On every page of an organization that is going to be deleted: when, and how to undo it.
fn deletion(data: &FrameData, form: Form<RestoreOrganization>) -> Option<AnyView> {
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
    Some(view! { <FormErrors errors=form.errors()/><Notice tone=Tone::Warn>{text}{undo}</Notice> }.into_any())
}

/// What waits for somebody: counted in the browser once the page is there, and again with every other page. Badges must not hold it up.
///
/// Not a resource: the boundary around the frame would wait for one that is read anywhere inside.
fn counted(org: String) -> RwSignal<Badges> {
    let badges = RwSignal::new(Badges::default());
    let path = use_location().pathname;
    Effect::new(move |_| {
        path.track();
        let org = org.clone();
        spawn_local(async move {
            if let Ok(Waiting { events, budgets, alerts }) = load_waiting(org).await {
                // The frame may be gone meanwhile.
                badges.try_set(Badges { events, budgets, alerts });
            }
        });
    });
    badges
}

fn refused(problem: &Problem) -> AnyView {
    match problem {
        Problem::NotFound => view! { <NotFoundPage/> }.into_any(),
        // The browser is on its way to the sign-in page.
        Problem::Unauthenticated => {
            view! { <Plain><PageHead title="Sign in to go on"/><a class="button" href="/sign-in">"Sign in"</a></Plain> }
                .into_any()
        }
        problem => {
            let (title, detail) = (problem.title(), problem.detail());
            view! { <Plain><PageHead title=title/><ErrorState title=detail/></Plain> }.into_any()
        }
    }
}
