//! Accepting an invitation.

use super::api::{AcceptAsNew, AcceptInvitation, SignOut, load_invitation};
use super::next::sign_in_path;
use super::sign_up::PASSWORD_HINT;
use super::views::InvitationView;
use crate::form::{Form, use_form};
use crate::layout::Plain;
use crate::ui::{Button, ButtonKind, Field, FormErrors, Loading, PageHead, loaded_first};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// `/invitations/{org}/{token}`: the link of the mail.
#[component]
pub fn InvitationPage() -> impl IntoView {
    let accept = use_form::<AcceptInvitation>();
    let join = use_form::<AcceptAsNew>();
    let params = use_params_map();
    let part = move |name: &'static str| params.read_untracked().get(name).unwrap_or_default();
    let link = StoredValue::new((part("org"), part("token")));
    let offer = loaded_first(move || link.get_value(), |(org, token)| load_invitation(org, token));
    view! {
        <Title text="Invitation"/>
        <Plain>
            <Suspense fallback=|| view! { <Loading what="invitation"/> }>
                {move || Suspend::new(async move {
                    match offer.await {
                        Ok(offer) => page(offer, link.get_value(), accept, join),
                        Err(_) => view! {
                            <PageHead title="This invitation is not open" lead="It was accepted, revoked, replaced by a newer one, or is older than 7 days. Ask for a new one."/>
                            <a class="button" href="/">"Go to the start"</a>
                        }
                        .into_any(),
                    }
                })}
            </Suspense>
        </Plain>
    }
}

fn page(
    offer: InvitationView,
    (org, token): (String, String),
    accept: Form<AcceptInvitation>,
    join: Form<AcceptAsNew>,
) -> AnyView {
    let title = format!("Join {}", offer.organization);
    let lead = format!("{} is invited as {}.", offer.email, offer.role);
    let hidden = {
        let (org, token) = (org.clone(), token.clone());
        view! { <input type="hidden" name="org" value=org/><input type="hidden" name="token" value=token/> }
    };
    let way = match offer.signed_in {
        Some(email) if email == offer.email => view! {
            <form class="form" method="post" action=AcceptInvitation::url()>
                <FormErrors errors=accept.errors()/>
                {hidden}
                <Button kind=ButtonKind::Primary>"Accept"</Button>
            </form>
        }
        .into_any(),
        Some(other) => view! {
            <p>"You are signed in as "<strong>{other.to_string()}</strong>". Sign out, then open the link again."</p>
            <form method="post" action=SignOut::url()><Button>"Sign out"</Button></form>
        }
        .into_any(),
        None if offer.has_account => {
            let href = sign_in_path(&format!("/invitations/{org}/{token}"));
            view! { <div class="actions"><Button kind=ButtonKind::Primary href=href>"Sign in to accept"</Button></div> }.into_any()
        }
        None => view! {
            <form class="form" method="post" action=AcceptAsNew::url()>
                <FormErrors errors=join.errors()/>
                {hidden}
                // For password managers: which account the password belongs to.
                <input type="hidden" name="username" autocomplete="username" value=offer.email.to_string()/>
                <Field label="Choose a password" name="password" kind="password" autocomplete="new-password" minlength=8 maxlength=256
                    hint=PASSWORD_HINT error=join.error("password")/>
                <Button kind=ButtonKind::Primary>"Create account and accept"</Button>
            </form>
        }
        .into_any(),
    };
    view! { <PageHead title=title lead=lead/>{way} }.into_any()
}
