//! Signing in, and the link that verifies an address.

use super::api::{SIGN_UP, SignIn, VerifyEmail};
use super::next::local_path;
use crate::caller::backend;
use crate::form::Posted;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{Button, ButtonKind, Field, FormErrors, NoticeText, PageHead, Tone, UrlNotice};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const NOTICES: [NoticeText; 3] = [
    NoticeText { code: "signed-out", tone: Tone::Neutral, text: "You are signed out." },
    NoticeText { code: "password-set", tone: Tone::Good, text: "Your new password is set. Sign in with it." },
    NoticeText { code: "sign-in-first", tone: Tone::Neutral, text: "Sign in to go on." },
];

/// Address and password.
pub(crate) async fn sign_in(address: Address) -> Drawn {
    let form = Posted::<SignIn>::here();
    let next = address.query.get("next").and_then(local_path).map(str::to_owned);
    let body = view! {
        <Plain>
            <PageHead title="Sign in"/>
            <UrlNotice known=&NOTICES/>
            <form class="form" method="post" action=SignIn::url()>
                <FormErrors errors=form.errors()/>
                {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
                <Field label="E-mail" name="email" kind="email" autocomplete="username" maxlength=254
                    error=form.error("email") value=form.kept_or("email", "")/>
                <Field label="Password" name="password" kind="password" autocomplete="current-password" maxlength=256/>
                <Button kind=ButtonKind::Primary>"Sign in"</Button>
            </form>
            <p><a href="/forgotten-password">"Forgotten password?"</a></p>
            <p class="soft">"New here? "<a href="/sign-up">"Sign up"</a></p>
        </Plain>
    };
    Ok(Page::new("Sign in", body))
}

/// The link of the mail. Opening it changes nothing, because mail programs open links too; the button does.
pub(crate) async fn verify_email(address: Address) -> Drawn {
    let form = Posted::<VerifyEmail>::here();
    let (backend, token) = (backend()?, address.query.get("token").unwrap_or_default().to_owned());
    let browser = SIGN_UP.get(backend.local).unwrap_or_default();
    let signed_up_here = backend::identity::is_link_of_browser(&backend, &token, &browser).await?;
    let lead = if signed_up_here { "And you are signed in." } else { "With the password that you signed up with." };
    let password = (!signed_up_here).then(|| {
        let error = form.error("password");
        view! {
            <Field label="Password" name="password" kind="password" autocomplete="current-password" maxlength=256 error=error/>
        }
    });
    let body = view! {
        <Plain>
            <PageHead title="Verify your address" lead=lead/>
            <form class="form" method="post" action=VerifyEmail::url()>
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="token" value=token/>
                {password}
                <Button kind=ButtonKind::Primary>"Verify this address"</Button>
            </form>
            {(!signed_up_here).then(|| view! { <p><a href="/forgotten-password">"Forgotten password?"</a></p> })}
        </Plain>
    };
    Ok(Page::new("Verify your address", body))
}
