//! Outgoing mail of local mode, which has no mail server to give it to.

pub mod api;

use crate::error::Failure;
use crate::format;
use crate::layout::Plain;
use crate::ui::{EmptyState, Loading, PageHead, Section, loaded_first};
use api::load_mails;
use domain::delivery::ShownMail;
use leptos::prelude::*;
use leptos_meta::Title;

/// `/dev/mail`: the newest mails with working links.
#[component]
pub fn MailPage() -> impl IntoView {
    let mails = loaded_first(|| (), |()| load_mails());
    view! {
        <Title text="Mail"/>
        <Plain wide=true>
            <PageHead title="Mail" lead="There is no mail server in local mode: mail is shown here instead of being sent. Links work."/>
            <Transition fallback=|| view! { <Loading what="mail" lines=6/> }>
                {move || Suspend::new(async move {
                    match mails.await {
                        Ok(mails) if mails.is_empty() => view! { <EmptyState title="No mail yet"/> }.into_any(),
                        Ok(mails) => mails.into_iter().map(mail).collect_view().into_any(),
                        Err(error) => view! { <Failure what="mail" error=error/> }.into_any(),
                    }
                })}
            </Transition>
        </Plain>
    }
}

fn mail(mail: ShownMail) -> AnyView {
    let id = mail.mail_id.to_string();
    let note = format!("to {}, {}", mail.recipient, format::time(mail.created_at.fixed_offset()));
    let as_sent = format!("/dev/mail/{id}");
    let lines = mail.text.lines().map(line).collect_view();
    view! {
        <Section title=mail.subject note=note id=id>
            <div class="mail-text">{lines}</div>
            // Served beside this page's router, not by it.
            <p><a href=as_sent rel="external">"As HTML"</a></p>
        </Section>
    }
    .into_any()
}

/// A line of the plain part; an address becomes a link.
fn line(text: &str) -> AnyView {
    let words = text.split_inclusive(' ').map(|word| {
        let bare = word.trim_end();
        if bare.starts_with("http://") || bare.starts_with("https://") {
            // The pages behind these links belong to the server, not to this page's router.
            view! { <a href=bare.to_owned() rel="external">{bare.to_owned()}</a>" " }.into_any()
        } else {
            word.to_owned().into_any()
        }
    });
    view! { <p>{words.collect_view()}</p> }.into_any()
}
