//! Signing in, and the link that verifies an address.

use super::api::{SignIn, VerifyEmail};
use super::next::local_path;
use crate::form::use_form;
use crate::layout::Plain;
use crate::ui::{Button, ButtonKind, Field, FormErrors, NoticeText, PageHead, Tone, UrlNotice};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

const NOTICES: [NoticeText; 3] = [
    NoticeText { code: "signed-out", tone: Tone::Neutral, text: "You are signed out." },
    NoticeText { code: "password-set", tone: Tone::Good, text: "Your new password is set. Sign in with it." },
    NoticeText { code: "sign-in-first", tone: Tone::Neutral, text: "Sign in to go on." },
];

/// `/sign-in`
#[component]
pub fn SignInPage() -> impl IntoView {
    let form = use_form::<SignIn>();
    let next = use_query_map().read_untracked().get("next").filter(|next| local_path(next).is_some());
    view! {
        <Title text="Sign in"/>
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
    }
}

/// `/verify-email?token=…`: the link of the mail. Opening it changes nothing, because mail programs open links too; the button does.
#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    let form = use_form::<VerifyEmail>();
    let token = use_query_map().read_untracked().get("token").unwrap_or_default();
    view! {
        <Title text="Verify your address"/>
        <Plain>
            <PageHead title="Verify your address" lead="With the password that you signed up with."/>
            <form class="form" method="post" action=VerifyEmail::url()>
                <FormErrors errors=form.errors()/>
                <input type="hidden" name="token" value=token/>
                <Field label="Password" name="password" kind="password" autocomplete="current-password" maxlength=256
                    error=form.error("password")/>
                <Button kind=ButtonKind::Primary>"Verify this address"</Button>
            </form>
            <p><a href="/forgotten-password">"Forgotten password?"</a></p>
        </Plain>
    }
}
