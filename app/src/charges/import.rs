//! A file of charges before it is entered: each row with what it comes to, or with what is wrong.

use super::api::EnterChargeImport;
use super::{days, owner};
use crate::form::{Posted, hidden};
use crate::format;
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Badge, Breadcrumb, Button, ButtonKind, Crumb, FormErrors, PageHead, Section, Table, Tone, columns, html,
};
use backend::charges::ImportRow;
use domain::import::FileImport;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Most rows that the page shows; those that are wrong come first.
const SHOWN: usize = 300;

/// One file.
pub(crate) async fn import(visit: Visit) -> Drawn {
    let (file, rows) = backend::charges::import(&visit.backend, &visit.scope, visit.id("import")?).await?;
    let org = visit.org();
    let list = NavItem::Charges.path(org);
    let crumbs = vec![Crumb::link("Charges", list.clone()), Crumb::here(file.file_name.clone())];
    let form = Posted::<EnterChargeImport>::here();
    Ok(Page::new(
        "Import charges",
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=format!("Charges in {}", file.file_name) lead=lead(&file, &rows)/>
            <FormErrors errors=form.errors()/>
            {enter(org, &file, &rows)}
            {table(org, rows)}
        },
    ))
}

fn wrong(rows: &[ImportRow]) -> usize {
    rows.iter().filter(|(row, _)| !row.wrong.is_empty()).count()
}

fn counted(number: usize, word: &str) -> String {
    format::counted(i128::try_from(number).unwrap_or_default(), word)
}

fn lead(file: &FileImport, rows: &[ImportRow]) -> String {
    match (file.entered_at, wrong(rows)) {
        (Some(at), _) => format!("Entered on {}.", format::time(at)),
        (None, 0) => format!("{} can be entered. Nothing counts yet.", counted(rows.len(), "charge")),
        (None, wrong) => {
            let rows = counted(rows.len(), "row");
            format!("{} of {rows} cannot be entered. Correct the file and send it again.", format::count(wrong as u64))
        }
    }
}

fn enter(org: &str, file: &FileImport, rows: &[ImportRow]) -> Option<AnyView> {
    let import = file.import_id.to_string();
    let text = format!("Enter {}", counted(rows.len(), "charge"));
    (file.entered_at.is_none() && wrong(rows) == 0).then(|| {
        html! {
            <form method="post" action=EnterChargeImport::url() class="form">
                {hidden([("org", org), ("import", &import)])}
                <div class="actions"><Button kind=ButtonKind::Primary>{text}</Button></div>
            </form>
        }
    })
}

fn table(org: &str, mut rows: Vec<ImportRow>) -> AnyView {
    rows.sort_by_key(|(row, _)| (row.wrong.is_empty(), row.line));
    let more = rows.len().saturating_sub(SHOWN);
    let more = (more > 0)
        .then(|| view! { <p class="soft small">{format!("{} more not listed.", format::count(more as u64))}</p> });
    let shown = rows.iter().take(SHOWN).map(|row| line(org, row)).collect_view();
    let columns = columns("Charge | Row # | Owner | Days | Price | State");
    html! {
        <Section title="Rows"><Table caption="Rows of the file" columns=columns dense=true>{shown}</Table>{more}</Section>
    }
}

fn line(org: &str, (row, charge): &ImportRow) -> AnyView {
    let state = if row.wrong.is_empty() {
        html! { <Badge tone=Tone::Good>"ready"</Badge> }
    } else {
        let wrong = row.wrong.iter().map(|wrong| format!("{}: {}", wrong.pointer, wrong.detail)).collect::<Vec<_>>();
        html! { <span class="warn">{wrong.join(" ")}</span> }
    };
    let (owner, days, price) = charge.as_ref().map_or_else(
        || (().into_any(), row.form.from.clone(), row.form.amount.clone()),
        |charge| (owner(org, charge), days(charge.from, charge.to), charge.price_text()),
    );
    html! {
        <tr>
            <th scope="row">{row.form.description.clone()}<span class="note">{row.form.kind.clone()}</span></th>
            <td class="num">{row.line}</td>
            <td>{owner}</td>
            <td>{days}</td>
            <td>{price}</td>
            <td>{state}</td>
        </tr>
    }
}
