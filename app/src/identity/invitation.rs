//! Accepting an invitation.

use super::api::{AcceptAsNew, AcceptInvitation, SignOut};
use super::next::sign_in_path;
use super::sign_up::PASSWORD_HINT;
use crate::caller::{SignedIn, backend};
use crate::error::AppError;
use crate::form::Posted;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{Button, ButtonKind, Field, FormErrors, PageHead, html};
use backend::identity::Offer;
use domain::identity::Email;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Where the link of the mail leads.
pub(crate) async fn invitation(address: Address) -> Drawn {
    let (org, token) = (address.part("org"), address.part("token"));
    let signed_in = SignedIn::find().await?.map(|person| person.user.email);
    let offer = backend::identity::offer(&backend()?, org, token).await.map_err(AppError::from);
    let body = match offer {
        Ok(offer) => draw(&offer, signed_in, org, token),
        Err(AppError(Problem::NotFound)) => html! {
            <PageHead title="This invitation is not open" lead="It was accepted, revoked, replaced by a newer one, or is older than 7 days. Ask for a new one."/>
            <a class="button" href="/">"Back to Overview"</a>
        },
        Err(error) => return Err(error),
    };
    Ok(Page::new("Invitation", view! { <Plain>{body}</Plain> }))
}

fn draw(offer: &Offer, signed_in: Option<Email>, org: &str, token: &str) -> AnyView {
    let title = format!("Join {}", offer.organization);
    let lead = format!("{} is invited as {}.", offer.email, offer.role);
    let hidden = view! {
        <input type="hidden" name="org" value=org.to_owned()/>
        <input type="hidden" name="token" value=token.to_owned()/>
    };
    let (accept, join) = (Posted::<AcceptInvitation>::here(), Posted::<AcceptAsNew>::here());
    let way = match signed_in {
        Some(email) if email == offer.email => html! {
            <form class="form" method="post" action=AcceptInvitation::url()>
                <FormErrors errors=accept.errors()/>
                {hidden}
                <Button kind=ButtonKind::Primary>"Accept"</Button>
            </form>
        },
        Some(other) => html! {
            <p>"You are signed in as "<strong>{other.to_string()}</strong>". Sign out, then open the link again."</p>
            <form method="post" action=SignOut::url()><Button>"Sign out"</Button></form>
        },
        None if offer.has_account => {
            let href = sign_in_path(&format!("/invitations/{org}/{token}"));
            html! { <div class="actions"><Button kind=ButtonKind::Primary href=href>"Sign in to accept"</Button></div> }
        }
        None => html! {
            <form class="form" method="post" action=AcceptAsNew::url()>
                <FormErrors errors=join.errors()/>
                {hidden}
                // For password managers: which account the password belongs to.
                <input type="hidden" name="username" autocomplete="username" value=offer.email.to_string()/>
                <Field label="Choose a password" name="password" kind="password" autocomplete="new-password" minlength=8 maxlength=256
                    hint=PASSWORD_HINT error=join.error("password")/>
                <Button kind=ButtonKind::Primary>"Create account and accept"</Button>
            </form>
        },
    };
    html! { <PageHead title=title lead=lead/>{way} }
}
