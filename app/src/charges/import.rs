//! A file of charges before it is entered: each row with what it comes to, or with what is wrong.

use super::api::EnterChargeImport;
use super::{days, owner};
use crate::file_import::{Rows, table};
use crate::form::{Posted, hidden};
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{Breadcrumb, Button, ButtonKind, Crumb, FormErrors, PageHead, html};
use domain::charge::{Charge, ChargeForm};
use domain::import::FileRow;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// One file.
pub(crate) async fn import(visit: Visit) -> Drawn {
    let (file, rows) = backend::charges::import(&visit.backend, &visit.scope, visit.id("import")?).await?;
    let (org, counts, id) = (visit.org(), Rows::of(&rows), file.import_id.to_string());
    let crumbs = vec![Crumb::link("Charges", NavItem::Charges.path(org)), Crumb::here(file.file_name.clone())];
    let enter = counts.enter(&file, "charge").map(|text| {
        view! {
            <form method="post" action=EnterChargeImport::url() class="form">
                {hidden([("org", org), ("import", &id)])}
                <div class="actions"><Button kind=ButtonKind::Primary>{text}</Button></div>
            </form>
        }
    });
    let errors = Posted::<EnterChargeImport>::here().errors();
    Ok(Page::new(
        "Import charges",
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=format!("Charges in {}", file.file_name) lead=counts.lead(&file, "charge")/>
            <FormErrors errors=errors/>
            {enter}
            {table(rows, "Charge | Owner | Days | Price", |row, charge| cells(org, row, charge.as_ref()))}
        },
    ))
}

fn cells(org: &str, row: &FileRow<ChargeForm>, charge: Option<&Charge>) -> AnyView {
    let (owner, days, price) = charge.map_or_else(
        || (().into_any(), row.form.from.clone(), row.form.amount.clone()),
        |charge| (owner(org, charge), days(charge.from, charge.to), charge.price_text()),
    );
    html! {
        <th scope="row">{row.form.description.clone()}<span class="note">{row.form.kind.clone()}</span></th>
        <td>{owner}</td>
        <td>{days}</td>
        <td>{price}</td>
    }
}
