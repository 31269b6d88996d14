//! Signing up.

use super::api::{Sent, SignUp};
use crate::form::Posted;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{Button, ButtonKind, Field, FormErrors, PageHead, html};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// What the rules of a new password are, in one line.
pub(super) const PASSWORD_HINT: &str = "At least 8 characters. Three or four unrelated words are easy to remember.";

/// Address and password; then, where the mail went.
pub(crate) async fn sign_up(_: Address) -> Drawn {
    let form = Posted::<SignUp>::here();
    let body = match form.done() {
        Some(sent) => html! {
            <PageHead title="Check your email"/>
            <p>"We have sent a mail to "<strong>{sent.email.to_string()}</strong>". Open the link in it within 24 hours."</p>
            {mail_help(sent)}
            <p><a href="/sign-up">"Use another address"</a></p>
        },
        None => html! {
            <PageHead title="Sign up" lead="See what your language models cost, down to the event."/>
            <form class="form" method="post" action=SignUp::url()>
                <FormErrors errors=form.errors()/>
                <Field label="E-mail" name="email" kind="email" autocomplete="username" maxlength=254
                    error=form.error("email") value=form.kept_or("email", "")/>
                <Field label="Password" name="password" kind="password" autocomplete="new-password" minlength=8 maxlength=256
                    hint=PASSWORD_HINT error=form.error("password")/>
                <Button kind=ButtonKind::Primary>"Sign up"</Button>
            </form>
            <p class="soft">"You have an account? "<a href="/sign-in">"Sign in"</a></p>
        },
    };
    Ok(Page::new("Sign up", view! { <Plain>{body}</Plain> }))
}

/// What to do when no mail comes; in local mode, where to read it.
pub(super) fn mail_help(sent: &Sent) -> AnyView {
    if sent.shown_locally {
        html! { <p>"This server runs locally: unless a mail server is set up, mail is shown at "<a href="/dev/mail">"/dev/mail"</a>"."</p> }
    } else {
        html! { <p class="soft">"Nothing after some minutes? Look into the spam folder, or try again."</p> }
    }
}
