//! A file of values before it is recorded: each row with what it says, or with what is wrong.

use super::api::EnterMetricImport;
use crate::file_import::{Rows, table};
use crate::form::{Posted, hidden};
use crate::layout::NavItem;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{Breadcrumb, Button, ButtonKind, Crumb, FormErrors, PageHead, html};
use domain::business_metric::MetricForm;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// One file.
pub(crate) async fn import(visit: Visit) -> Drawn {
    let (file, rows) = backend::business_metrics::import(&visit.backend, &visit.scope, visit.id("import")?).await?;
    let (org, counts, id) = (visit.org(), Rows::of(&rows), file.import_id.to_string());
    let crumbs = vec![Crumb::link("Unit costs", NavItem::UnitCosts.path(org)), Crumb::here(file.file_name.clone())];
    let enter = counts.enter(&file, "value").map(|text| {
        view! {
            <form method="post" action=EnterMetricImport::url() class="form">
                {hidden([("org", org), ("import", &id)])}
                <div class="actions"><Button kind=ButtonKind::Primary>{text}</Button></div>
            </form>
        }
    });
    let errors = Posted::<EnterMetricImport>::here().errors();
    Ok(Page::new(
        "Import values",
        view! {
            <Breadcrumb crumbs=crumbs/>
            <PageHead title=format!("Values in {}", file.file_name) lead=counts.lead(&file, "value")/>
            <FormErrors errors=errors/>
            {enter}
            {table(rows, "Metric | Days | Labels | Value #", |row, _| cells(&row.form))}
        },
    ))
}

fn cells(form: &MetricForm) -> AnyView {
    let labels: Vec<String> = form.labels.iter().map(|(name, is)| format!("{name}={is}")).collect();
    html! {
        <th scope="row">{form.name.clone()}<span class="note">{form.unit.clone()}</span></th>
        <td class="nowrap">{form.period.clone()}</td>
        <td>{labels.join(", ")}</td>
        <td class="num">{form.value.clone()}</td>
    }
}
