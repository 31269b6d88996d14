//! The audit log.

use super::settings_part;
use crate::error::AppError;
use crate::format;
use crate::page::{Drawn, Visit};
use crate::ui::{NoPermission, Section, Table, columns, html};
use backend::audit::AuditRow;
use domain::identity::Permission;
use domain::problem::Problem;
use leptos::prelude::*;

/// What was changed in the organization.
pub(crate) async fn audit(visit: Visit) -> Drawn {
    let body = match backend::audit::list(&visit.backend, &visit.scope, 500).await.map_err(AppError::from) {
        Ok(lines) => table(lines),
        Err(AppError(Problem::Forbidden { .. })) => {
            html! { <NoPermission what=Permission::ReadAudit.description() who="an owner or admin"/> }
        }
        Err(error) => return Err(error),
    };
    Ok(settings_part(&visit, "Audit log", body))
}

fn table(lines: Vec<AuditRow>) -> AnyView {
    let note = lines.first().map(|line| format::offset(*line.at.offset())).unwrap_or_default();
    let rows = lines
        .into_iter()
        .map(|line| {
            view! {
                <tr>
                    <th scope="row" class="nowrap"><time datetime=format::time_machine(line.at) title=format::time_exact(line.at)>{format::time(line.at)}</time></th>
                    <td class="wrap">{line.detail}</td>
                    <td>{line.who}</td>
                    <td class="mono small">{line.action}</td>
                </tr>
            }
        })
        .collect_view();
    let columns = columns("When | What | Who | Action");
    html! {
        <Section title="Audit log" note=format!("the newest 500 entries · {note}")>
            <Table caption="Audit log" columns=columns>{rows}</Table>
        </Section>
    }
}
