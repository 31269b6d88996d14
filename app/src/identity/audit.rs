//! The audit log.

use super::api::load_audit;
use super::settings::SettingsTabs;
use super::shell::use_org;
use super::views::AuditLine;
use crate::error::{AppError, Failure};
use crate::format;
use crate::ui::{Column, Loading, NoPermission, PageHead, Section, Table, loaded_first};
use domain::identity::Permission;
use domain::problem::Problem;
use leptos::prelude::*;
use leptos_meta::Title;

/// `/o/{org}/settings/audit`
#[component]
pub fn AuditPage() -> impl IntoView {
    let org = use_org();
    // Blocking: whether it may be read decides the status.
    let lines = loaded_first(move || org.get(), load_audit);
    view! {
        <Title text="Audit log"/>
        <PageHead title="Settings"/>
        <SettingsTabs/>
        <Suspense fallback=|| view! { <Loading what="audit log"/> }>
            {move || Suspend::new(async move {
                match lines.await {
                    Ok(lines) => table(lines),
                    Err(AppError(Problem::Forbidden { .. })) => {
                        view! { <NoPermission what=Permission::ReadAudit.description() who="an owner or admin"/> }.into_any()
                    }
                    Err(error) => view! { <Failure what="audit log" error=error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn table(lines: Vec<AuditLine>) -> AnyView {
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
    let columns = vec![Column::text("When"), Column::text("What"), Column::text("Who"), Column::text("Action")];
    view! {
        <Section title="Audit log" note=format!("the newest 500 entries · {note}")>
            <Table caption="Audit log" columns=columns>{rows}</Table>
        </Section>
    }
    .into_any()
}
