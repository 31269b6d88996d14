//! Forgotten passwords.

use super::api::{ForgottenPassword, ResetPassword};
use super::sign_up::{PASSWORD_HINT, mail_help};
use crate::form::Posted;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{Button, ButtonKind, Field, FormErrors, PageHead, html};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Asks for a mail with a link.
pub(crate) async fn forgotten_password(_: Address) -> Drawn {
    let form = Posted::<ForgottenPassword>::here();
    let body = match form.done() {
        Some(sent) => html! {
            <PageHead title="Check your email"/>
            <p>"If "<strong>{sent.email.to_string()}</strong>" has an account, a mail with a link is on its way. The link works for one hour."</p>
            {mail_help(sent)}
        },
        None => html! {
            <PageHead title="Forgotten password" lead="We mail you a link to set a new one."/>
            <form class="form" method="post" action=ForgottenPassword::url()>
                <FormErrors errors=form.errors()/>
                <Field label="E-mail" name="email" kind="email" autocomplete="username" maxlength=254
                    error=form.error("email") value=form.kept_or("email", "")/>
                <Button kind=ButtonKind::Primary>"Send the link"</Button>
            </form>
        },
    };
    let page = view! { <Plain>{body}<p><a href="/sign-in">"Back to sign-in"</a></p></Plain> };
    Ok(Page::new("Forgotten password", page))
}

/// Where the link of that mail leads.
pub(crate) async fn reset_password(address: Address) -> Drawn {
    let form = Posted::<ResetPassword>::here();
    let token = address.query.get("token").unwrap_or_default().to_owned();
    let body = view! {
        <Plain>
            <PageHead title="Set a new password" lead="It signs you out on every browser."/>
            <form class="form" method="post" action=ResetPassword::url()>
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="token" value=token/>
                <Field label="New password" name="password" kind="password" autocomplete="new-password" minlength=8 maxlength=256
                    hint=PASSWORD_HINT error=form.error("password")/>
                <Button kind=ButtonKind::Primary>"Set the password"</Button>
            </form>
            <p class="soft"><a href="/forgotten-password">"Ask for a new link"</a></p>
        </Plain>
    };
    Ok(Page::new("Set a new password", body))
}
