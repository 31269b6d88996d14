//! The frame around every page of an organization.

use super::NotFoundPage;
use super::api::{RestoreOrganization, SignOut, load_frame, load_waiting};
use super::frame::{FrameData, Waiting};
use crate::error::AppError;
use crate::form::{Form, use_form};
use crate::format;
use crate::layout::navigation::Badges;
use crate::layout::{Frame, Named, Plain};
use crate::spend::FilterMenu;
use crate::ui::{Button, ErrorState, FormErrors, Notice, PageHead, Tone, for_real, loaded, loaded_first};
use domain::identity::Permission;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_params_map;

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
    let waiting = loaded(move || org.get(), load_waiting);
    let restore = use_form::<RestoreOrganization>();
    view! {
        // Not `Suspense`: that takes the frame away for a moment, and the focus with it, whenever another page comes.
        <Transition>
            {move || Suspend::new(async move {
                let (data, waiting) = (data.await, waiting.await.unwrap_or_default());
                for_real().await;
                match data {
                    Ok(data) => view! { <Framed data=data waiting=waiting restore=restore/> }.into_any(),
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
    /// What waits for somebody.
    waiting: Waiting,
    /// Undoes the deletion of the organization.
    restore: Form<RestoreOrganization>,
) -> impl IntoView {
    let Waiting { events, budgets, alerts } = waiting;
    // By itself: every date of a list asks for it, and the whole frame is large.
    provide_context(data.offsets.clone());
    provide_context(data.clone());
    let deletion = deletion(&data, restore);
    let named = |(name, slug): (String, String)| Named::new(name, slug);
    let organizations: Vec<Named> = data.organizations.into_iter().map(named).collect();
    view! {
        <Frame
            organization=Named::new(data.organization.name, data.organization.slug)
            organizations=organizations
            user=data.email.to_string()
            badges=Badges { events, budgets, alerts }
            today=data.today
            sign_out=SignOut::url()
            filter=|| view! { <FilterMenu/> }
        >
            {deletion}
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
