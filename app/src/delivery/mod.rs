//! Outgoing mail of local mode, which has no mail server to give it to.

use crate::caller::{SignedIn, backend};
use crate::format;
use crate::layout::Plain;
use crate::page::{Address, Drawn, Page};
use crate::ui::{EmptyState, PageHead, Section, html};
use domain::delivery::ShownMail;
use domain::problem::Problem;
use leptos::prelude::*;

/// The newest mails with working links, where other machines reach local mode to signed-in people alone; outside local mode there is no such page.
pub(crate) async fn mails(_: Address) -> Drawn {
    let backend = backend()?;
    if !backend.local {
        return Err(Problem::NotFound.into());
    }
    if backend.exposed {
        SignedIn::or_sign_in().await?;
    }
    let mails = backend::delivery::shown(&backend).await?;
    let list = if mails.is_empty() {
        html! { <EmptyState title="No mail yet"/> }
    } else {
        mails.into_iter().map(mail).collect_view().into_any()
    };
    let body = view! {
        <Plain wide=true>
            <PageHead title="Mail" lead="There is no mail server in local mode: mail is kept here and not sent. Links work."/>
            {list}
        </Plain>
    };
    Ok(Page::new("Mail", body))
}

fn mail(mail: ShownMail) -> AnyView {
    let id = mail.mail_id.to_string();
    let note = format!("to {}, {}", mail.recipient, format::time(mail.created_at.fixed_offset()));
    let as_sent = format!("/dev/mail/{id}");
    let lines = mail.text.lines().map(line).collect_view();
    html! {
        <Section title=mail.subject note=note id=id>
            <div class="mail-text">{lines}</div>
            <p><a href=as_sent>"As HTML"</a></p>
        </Section>
    }
}

/// A line of the plain part; an address becomes a link.
fn line(text: &str) -> AnyView {
    let words = text.split_inclusive(' ').map(|word| {
        let bare = word.trim_end();
        if bare.starts_with("http://") || bare.starts_with("https://") {
            html! { <a href=bare.to_owned()>{bare.to_owned()}</a>" " }
        } else {
            word.to_owned().into_any()
        }
    });
    html! { <p>{words.collect_view()}</p> }
}
