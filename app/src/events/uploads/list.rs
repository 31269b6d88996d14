//! All files that were sent, and the form for the next one.

use super::{ACCEPT, state_word};
use crate::events::labels::{List, tabs};
use crate::form::FileErrors;
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Badge, Button, ButtonKind, Choice, EmptyState, Field, FormErrors, NoPermission, NoticeText, PageHead, Section,
    Select, Table, Tone, UrlNotice, columns, html,
};
use domain::identity::Permission;
use domain::ids::KeyId;
use domain::upload::{HEAD_BYTES, MAX_FILE_BYTES, Upload};
use leptos::prelude::*;

const NOTICES: [NoticeText; 1] = [NoticeText {
    code: "discarded",
    tone: Tone::Neutral,
    text: "The upload is discarded. What was recorded of it stays.",
}];

/// `/o/{org}/events/uploads`
pub(crate) async fn uploads(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let (uploads, keys, attention) = futures::try_join!(
        backend::events::uploads::list(backend, scope),
        backend::events::uploads::keys(backend, scope),
        backend::events::attention(backend, scope),
    )?;
    let (start, earlier) = (start(&visit, keys), earlier(&visit.path, &uploads));
    Ok(Page::new(
        "Imports",
        view! {
            <PageHead title="Imports" lead="Usage that you have as NDJSON or CSV. Rows become events while they are read; the file itself is not kept."/>
            <UrlNotice known=&NOTICES/>
            {tabs(visit.org(), List::Uploads, attention)}
            <Section title="New file" id="new">{start}</Section>
            <Section title="Earlier imports">{earlier}</Section>
        },
    ))
}

fn start(visit: &Visit, keys: Vec<(KeyId, String)>) -> AnyView {
    if !visit.frame.may(Permission::SendEvents) {
        return html! { <NoPermission what=Permission::SendEvents.description() who="an owner, admin or member"/> };
    }
    if keys.is_empty() {
        let keys = format!("{}/keys", NavItem::Settings.path(visit.org()));
        let text = "Its rows are recorded in the name of a key, which also says their project.";
        return html! { <EmptyState title="A file needs an API key that may send events" text=text><Button href=keys>"API keys"</Button></EmptyState> };
    }
    let wrong = FileErrors::posted_to(&visit.path);
    let keys = keys.into_iter().map(|(key_id, name)| Choice::new(key_id.to_string(), name)).collect::<Vec<_>>();
    let hint = format!(
        "NDJSON, one event per line, or CSV with a header; at most {} MiB; the command “tallystick import” takes larger ones.",
        MAX_FILE_BYTES / (1024 * 1024)
    );
    html! {
        <form class="form" method="post" enctype="multipart/form-data" action=visit.path.clone() data-file="start" data-head=HEAD_BYTES.to_string()>
            <FormErrors errors=wrong.all()/>
            <p class="notice tone-bad" role="alert" data-wrong="" hidden></p>
            <Select label="Attribute to API key" name="key" choices=keys error=wrong.of("key") hint="Where a row names no project, the key's is meant."/>
            <Field label="File" name="file" kind="file" accept=ACCEPT error=wrong.of("file") hint=hint/>
            <div class="actions">
                <Button kind=ButtonKind::Primary>"Upload and preview"</Button>
                <span class="soft small">"Nothing is recorded yet."</span>
                <span class="soft small" role="status"></span>
            </div>
        </form>
    }
}

fn earlier(path: &str, uploads: &[Upload]) -> AnyView {
    if uploads.is_empty() {
        let text = "An export of your gateway or of a provider is a good beginning.";
        return html! { <EmptyState title="No imports yet" text=text/> };
    }
    let columns = columns("File | State | Rows # | Recorded # | Duplicates # | Rejected # | Begun | By | API key");
    let rows = uploads.iter().map(|upload| row(path, upload)).collect_view();
    html! { <Table caption="Imports, newest first" columns=columns>{rows}</Table> }
}

fn row(path: &str, upload: &Upload) -> AnyView {
    let (word, tone) = state_word(upload);
    let href = format!("{path}/{}", upload.upload_id);
    html! {
        <tr>
            <th scope="row"><a href=href>{upload.file_name.clone()}</a><span class="note">{format::bytes(upload.size_bytes)}</span></th>
            <td><Badge tone=tone>{word}</Badge></td>
            <td class="num">{format::count(upload.rows)}</td>
            <td class="num">{format::count(upload.accepted)}</td>
            <td class="num">{format::count(upload.duplicates)}</td>
            <td class="num">{format::count(upload.refused)}</td>
            <td class="nowrap"><time datetime=format::time_machine(upload.created_at) title=format::time_exact(upload.created_at)>{format::time(upload.created_at)}</time></td>
            <td>{upload.created_by.clone()}</td>
            <td>{upload.key_name.clone()}</td>
        </tr>
    }
}
