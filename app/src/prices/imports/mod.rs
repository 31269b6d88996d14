//! Imports of newer price data into the organization's own prices: files that were sent, and what each proposes.

mod review;

pub(crate) use review::import;

use super::labels::{Tab, instant, tabs};
use crate::form::FileErrors;
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Button, ButtonKind, EmptyState, Field, FormErrors, NoPermission, Notice, PageHead, Section, Table, columns, html,
};
use domain::identity::Permission;
use domain::price::import::{ImportEntry, MAX_FILE_BYTES};
use leptos::prelude::*;

/// The list of imports; files are posted to it.
fn imports_path(org: &str) -> String {
    format!("{}/imports", NavItem::Prices.path(org))
}

fn import_path(org: &str, entry: &ImportEntry) -> String {
    format!("{}/{}", imports_path(org), entry.import_id)
}

/// All imports of the organization, and the form that sends a file.
pub(crate) async fn imports(visit: Visit) -> Drawn {
    let imports = backend::prices::import::list(&visit.backend, &visit.scope).await?;
    let lead = "A newer data set is compared with what you pay. You see every change and what it would have meant, and choose.";
    let send = if visit.frame.may(Permission::ManagePrices) {
        form(visit.org())
    } else {
        html! { <NoPermission what="import prices" who="an owner, admin or finance member"/> }
    };
    let earlier = earlier(visit.org(), &imports);
    Ok(Page::new(
        "Import prices",
        view! {
            <PageHead title="Import prices" lead=lead/>
            {tabs(visit.org(), Tab::Imports)}
            {whose()}
            <Section title="New file" id="new">{send}</Section>
            <Section title="Earlier imports">{earlier}</Section>
        },
    ))
}

/// Into whose book an import goes.
fn whose() -> AnyView {
    html! {
        <Notice>
            "What you take becomes prices of your own. The list price book belongs to all organizations of this server and stays as it is; its operator updates it with "
            <code>"tallystick prices import"</code>". A price of your own is charged without the uplifts that the common book adds for regions."
        </Notice>
    }
}

fn form(org: &str) -> AnyView {
    let wrong = FileErrors::posted_to(&imports_path(org));
    let hint = format!(
        "providers.json of genai-prices, model_prices_and_context_window.json of LiteLLM, or a tab-separated price list; at most {} MiB.",
        MAX_FILE_BYTES / (1024 * 1024)
    );
    html! {
        <form class="form form-wide" method="post" enctype="multipart/form-data" action=imports_path(org)>
            <FormErrors errors=wrong.all()/>
            <div class="form-row">
                <Field label="Version" name="version" optional=true maxlength=100 error=wrong.of("version")
                    hint="Of data that does not name it, such as 0.2.4. Stands beside every price."/>
                <Field label="Changes without a date hold from" name="from" kind="date" optional=true error=wrong.of("from")
                    hint="Today when empty. Data with a date keeps its date."/>
            </div>
            <Field label="File" name="file" kind="file" accept=".json,.tsv,.txt" error=wrong.of("file") hint=hint/>
            <div class="actions">
                <Button kind=ButtonKind::Primary>"Compare"</Button>
                <span class="soft small">"Nothing is entered yet."</span>
            </div>
        </form>
    }
}

fn earlier(org: &str, imports: &[ImportEntry]) -> AnyView {
    if imports.is_empty() {
        let text = "Send the data set that you trust when it has a new edition.";
        return html! { <EmptyState title="No imports yet" text=text/> };
    }
    let columns = columns("File | Data | Proposed # | To confirm # | Entered # | Undated from | Sent | By");
    let rows = imports.iter().map(|entry| row(org, entry)).collect_view();
    html! { <Table caption="Imports, newest first" columns=columns>{rows}</Table> }
}

fn row(org: &str, entry: &ImportEntry) -> AnyView {
    html! {
        <tr>
            <th scope="row"><a href=import_path(org, entry)>{entry.file_name.clone()}</a></th>
            <td>{entry.source.clone()}</td>
            <td class="num">{format::count(entry.counts.total())}</td>
            <td class="num">{format::count(entry.counts.needs_confirmation)}</td>
            <td class="num">{format::count(entry.applied)}</td>
            <td class="nowrap">{instant(entry.from)}</td>
            <td class="nowrap">
                <time datetime=format::time_machine(entry.created_at) title=format::time_exact(entry.created_at)>{format::time(entry.created_at)}</time>
            </td>
            <td>{entry.created_by.clone()}</td>
        </tr>
    }
}
