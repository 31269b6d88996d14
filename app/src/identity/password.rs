//! Forgotten passwords.

use super::api::{ForgottenPassword, ResetPassword};
use super::sign_up::{MailHelp, PASSWORD_HINT};
use crate::form::use_form;
use crate::layout::Plain;
use crate::ui::{Button, ButtonKind, Field, FormErrors, PageHead};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// `/forgotten-password`
#[component]
pub fn ForgottenPasswordPage() -> impl IntoView {
    let form = use_form::<ForgottenPassword>();
    let fields = move || {
        view! {
            <PageHead title="Forgotten password" lead="We mail you a link to set a new one."/>
            <form class="form" method="post" action=ForgottenPassword::url()>
                <FormErrors errors=form.errors()/>
                <Field label="E-mail" name="email" kind="email" autocomplete="username" maxlength=254
                    error=form.error("email") value=form.kept_or("email", "")/>
                <Button kind=ButtonKind::Primary>"Send the link"</Button>
            </form>
            <p><a href="/sign-in">"Back to sign-in"</a></p>
        }
        .into_any()
    };
    view! {
        <Title text="Forgotten password"/>
        <Plain>
            {match form.done().get_untracked() {
                Some(sent) => view! {
                    <PageHead title="Look into your mail"/>
                    <p>"If "<strong>{sent.email.to_string()}</strong>" has an account, a mail with a link is on its way. The link works for one hour."</p>
                    <MailHelp sent=sent/>
                    <p><a href="/sign-in">"Back to sign-in"</a></p>
                }
                .into_any(),
                None => fields(),
            }}
        </Plain>
    }
}

/// `/reset-password?token=…`: the link of the mail.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let form = use_form::<ResetPassword>();
    let token = use_query_map().read_untracked().get("token").unwrap_or_default();
    view! {
        <Title text="Set a new password"/>
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
    }
}
